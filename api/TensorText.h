// The words for tensors that do not fit.
#pragma once

#include "runtime/Tensor.h"
#include "sinter/sinter.h"

#include <algorithm>
#include <fmt/format.h>

namespace sinter::api {

inline std::string shapeText(const int64_t *shape, int32_t rank) {
  bool isValid = rank == 0 || (rank > 0 && shape);
  return isValid ? toString({shape, static_cast<size_t>(rank)}) : std::string("no valid shape");
}
/// The caller's shape where `wanted` sizes are expected. If its rank differs, no size is read: there may not be as
/// many.
inline std::string shapeText(const sinter_tensor_t &tensor, int32_t wanted) {
  bool isRight = tensor.rank == wanted || tensor.rank < 0;
  return isRight ? shapeText(tensor.shape, tensor.rank) : fmt::format("one of rank {}", tensor.rank);
}

/// "must have the element type f32, but was given i64".
inline std::string wrongType(int32_t wanted, int32_t given) {
  const char *name = sinter_type_name(given);
  return fmt::format("must have the element type {}, but was given {}", sinter_type_name(wanted),
                     name ? name : fmt::format("the unknown type {}", given));
}

} // namespace sinter::api
