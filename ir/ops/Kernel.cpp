// Structure ops; see the .td.
#include "ir/ops/Kernel.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Kernel.cpp.inc"

SmallVector<Value> KernelOp::inputs() {
  llvm::SetVector<Value> found;
  getBody().walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (!getBody().isAncestor(operand.getParentRegion()))
        found.insert(operand);
  });
  return found.takeVector();
}
