// oneDNN for libsinter-runtime: in a library of its own, which is opened when a model needs it.
#pragma once

#include "runtime/Model.h"

namespace sinter::api {

/// Makes oneDNN the fallback of sessions if `model` has kernels for it. Fails where the library cannot be opened.
Status provideFallback(const Model &model);

} // namespace sinter::api
