// The caller's tensors, which may have any strides, and the dense ones that models work on.
#pragma once

#include "sinter/sinter.h"

namespace sinter::api {

/// Whether a model can work on `tensor` in place: row-major, without gaps, aligned to its elements.
bool isInPlace(const sinter_tensor_t &tensor);

/// Copies between `tensor` and `dense`, a row-major buffer of its shape.
void copyToDense(const sinter_tensor_t &tensor, void *dense);
void copyFromDense(const void *dense, const sinter_tensor_t &tensor);

} // namespace sinter::api
