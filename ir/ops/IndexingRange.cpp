// Value ranges of gathers, scatters, and the ops that order or accumulate along an axis.
#include "ir/RangeRules.h"
#include "ir/ops/Indexing.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

//===- Gathers -----------------------------------------------------------===//

void GatherOp::inferRange(Ranges operands, RangeResults y) {
  const TensorRange &x = operands[0];
  RankedTensorType data = rankedType(getData());
  int64_t axis = *normaliseAxis(getAxis(), data.getRank()), rank = rankedType(getIndices()).getRank();
  if (x.axis != axis) {
    y[0] = withAxis(x, x.axis > axis ? x.axis + rank - 1 : x.axis);
    return;
  }
  y[0] = x.collapsed();
  std::optional<Dims> indices = constantInts(getIndices());
  if (!indices || rank != 1 || indices->empty())
    return;
  y[0] = TensorRange{axis, {}, x.mayBeNaN};
  for (int64_t index : *indices) {
    std::optional<int64_t> channel = normaliseAxis(index, data.getDimSize(axis));
    y[0].channels.push_back(channel ? x.at(*channel) : x.hull());
  }
}

void GatherElementsOp::inferRange(Ranges operands, RangeResults y) {
  const TensorRange &x = operands[0];
  RankedTensorType type = rankedType(getY());
  y[0] = collapsedAlong(x, *normaliseAxis(getAxis(), type.getRank()));
  // Other axes run along data's, as far as indices go.
  if (y[0].isUniform() || type.getDimSize(x.axis) == 0)
    y[0] = x.collapsed();
  else
    y[0].channels.truncate(static_cast<size_t>(type.getDimSize(x.axis)));
}

void GatherNDOp::inferRange(Ranges operands, RangeResults y) { y[0] = operands[0].collapsed(); }

//===- Scatters ----------------------------------------------------------===//

static TensorRange scatterRange(Ranges operands, ScatterReduction reduction, Value updates, Type type) {
  TensorRange data = operands[0].collapsed(), update = operands[2].collapsed();
  TensorRange y = TensorRange::join(data, update);
  Interval there = data.hull(), one = update.hull();
  bool isFloat = isa<FloatType>(cast<ShapedType>(type).getElementType());
  if (reduction == ScatterReduction::Add) {
    // All updates may meet one element, or none.
    SumBounds sum(cast<ShapedType>(type).getElementType());
    sum.add(there);
    sum.add(one.hull({0, 0}), static_cast<double>(rankedType(updates).getNumElements()));
    y.channels = {sum.bounds()};
    y.mayBeNaN |= isFloat && sum.mayBeNaN();
  } else if (reduction == ScatterReduction::Mul) {
    bool isPositive = there.lo >= 0 && one.lo >= 0;
    y.channels = {isPositive && isFloat ? Interval{0, std::numeric_limits<double>::infinity()} : Interval()};
    y.mayBeNaN |= isFloat;
  }
  return countable(y, type);
}

void ScatterElementsOp::inferRange(Ranges operands, RangeResults y) {
  y[0] = scatterRange(operands, getReduction(), getUpdates(), getY().getType());
}

void ScatterNDOp::inferRange(Ranges operands, RangeResults y) {
  y[0] = scatterRange(operands, getReduction(), getUpdates(), getY().getType());
}

void OneHotOp::inferRange(Ranges operands, RangeResults y) { y[0] = operands[2].collapsed(); }

void MaxUnpoolOp::inferRange(Ranges operands, RangeResults y) {
  y[0] = operands[0].axis > 1 ? operands[0].collapsed() : operands[0];
  if (getOutputShape()) // positions count in another shape, so planes may mix
    y[0] = y[0].collapsed();
  y[0] = y[0].collapsed().map([](Interval v) { return v.hull({0, 0}); });
}

//===- Along an axis -----------------------------------------------------===//

void TopKOp::inferRange(Ranges operands, RangeResults y) {
  RankedTensorType type = rankedType(getX());
  int64_t axis = *normaliseAxis(getAxis(), type.getRank());
  y[0] = collapsedAlong(operands[0], axis);
  y[1] = TensorRange::uniform({0, static_cast<double>(type.getDimSize(axis))}, false);
}

void CumSumOp::inferRange(Ranges operands, RangeResults y) {
  RankedTensorType type = rankedType(getX());
  std::optional<Dims> axis = constantInts(getAxis());
  if (type.getNumElements() == 0 || (axis && axis->size() != 1))
    return;
  TensorRange x = operands[0].collapsed();
  int64_t count = type.getNumElements();
  if (axis) {
    int64_t along = *normaliseAxis(axis->front(), type.getRank());
    x = collapsedAlong(operands[0], along);
    count = type.getDimSize(along);
  }
  // One term at least (none at least, if exclusive), `count` at most.
  TensorRange first = getExclusive() ? x.map([](Interval) { return Interval{0, 0}; }) : x;
  y[0] = TensorRange::join(first, sumOf(x, static_cast<double>(count), type));
}
