// The dimensions that a model leaves open, as symbols with names (docs/sizes.md). No LLVM, no MLIR in this header.
#pragma once

#include "compiler/Compiler.h"
#include "compiler/ModelInterface.h"

namespace sinter {

/// A size that only a run knows: one dimension, or several of one name.
struct Symbol {
  struct Place {
    const InterfaceValue *input;
    size_t axis;
  };
  std::string name;
  std::vector<Place> places; ///< one or more, in the order of the inputs
};

/// The name of a dimension that an input leaves open: the file's, or INPUT.AXIS.
std::string symbolName(const InterfaceValue &input, size_t axis);

/// In the order of the inputs. They point into `interface`.
std::vector<Symbol> symbolsOf(const ModelInterface &interface);

/// Whether the options leave it to the run.
bool isOpen(const Symbol &symbol, const CompileOptions &options);

/// Compares the sizes that options give with `dimRanges`. Fails where a range names no symbol, a size lies outside its
/// range, or two dimensions of one declared name differ.
Status checkDeclaredSizes(const ModelInterface &interface, const CompileOptions &options);

/// Fails where a symbol that has a range is left to the run: a file holds one size of it.
Status checkSizesOfFile(const ModelInterface &interface, const CompileOptions &options);

} // namespace sinter
