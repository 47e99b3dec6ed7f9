// Value ranges of nn.resize: every result is a weighted sum of its taps, dimension by dimension.
#include "ir/RangeRules.h"
#include "ir/ops/Resize.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

/// Bounds of the weighted sums over one dimension, of values within x; `fill` where there are no taps.
static TensorRange resampledRange(const TensorRange &x, const ResizeOp::Taps &taps, double fill) {
  double least = 1, most = 1, negative = 0; // sums of positive weights, and of negative ones
  bool hasNone = false;
  for (size_t i = 0; i + 1 < taps.first.size(); ++i) {
    double above = 0, below = 0;
    for (int64_t t = taps.first[i]; t < taps.first[i + 1]; ++t)
      (taps.weight[static_cast<size_t>(t)] > 0 ? above : below) += taps.weight[static_cast<size_t>(t)];
    hasNone |= taps.first[i] == taps.first[i + 1];
    if (above > 0)
      least = std::min(least, above), most = std::max(most, above);
    negative = std::min(negative, below);
  }
  TensorRange y = x.map([&](Interval v) {
    Interval all = v * Interval{least, most} + v * Interval{negative, 0};
    // A few roundings of terms as large as the operand.
    double error = 0x1p-20 * absOf(v).hi * (most - negative);
    Interval wide{all.lo - error, all.hi + error};
    if (negative == 0 && v.lo >= 0)
      wide.lo = std::max(0.0, wide.lo);
    if (negative == 0 && v.hi <= 0)
      wide.hi = std::min(0.0, wide.hi);
    return hasNone ? wide.hull(Interval::point(fill)) : wide;
  });
  y.mayBeNaN |= !x.isBounded(); // 0 * inf, inf - inf
  return y;
}

void ResizeOp::inferRange(Ranges operands, RangeResults y) {
  TensorRange x = operands[0];
  RankedTensorType type = rankedType(getX());
  bool isConstant =
      llvm::all_of(getOperands().drop_front(), [](Value value) { return constantTensor(value).has_value(); });
  FailureOr<std::optional<std::vector<Axis>>> axes = failure();
  if (isConstant && type.getNumElements() > 0)
    axes = resolveAxes(constantTensor);
  if (failed(axes) || !*axes)
    return;
  bool keepsAxis = !x.isUniform() && makeTaps((**axes)[static_cast<size_t>(x.axis)]).isIdentity;
  if (!keepsAxis)
    x = x.collapsed();
  double fill = getExtrapolationValue().convertToFloat();
  for (const Axis &axis : **axes) {
    Taps taps = makeTaps(axis);
    if (getMode() != ResizeMode::Nearest && !taps.isIdentity)
      x = resampledRange(x, taps, fill);
    else if (isCropped())
      x = x.map([=](Interval v) { return v.hull(Interval::point(fill)); });
  }
  y[0] = x;
}
