// The verifiers of kernels, and the values that a kernel reads.
#include "ir/ops/Kernel.h"
#include "runtime/BackendChoice.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Kernel.cpp.inc"

LogicalResult KernelOp::verify() {
  BackendChoice choice{std::string_view(getBackend())};
  if (choice.isKnown() && !choice.isAuto())
    return success();
  std::vector<std::string> all = BackendChoice::all();
  llvm::erase_if(all, [](const std::string &name) { return BackendChoice(name).isAuto(); });
  return emitOpError("backend is '") << getBackend() << "', expected one of " << llvm::join(all, ", ");
}

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
