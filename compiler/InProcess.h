// Models that are loaded already, compiled for this process.
#pragma once

#include "compiler/ModelSource.h"

namespace sinter::codegen {

class WeightPool;

/// Compiles for this process. With a pool the model shares weights with those that were compiled with it before.
Expected<std::shared_ptr<CompiledModel>> compileInProcess(LoadedModel model, const CompileOptions &options,
                                                          WeightPool *pool = nullptr);

} // namespace sinter::codegen
