// Value ranges of normalisations. Of n numbers, none is further than sqrt(n) standard deviations from any
// centre (Samuelson's inequality, whose sqrt(n-1) holds for the exact mean only).
#include "ir/RangeRules.h"
#include "ir/ops/Normalisation.h"
#include "ir/ops/Reduction.h"
#include <cfloat>
#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

static constexpr double infinity = std::numeric_limits<double>::infinity();

//===- nn.channel_affine -------------------------------------------------===//

void ChannelAffineOp::inferRange(Ranges operands, RangeResults y) {
  auto type = cast<FloatType>(elementTypeOf(getY()));
  y[0] = elementwise(*this, operands, [=](ArrayRef<Interval> v, bool &mayBeNaN) {
    Interval product = computed(type, v[0] * v[1]);
    mayBeNaN |= productMayBeNaN(v[0], v[1]) || sumMayBeNaN(product, v[2]);
    return product + v[2];
  });
}

//===- BatchNorm ---------------------------------------------------------===//

/// The range of a parameter [C] as one of x.
static TensorRange perChannel(const TensorRange &parameter, RankedTensorType x) {
  return x.getRank() > 1 ? withAxis(parameter, 1) : parameter.collapsed();
}

/// x*factor + shift with a few roundings on the way.
static Interval affineOf(Interval x, Interval factor, Interval shift, Type element, bool &mayBeNaN) {
  SumBounds sum(element);
  mayBeNaN |= productMayBeNaN(x, factor);
  sum.add(widened(x * factor));
  sum.add(shift);
  mayBeNaN |= sum.mayBeNaN();
  return sum.bounds();
}

void BatchNormOp::inferRange(Ranges operands, RangeResults y) {
  RankedTensorType type = rankedType(getX());
  Type element = type.getElementType();
  SmallVector<TensorRange> ranges{operands[0]};
  for (const TensorRange &parameter : operands.drop_front())
    ranges.push_back(perChannel(parameter, type));
  double epsilon = getEpsilon().convertToDouble();
  bool mayBeNaN = false;
  y[0] = combine(ranges, [&](ArrayRef<Interval> v) {
    Interval variance = v[4] + Interval::point(epsilon);
    if (variance.lo <= 0 || !variance.isFinite()) {
      mayBeNaN = true;
      return Interval();
    }
    Interval factor = v[1] / Interval{std::sqrt(variance.lo), std::sqrt(variance.hi)};
    SumBounds centred(element);
    centred.add(v[0]);
    centred.add(-v[3]);
    mayBeNaN |= centred.mayBeNaN();
    return affineOf(centred.bounds(), widened(factor), v[2], element, mayBeNaN);
  });
  y[0].mayBeNaN |= mayBeNaN;
}

//===- Norms by statistics of x ------------------------------------------===//

/// Bounds of standardised values, from `count` numbers within x. NaN where the sums of their squares
/// overflow.
static TensorRange standardised(const TensorRange &x, double count, double epsilon, bool keepsSign) {
  // 0/0, and quotients of squares that vanished.
  if (epsilon < 1e-30)
    return TensorRange::uniform({}, true);
  TensorRange y = x.map([=](Interval v) {
    double most = count == 1 && !keepsSign ? 0 : std::sqrt(count) * (1 + 0x1p-16 + count * 0x1p-22);
    Interval all{-most, most};
    if (keepsSign && v.lo >= 0)
      all.lo = 0;
    if (keepsSign && v.hi <= 0)
      all.hi = 0;
    return all;
  });
  double largest = absOf(x.hull()).hi;
  y.mayBeNaN |= !(largest * largest * 4 * count < FLT_MAX);
  return y;
}

/// Standardised values times scale plus bias, each broadcast to x.
static TensorRange scaledNorm(const TensorRange &normal, const TensorRange &scale, const TensorRange &bias,
                              Type element) {
  bool mayBeNaN = false;
  TensorRange y = combine({normal, scale, bias},
                          [&](ArrayRef<Interval> v) { return affineOf(v[0], v[1], v[2], element, mayBeNaN); });
  y.mayBeNaN |= mayBeNaN;
  return y;
}

void BatchNormTrainingOp::inferRange(Ranges operands, RangeResults y) {
  RankedTensorType type = rankedType(getX());
  Type element = type.getElementType();
  if (type.getNumElements() == 0)
    return;
  int64_t channels = type.getRank() > 1 ? type.getDimSize(1) : 1;
  double count = static_cast<double>(type.getNumElements() / channels);
  TensorRange x = type.getRank() > 1 && operands[0].axis == 1 ? operands[0] : operands[0].collapsed();
  y[0] = scaledNorm(standardised(x, count, getEpsilon().convertToDouble(), false), perChannel(operands[1], type),
                    perChannel(operands[2], type), element);
  double momentum = getMomentum().convertToDouble();
  auto running = [&](const TensorRange &old, const TensorRange &batch) {
    return scaledNorm(batch, TensorRange::uniform(Interval::point(1 - momentum), false),
                      old.map([=](Interval v) { return v * Interval::point(momentum); }), element);
  };
  TensorRange perRow = withAxis(x, x.axis == 1 ? 0 : -1);
  TensorRange means = meanOf(perRow, count, type);
  y[1] = running(operands[3], means);
  TensorRange squares = perRow.map([](Interval v) { return Interval{0, squareOf(v - v).hi}; });
  // Partial sums that overflow both ways make a mean NaN.
  squares.mayBeNaN |= !x.isBounded() || means.mayBeNaN;
  y[2] = running(operands[4], meanOf(squares, count, type));
}

/// Instance and group norm: rows of `count` elements, scale and bias per channel.
template <typename Op> static void inferGroupRange(Op op, int64_t groups, Ranges operands, RangeResults y) {
  RankedTensorType type = rankedType(op.getX());
  int64_t rows = type.getDimSize(0) * groups;
  if (type.getNumElements() == 0)
    return;
  double count = static_cast<double>(type.getNumElements() / rows);
  TensorRange normal = standardised(operands[0].collapsed(), count, op.getEpsilon().convertToDouble(), false);
  y[0] = scaledNorm(normal, perChannel(operands[1], type), perChannel(operands[2], type), type.getElementType());
}

void InstanceNormOp::inferRange(Ranges operands, RangeResults y) {
  inferGroupRange(*this, rankedType(getX()).getDimSize(1), operands, y);
}

void GroupNormOp::inferRange(Ranges operands, RangeResults y) { inferGroupRange(*this, getNumGroups(), operands, y); }

/// Layer and RMS norm: rows from `axis` on.
template <typename Op>
static TensorRange layerRange(Op op, Ranges operands, bool keepsSign, const TensorRange &unknown) {
  RankedTensorType type = rankedType(op.getX());
  if (type.getNumElements() == 0)
    return unknown;
  AxisView view = viewAlong(type.getShape(), op.getAxis());
  TensorRange normal = standardised(operands[0].collapsed(), static_cast<double>(view.length * view.inner),
                                    op.getEpsilon().convertToDouble(), keepsSign);
  auto parameter = [&](unsigned i) { return broadcastTo(operands[i], rankedType(op->getOperand(i)), type); };
  TensorRange bias = operands.size() > 2 ? parameter(2) : TensorRange::uniform({0, 0}, false);
  return scaledNorm(normal, parameter(1), bias, type.getElementType());
}

void LayerNormOp::inferRange(Ranges operands, RangeResults y) { y[0] = layerRange(*this, operands, false, y[0]); }

void LayerNormStatsOp::inferRange(Ranges operands, RangeResults y) {
  y[0] = layerRange(*this, operands, false, y[0]);
  AxisView view = viewAlong(rankedType(getX()).getShape(), getAxis());
  double count = static_cast<double>(view.length * view.inner);
  if (count > 0)
    y[1] = meanOf(operands[0].collapsed(), count, getX().getType());
  double epsilon = getEpsilon().convertToDouble();
  if (epsilon > 0)
    y[2] = TensorRange::uniform({0, 1 / std::sqrt(epsilon) * (1 + 0x1p-20)}, y[0].mayBeNaN);
}

void RmsNormOp::inferRange(Ranges operands, RangeResults y) { y[0] = layerRange(*this, operands, true, y[0]); }

void MeanVarianceNormOp::inferRange(Ranges operands, RangeResults y) {
  RankedTensorType type = rankedType(getX());
  double count = 1;
  for (auto [dim, gone] : llvm::zip_equal(type.getShape(), *reducedAxes(getAxes(), type.getRank(), false)))
    count *= gone ? static_cast<double>(dim) : 1;
  if (count > 0) // the divisor is at least 1e-9: as an epsilon of 1e-18
    y[0] = standardised(operands[0].collapsed(), count, 1e-18, false);
}

void LpNormOp::inferRange(Ranges operands, RangeResults y) {
  RankedTensorType type = rankedType(getX());
  double count = static_cast<double>(type.getDimSize(*normaliseAxis(getAxis(), type.getRank())));
  double most = 1 + fewRoundings + count * 0x1p-24;
  y[0] = operands[0].map([=](Interval v) { return Interval{v.lo < 0 ? -most : 0, v.hi > 0 ? most : 0}; });
  y[0].mayBeNaN |= !operands[0].isBounded(); // inf / inf
}

void LrnOp::inferRange(Ranges operands, RangeResults y) {
  double alpha = getAlpha().convertToDouble(), beta = getBeta().convertToDouble(), bias = getBias().convertToDouble();
  if (alpha < 0 || beta < 0 || bias <= 0)
    return;
  double most = 1 / std::pow(bias, beta);
  y[0] = operands[0].map([=](Interval v) { return widened((v * Interval::point(most)).hull({0, 0})); });
  y[0].mayBeNaN |= !operands[0].isBounded(); // inf / inf
}

//===- Softmax -----------------------------------------------------------===//

void SoftmaxOp::inferRange(Ranges x, RangeResults y) {
  y[0] = TensorRange::uniform({0, 1}, x[0].mayBeNaN || !x[0].isBounded());
}

void LogSoftmaxOp::inferRange(Ranges operands, RangeResults y) {
  Interval x = operands[0].hull();
  double count = static_cast<double>(viewAlong(rankedType(getX()).getShape(), getAxis()).length);
  double least = x.lo - x.hi - std::log(std::max(count, 1.0));
  least = std::isnan(least) ? -infinity : least - (std::fabs(least) + count) * 0x1p-18 - 0x1p-18;
  y[0] = TensorRange::uniform({least, 0}, operands[0].mayBeNaN || !operands[0].isBounded());
}

void HardmaxOp::inferRange(Ranges, RangeResults y) { y[0] = TensorRange::uniform({0, 1}, false); }
