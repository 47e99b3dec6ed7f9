// Structure ops; see the .td.
#include "ir/ops/Kernel.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Kernel.cpp.inc"

LogicalResult KernelOp::verifyRegions() {
  Operation *yield = getBody().front().getTerminator();
  if (TypeRange(yield->getOperandTypes()) != TypeRange(getResultTypes()))
    return emitOpError("yields ") << yield->getOperandTypes() << ", but its results are " << getResultTypes();
  return success();
}

SmallVector<Value> KernelOp::inputs() {
  llvm::SetVector<Value> found;
  getBody().walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (!getBody().isAncestor(operand.getParentRegion()))
        found.insert(operand);
  });
  return found.takeVector();
}
