// How much an op computes: the one place where multiplications are counted.
#pragma once

#include "mlir/IR/Operation.h"

namespace sinter::nn {

/// Multiply-adds of one run of a contraction (conv, conv_transpose, gemm, matmul), padding counted as if it
/// were multiplied; 0 for every other op and where shapes are not static.
double multiplyAdds(mlir::Operation *op);

/// How long the reference evaluation of an op with static types takes, in steps of about half a nanosecond: its
/// multiply-adds, elements of windows and comparisons, and 64 for each element that it reads or writes.
double referenceSteps(mlir::Operation *op);

} // namespace sinter::nn
