// Compiling and running a model file in a test.
#pragma once

#include "compiler/Compiler.h"
#include "runtime/Model.h"

namespace sinter {

/// Floats uniform in [-1, 1), integers in [-9, 9], from a fixed seed.
std::vector<Tensor> uniformInputs(const Model &model);

/// The model's outputs for uniformInputs; none, and a test failure, where it does not compile or run.
std::vector<Tensor> compileAndRun(const std::string &path, const CompileOptions &options, int threads);

} // namespace sinter
