// Schedules by measurement: --tune and --tune-cache.
#pragma once

#include "compiler/LowerToKernels.h"
#include "compiler/ModelSource.h"

namespace sinter::codegen {

/// Whether the options ask to measure kernels, or to use earlier measurements.
inline bool isTuned(const TuneOptions &tune) { return tune.measure || !tune.cachePath.empty(); }

/// Errors in the options that show before any work is done.
Status checkTuning(const CompileOptions &options, const Target &target);

/// Gives the kernels of a model that lowerToKernels made the schedule and the backend that were fastest on this
/// machine: what the cache says, and where `options.tune.measure` is set what measuring says of kernels that it lacks.
/// Nothing unless asked for.
Status tuneKernels(LoadedModel &model, const CompileOptions &options, const Target &target);

} // namespace sinter::codegen
