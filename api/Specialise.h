// Models of the compiler as handles of the runtime.
#pragma once

#include "compiler/ShapeCache.h"
#include "sinter/sinter.h"

namespace sinter::api {

/// A model that was compiled here.
sinter_error_t *handOutCompiled(std::shared_ptr<CompiledModel> compiled, sinter_model_t **model);
/// Null for a model that handOutCompiled did not make.
const CompiledModel *compiledOf(const sinter_model_t *model);

/// An open model that compiles with `shape cache`.
sinter_error_t *handOutOpen(std::unique_ptr<ShapeCache> cache, const std::string &target, sinter_model_t **model);

} // namespace sinter::api
