// Ops of the family Matrix; documented in ir/ops/Matrix.td.
#pragma once

#include "ir/NN.h"

#define GET_OP_CLASSES
#include "ir/ops/Matrix.h.inc"

namespace sinter::nn {

/// A matrix product as batches of [M, K] x [K, N]: the broadcast batch shape, and the offset strides of each
/// operand in it.
struct MatmulShape {
  Dims batch, aStrides, bStrides; // strides in matrices
  int64_t m, k, n;
};
/// The product of two static shapes of numpy.matmul; nothing where they do not fit.
std::optional<MatmulShape> matmulShape(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b);

} // namespace sinter::nn
