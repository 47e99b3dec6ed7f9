// nn-pipeline of sinter-opt: the passes that `sinter compile` runs, for options and a target.
#pragma once

namespace sinter {

/// Registers it with MLIR's passes.
void registerNnPipeline();

} // namespace sinter
