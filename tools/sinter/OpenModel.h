// A model by its file name, ready to run: compiled in memory, or loaded if it is compiled already.
#pragma once

#include "runtime/Model.h"
#include "tools/sinter/CommonOptions.h"

namespace sinter {

bool isCompiled(const std::string &path);

/// Loads a .so or compiles an .onnx or .mlir file in this process. Compile options are an error for a .so, but for
/// --shape, which chooses from several.
Expected<std::shared_ptr<const Model>> openModel(const std::string &path, const CommonOptions &options);

/// Reads only the tables of a .so, for commands that need no more: none of its code runs, and it may be for another
/// machine.
Expected<std::shared_ptr<const Model>> readCompiled(const std::string &path, const CommonOptions &options);

/// Models that are not compiled have no checksum to compare.
Status checkWeightsOption(const std::string &path, const CommonOptions &options);

/// Every variant that the command is about: those of a .so, or one for each --shapes.
Expected<std::vector<std::shared_ptr<const Model>>> openVariants(const std::string &path, const CommonOptions &options);

/// A shape cache for an .onnx or .mlir file; the second one has compiled each --shapes.
Expected<std::unique_ptr<ShapeCache>> openShapeCache(const std::string &path, const CommonOptions &options);
Expected<std::unique_ptr<ShapeCache>> openWarmShapeCache(const std::string &path, const CommonOptions &options);

/// For commands that speak of one size: gives inputs that the model leaves open, and the options too, a shape, and says
/// so on stderr. What is compiled, or has several sets of shapes, has its sizes.
Status assumeOpenSizes(const std::string &path, CommonOptions &options);

/// "x=1x3x224x224,mask=1x224".
std::string shapesOf(const Model &model);

/// Compiles in this process.
Expected<std::shared_ptr<Model>> compileModel(const std::string &path, const CompileOptions &options);

/// "x (f32 1x3x224x224), mask (bool 1)".
std::string describe(std::span<const SinterTensorInfo> tensors);

} // namespace sinter
