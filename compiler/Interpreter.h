// The backend "reference": a model whose `run` interprets the IR with each op's reference evaluation.
#pragma once

#include "compiler/ModelSource.h"

namespace sinter::codegen {

Expected<std::shared_ptr<CompiledModel>> interpretedModel(LoadedModel model, const CompileOptions &options);

} // namespace sinter::codegen
