// Walks from the pointwise input up through elementwise ops to a depthwise convolution, which must be the only one.
#include "ir/analysis/DepthwiseFeed.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace sinter::nn {

/// Bytes of a line of all channels.
static constexpr int64_t maxLineBytes = 128 << 10;

static bool isBlockedPlane(Value value) {
  RankedTensorType type = rankedType(value);
  return type && type.hasStaticShape() && type.getRank() == 4 && type.getElementType().isF32() && layoutOf(type);
}

static bool hasConstantWeights(ConvOp conv) {
  return constantTensor(conv.getW()) && (!conv.getB() || constantTensor(conv.getB()));
}

bool isPointwise(ConvOp conv) {
  if (!isBlockedPlane(conv.getX()) || !isBlockedPlane(conv.getY()) || conv.getGroup() != 1 || !hasConstantWeights(conv))
    return false;
  FailureOr<Window> window = conv.window();
  return succeeded(window) && llvm::all_of(*window, [](const WindowAxis &axis) {
           return axis.size == 1 && axis.stride == 1 && axis.padBegin == 0 && axis.padEnd == 0;
         });
}

static bool canFeed(ConvOp conv) {
  if (!isDepthwise(conv) || !isBlockedPlane(conv.getX()) || !isBlockedPlane(conv.getY()) || !hasConstantWeights(conv))
    return false;
  Operation *source = conv.getX().getDefiningOp();
  if (source && source->getBlock() == conv->getBlock())
    return false;
  Dims shape = storageShape(rankedType(conv.getY()));
  return shape[1] * shape[3] * shape[4] * static_cast<int64_t>(sizeof(float)) <= maxLineBytes;
}

ConvOp depthwiseFeed(Value value) {
  ConvOp found;
  llvm::SetVector<Value> values;
  values.insert(value);
  for (size_t i = 0; i < values.size(); ++i) {
    Operation *op = values[i].getDefiningOp();
    if (std::optional<Tensor> constant = constantTensor(values[i]); constant && constant->size() == 1)
      continue;
    if (!op || op->getBlock() != value.getParentBlock() || values[i].getType() != value.getType())
      return {};
    if (auto conv = dyn_cast<ConvOp>(op)) {
      if (found && found != conv)
        return {};
      found = conv;
      continue;
    }
    if (!isa<ElementwiseOpInterface>(op) || op->getNumResults() != 1)
      return {};
    values.insert(op->operand_begin(), op->operand_end());
  }
  return found && canFeed(found) ? found : ConvOp();
}

} // namespace sinter::nn
