// Value ranges of pools, per channel.
#include "ir/RangeRules.h"
#include "ir/ops/Pool.h"
#include <cfloat>
#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

/// The range along batch or channels; spatial dimensions change their size.
static TensorRange perPlane(const TensorRange &x) { return x.axis > 1 ? x.collapsed() : x; }

/// Does a window of the pool lie in the padding altogether?
static bool hasEmptyWindow(const Window &window) {
  return llvm::any_of(window, [](const WindowAxis &axis) {
    for (int64_t o = 0; o < axis.out; ++o)
      if (auto [begin, end] = axis.taps(o); begin >= end)
        return true;
    return false;
  });
}

static bool hasPadding(const Window &window) {
  return llvm::any_of(window, [](const WindowAxis &axis) { return axis.padBegin > 0 || axis.padEnd > 0; });
}

static int64_t kernelSize(const Window &window) {
  int64_t size = 1;
  for (const WindowAxis &axis : window)
    size *= axis.size;
  return size;
}

//===- nn.max_pool -------------------------------------------------------===//

static TensorRange maxPoolRange(const TensorRange &x, const Window &window, Type element) {
  TensorRange y = perPlane(x);
  if (!hasEmptyWindow(window))
    return y;
  double least = isa<FloatType>(element) ? -std::numeric_limits<double>::infinity() : limitsOf(element).lo;
  return y.map([=](Interval v) { return v.hull(Interval::point(least)); });
}

void MaxPoolOp::inferRange(Ranges x, RangeResults y) {
  if (FailureOr<Window> window = this->window(); succeeded(window))
    y[0] = maxPoolRange(x[0], *window, elementTypeOf(getX()));
}

void MaxPoolIndicesOp::inferRange(Ranges x, RangeResults y) {
  if (FailureOr<Window> window = this->window(); succeeded(window))
    y[0] = maxPoolRange(x[0], *window, elementTypeOf(getX()));
  y[1] = TensorRange::uniform({-1, static_cast<double>(rankedType(getX()).getNumElements())}, false);
}

//===- nn.average_pool, nn.lp_pool ---------------------------------------===//

void AveragePoolOp::inferRange(Ranges operands, RangeResults y) {
  FailureOr<Window> window = this->window();
  if (failed(window))
    return;
  TensorRange x = perPlane(operands[0]);
  if (getCountIncludePad() && hasPadding(*window))
    x = x.map([](Interval v) { return v.hull({0, 0}); });
  y[0] = meanOf(x, static_cast<double>(kernelSize(*window)), getY().getType());
  y[0].mayBeNaN |= hasEmptyWindow(*window); // 0 / 0
}

/// (sum |x|^p)^(1/p) of 1 (or 0, if any) to `count` elements.
static TensorRange normRange(const TensorRange &x, double p, double count, bool maybeNone, Type tensorType) {
  double largest = limitsOf(cast<ShapedType>(tensorType).getElementType()).hi;
  return perPlane(x).map([=](Interval v) {
    Interval size = absOf(v);
    double most = std::pow(count, 1 / p) * size.hi, least = maybeNone ? 0 : size.lo;
    // The power may overflow, or vanish, where the norm itself does not.
    if (std::pow(size.hi, p) * count * (1 + 0x1p-10) > std::min<double>(largest, FLT_MAX))
      most = std::numeric_limits<double>::infinity();
    if (std::pow(least, p) < FLT_MIN)
      least = 0;
    double error = 0x1p-18 + (count + 4) * 0x1p-24;
    return Interval{std::max(0.0, least * (1 - error)), most * (1 + error)};
  });
}

void LpPoolOp::inferRange(Ranges x, RangeResults y) {
  if (FailureOr<Window> window = this->window(); succeeded(window))
    y[0] = normRange(x[0], static_cast<double>(getP()), static_cast<double>(kernelSize(*window)),
                     hasEmptyWindow(*window), getY().getType());
}

//===- Global pools ------------------------------------------------------===//

/// Elements of one plane of a global pool's operand.
static double planeSize(Value x) {
  double size = 1;
  for (int64_t dim : rankedType(x).getShape().drop_front(2))
    size *= static_cast<double>(dim);
  return size;
}

void GlobalAveragePoolOp::inferRange(Ranges x, RangeResults y) {
  if (double size = planeSize(getX()); size > 0)
    y[0] = meanOf(perPlane(x[0]), size, getY().getType());
}

void GlobalMaxPoolOp::inferRange(Ranges x, RangeResults y) {
  if (planeSize(getX()) > 0)
    y[0] = perPlane(x[0]);
}

void GlobalLpPoolOp::inferRange(Ranges x, RangeResults y) {
  if (double size = planeSize(getX()); size > 0)
    y[0] = normRange(x[0], static_cast<double>(getP()), size, false, getY().getType());
}
