// One walk over the dimensions for both directions; the inner ones that are dense are one block.
#include "api/Strided.h"

#include <cstring>

namespace sinter::api {
namespace {

/// How many of the last dimensions are dense, and the bytes of one such block.
struct Block {
  int32_t outer; ///< dimensions before it
  int64_t bytes;
};

Block innerBlock(const sinter_tensor_t &tensor) {
  Block block{tensor.rank, static_cast<int64_t>(sinter_type_size(tensor.type))};
  while (block.outer > 0) {
    int64_t size = tensor.shape[block.outer - 1];
    if (tensor.strides && size != 1 && tensor.strides[block.outer - 1] != block.bytes)
      break;
    block.bytes *= size;
    --block.outer;
  }
  return block;
}

/// Calls visit(part of the tensor) for its blocks in row-major order.
template <typename Visit>
void walk(const sinter_tensor_t &tensor, int32_t axis, int32_t outer, char *data, Visit &visit) {
  if (axis == outer)
    return visit(data);
  for (int64_t i = 0; i < tensor.shape[axis]; ++i)
    walk(tensor, axis + 1, outer, data + i * tensor.strides[axis], visit);
}

bool isEmpty(const sinter_tensor_t &tensor) {
  for (int32_t i = 0; i < tensor.rank; ++i)
    if (tensor.shape[i] == 0)
      return true;
  return false;
}

} // namespace

bool isInPlace(const sinter_tensor_t &tensor) {
  return reinterpret_cast<uintptr_t>(tensor.data) % sinter_type_size(tensor.type) == 0 &&
         (innerBlock(tensor).outer == 0 || isEmpty(tensor));
}

void copyToDense(const sinter_tensor_t &tensor, void *dense) {
  if (isEmpty(tensor))
    return;
  Block block = innerBlock(tensor);
  auto *to = static_cast<char *>(dense);
  auto copy = [&](const char *from) {
    std::memcpy(to, from, static_cast<size_t>(block.bytes));
    to += block.bytes;
  };
  walk(tensor, 0, block.outer, static_cast<char *>(tensor.data), copy);
}

void copyFromDense(const void *dense, const sinter_tensor_t &tensor) {
  if (isEmpty(tensor))
    return;
  Block block = innerBlock(tensor);
  auto *from = static_cast<const char *>(dense);
  auto copy = [&](char *to) {
    std::memcpy(to, from, static_cast<size_t>(block.bytes));
    from += block.bytes;
  };
  walk(tensor, 0, block.outer, static_cast<char *>(tensor.data), copy);
}

} // namespace sinter::api
