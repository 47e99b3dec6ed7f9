// Large tensors of one value. They are kept as an nn.expand of that value: what computes element by element reads the
// value itself, and where all elements are needed they are written when the model runs, not stored with it.
#pragma once

#include "mlir/IR/Operation.h"

namespace sinter::nn {

/// Replaces an nn.constant_of_shape by an nn.expand of its value. The shape is a constant.
void expandSplat(mlir::Operation *op);

/// Folds an op that makes or reads a splat, so that it stays one, and erases it if it is gone. False for other ops, and
/// for splats that something can only read as a constant, such as the weights of a convolution.
bool foldSplat(mlir::Operation *op);

} // namespace sinter::nn
