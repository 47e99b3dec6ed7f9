// The C header beside an object that needs nothing but itself (--standalone).
#pragma once

#include "codegen/artefact/Program.h"

namespace sinter::codegen {

/// The symbols of a model that was compiled as `symbol` ("digits"): `digits_invoke`, and where the weights are in a
/// file of their own, the variable `digits_weights`.
struct StandaloneNames {
  explicit StandaloneNames(const Standalone &standalone)
      : symbol(standalone.symbol), invoke(symbol + "_invoke"), weights(symbol + "_weights") {}
  std::string symbol, invoke, weights;
};

/// A C identifier made of `name`: other characters become '_'; empty or starting with a digit, it gets a '_' in front.
std::string identifierOf(llvm::StringRef name);

/// A typed function to run the program, which is standalone, C99, with all that a caller must know: sizes, threads, and
/// how to hand over weights.
std::string standaloneHeader(const Program &program, const Target &target);

} // namespace sinter::codegen
