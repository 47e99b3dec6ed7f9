// Ops say by a trait whether they are views; storageRoot() follows first operands up to the op that writes the bytes.
#include "ir/analysis/Views.h"
#include "ir/Ops.h"

using namespace mlir;

namespace sinter::nn {

bool isView(Operation *op) { return op->hasTrait<ViewOfFirst>(); }

bool isConcatInPlace(Operation *op) { return isa<ConcatOp>(op) && op->hasAttr(inPlaceAttr); }

Value storageRoot(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isView(op) && !isConcatInPlace(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

int64_t storageBytes(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return *elementCount(storageShape(type)) * static_cast<int64_t>(sizeOf(*toDType(type.getElementType())));
}

} // namespace sinter::nn
