// Values that are elements of another value picked by strides: what transposes, slices, splits and reshapes make of it,
// for kernels that read such operands where they lie.
#pragma once

#include "ir/ShapeMath.h"
#include "mlir/IR/Value.h"

namespace sinter::nn {

/// v[i] = root[offset + sum i_d * strides_d], in elements of root, dense and row-major.
struct StridedView {
  mlir::Value root;
  int64_t offset = 0;
  Dims strides;
  llvm::SmallVector<mlir::Operation *> ops; ///< between root and v
};

/// `v` as elements of the value farthest up that ops of `block` pick it from; at least of itself. Its shape is static.
StridedView stridedView(mlir::Value v, mlir::Block *block);

} // namespace sinter::nn
