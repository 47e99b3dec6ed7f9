// Sizes for what a model leaves open, for commands that speak of one size of it. No LLVM, no MLIR in this header.
#pragma once

#include "compiler/Compiler.h"
#include "compiler/ModelInterface.h"

namespace sinter {

/// Sizes to try for open dimensions but a first one, which is most often a batch: sizes that networks do not shrink to
/// nothing and that their strides divide.
inline constexpr int64_t assumedSizes[] = {224, 32, 640, 8, 1};

/// `options.shapes`, and those of the required inputs that the model leaves open: 1 for a symbol that is a first
/// dimension, `size` for others, the nearest that `options.dimRanges` allows, and what `options.dims` says.
std::map<std::string, Shape> shapesWithSize(const ModelInterface &interface, const CompileOptions &options,
                                            int64_t size);

/// Adds to `options.shapes` the first of assumedSizes that the model's shapes can be inferred with, and gives what was
/// added: nothing where no size is open, or none of them does. Fails for what is no model, and for wrong options.
Expected<std::map<std::string, Shape>> assumeSizes(const std::string &path, CompileOptions &options);

} // namespace sinter
