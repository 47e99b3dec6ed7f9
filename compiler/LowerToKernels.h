// From a loaded model to a function of planned kernels: the pass pipeline.
#pragma once

#include "codegen/target/Target.h"
#include "compiler/ModelSource.h"
#include "compiler/verify/PassBisector.h"

namespace sinter::codegen {

class RemarkCollector;

/// The target of the options, with what their math mode allows.
Expected<Target> targetFor(const CompileOptions &options);

/// Runs every pass, up to planned memory; kernels get the backend that `options` and the target call for.
/// Where there is a judge, it is asked after each, and `fault` has what it refused first. `remarks` may be null.
Status lowerToKernels(LoadedModel &model, const CompileOptions &options, const Target &target, const Judge &judge = {},
                      std::optional<Fault> *fault = nullptr, RemarkCollector *remarks = nullptr);

/// Makes the shapes of an imported model static, and nothing else.
Status specialiseShapes(LoadedModel &model, const CompileOptions &options);

} // namespace sinter::codegen
