// Ops of the family Normalisation; documented in ir/ops/Normalisation.td.
#pragma once

#include "ir/NN.h"

namespace sinter::nn {

/// A tensor seen along one axis: `outer` blocks of `length` steps over `inner` elements.
struct AxisView {
  int64_t outer = 1, length = 1, inner = 1;
};
/// The view of a static shape; the axis is in [-rank, rank).
AxisView viewAlong(llvm::ArrayRef<int64_t> shape, int64_t axis);

/// Appends x's type, the result's; an error at the op where `axis` is not one of x's.
mlir::LogicalResult inferAlongAxis(mlir::Operation *op, mlir::Value x, int64_t axis,
                                   llvm::SmallVectorImpl<mlir::Type> &types);

/// Mean and biased variance of a reference evaluation; NaN of nothing.
struct Moments {
  double mean = 0, variance = 0;
};
Moments momentsOf(llvm::ArrayRef<double> values);

} // namespace sinter::nn

#define GET_OP_CLASSES
#include "ir/ops/Normalisation.h.inc"
