// Adds up the bytes of inputs, once for each storage, and of results; a gather or slice reads what it picks.
#include "codegen/artefact/Traffic.h"

#include "ir/analysis/Views.h"

#include <algorithm>

using namespace mlir;

namespace sinter::codegen {

static double bytesOf(Value value) { return static_cast<double>(nn::storageBytes(value)); }

/// Whether an op reads only those elements of its first operand that are in its result.
static bool picks(Operation *op) { return isa<nn::SliceOp, nn::GatherOp, nn::GatherElementsOp, nn::GatherNDOp>(op); }

/// A weight may have readers in thousands of kernels, so the kernel's ops are asked, not the readers.
static double bytesRead(nn::KernelOp kernel, Value input) {
  double picked = 0;
  bool isRead = false;
  kernel.getBody().walk([&](Operation *op) {
    for (OpOperand &use : op->getOpOperands())
      if (use.get() == input) {
        isRead |= use.getOperandNumber() != 0 || !picks(op);
        picked += picks(op) ? bytesOf(op->getResult(0)) : 0;
      }
  });
  return isRead ? bytesOf(input) : std::min(picked, bytesOf(input));
}

double compulsoryBytes(nn::KernelOp kernel) {
  // Views of one buffer are read once; a concatenation in place begins with its first operand.
  llvm::SmallDenseMap<Value, double> reads;
  for (Value input : kernel.inputs()) {
    double &bytes = reads[nn::storageRoot(input)];
    bytes = std::max(bytes, bytesRead(kernel, input));
  }
  double sum = 0;
  for (const auto &[root, bytes] : reads)
    sum += bytes;
  for (Value result : kernel.getResults())
    sum += bytesOf(result);
  return sum;
}

} // namespace sinter::codegen
