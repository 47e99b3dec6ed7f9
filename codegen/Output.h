// Outputs of runtime/Output.h, filled through LLVM's streams.
#pragma once

#include "runtime/Output.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace llvm {
class raw_ostream;
}

namespace sinter::codegen {

/// Fills a file that exists, the temporary of an output, from its beginning. `name` stands in messages.
Status fillOutput(const std::string &temporary, const std::string &name,
                  llvm::function_ref<void(llvm::raw_ostream &)> write);

/// Adds an output to the set and fills it.
Status addOutput(OutputSet &outputs, const std::string &path, llvm::function_ref<void(llvm::raw_ostream &)> write);

/// A file that is removed at the end of its scope, under a name made of `beside`.
class Scratch {
public:
  explicit Scratch(const std::string &beside) : path(makeTemporary(beside)) {}
  ~Scratch() { discardTemporary(path); }
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;

  const std::string path;
};

} // namespace sinter::codegen
