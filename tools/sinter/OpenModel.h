// A model by its file name, ready to run: compiled in memory, or loaded if it is compiled already.
#pragma once

#include "runtime/Model.h"
#include "tools/sinter/CommonOptions.h"

namespace sinter {

bool isCompiled(const std::string &path);

/// Loads a .so (compile options are then an error) or compiles an .onnx or .mlir file in this process.
Expected<std::shared_ptr<Model>> openModel(const std::string &path, const CommonOptions &options);

/// Compiles in this process.
Expected<std::shared_ptr<Model>> compileModel(const std::string &path, const CompileOptions &options);

/// A tensor from a file in the form that the model declares. Some writers record a scalar as one element of
/// rank 1, and ONNX up to 1.12 recorded bf16 as uint16 of the same bits.
Tensor asDeclared(const SinterTensorInfo &info, const Tensor &recorded);

/// "x (f32 1x3x224x224), mask (bool 1)".
std::string describe(std::span<const SinterTensorInfo> tensors);

} // namespace sinter
