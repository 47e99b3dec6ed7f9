// Overflows that the reference does not show, because another operand is an infinity already.
#pragma once

#include "mlir/IR/Operation.h"
#include "runtime/Tensor.h"

namespace sinter::codegen {

/// Of an op that adds up products: whether finite products leave the type of its first result, beside operands that are
/// not finite. The reference adds in double and gives an infinity; code gives that, or NaN of two infinities.
bool hidesOverflow(mlir::Operation *op, llvm::ArrayRef<Tensor> operands, llvm::ArrayRef<Tensor> results);

} // namespace sinter::codegen
