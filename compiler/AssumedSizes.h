// Sizes for what a model leaves open, for commands that speak of one size of it. No LLVM, no MLIR in this header.
#pragma once

#include "compiler/Compiler.h"
#include "compiler/ModelInterface.h"

namespace sinter {

/// The options with shapes for the required inputs whose sizes they leave open, the first of a few for which `isGood`:
/// 1 for a symbol that is a first dimension, one size for others, the nearest that `dimRanges` allows, and what `dims`
/// says. Nothing where no size is open, or none is good.
std::optional<CompileOptions> withAssumedSizes(const ModelInterface &interface, const CompileOptions &options,
                                               const std::function<bool(const CompileOptions &)> &isGood);

/// Adds to `options.shapes` assumed sizes with which the model's shapes can be inferred, and gives what was added:
/// nothing where there are none. Fails for what is no model, and for wrong options.
Expected<std::map<std::string, Shape>> assumeSizes(const std::string &path, CompileOptions &options);

} // namespace sinter
