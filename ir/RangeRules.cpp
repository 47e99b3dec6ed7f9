// Functions of one value by monotonic pieces, sums by a bound of their rounding error, movement by the channel axis.
#include "ir/RangeRules.h"
#include "ir/ops/View.h"
#include "mlir/IR/BuiltinOps.h"
#include <cfloat>
#include <cmath>
#include <cstring>

using namespace mlir;

namespace sinter::nn {

static constexpr double infinity = std::numeric_limits<double>::infinity();

//===- Intervals ----------------------------------------------------------===//

Interval absOf(Interval x) {
  double larger = std::max(-x.lo, x.hi);
  return {x.contains(0) ? 0 : std::min(std::fabs(x.lo), std::fabs(x.hi)), larger};
}

Interval squareOf(Interval x) {
  Interval size = absOf(x), square = size * size;
  return {std::max(square.lo, 0.0), square.hi};
}

Interval clampTo(Interval x, Interval bounds) {
  return {std::clamp(x.lo, bounds.lo, bounds.hi), std::clamp(x.hi, bounds.lo, bounds.hi)};
}

static Interval moved(Interval x, double relative, double absolute) {
  auto outward = [&](double bound, double sign) {
    return std::isinf(bound) ? bound : bound + sign * (std::fabs(bound) * relative + absolute);
  };
  return {outward(x.lo, -1), outward(x.hi, 1)};
}

Interval widened(Interval x, double relative) { return moved(x, relative, 0); }

bool productMayBeNaN(Interval a, Interval b) {
  return (a.contains(0) && !b.isFinite()) || (b.contains(0) && !a.isFinite());
}

bool sumMayBeNaN(Interval a, Interval b) {
  return (a.lo == -infinity && b.hi == infinity) || (a.hi == infinity && b.lo == -infinity);
}

bool quotientMayBeNaN(Interval a, Interval b) {
  return (a.contains(0) && b.contains(0)) || (!a.isFinite() && !b.isFinite());
}

//===- Functions of one value ---------------------------------------------===//

static Interval alongCurve(Interval x, const Curve &curve, bool &mayBeNaN) {
  mayBeNaN |= !curve.domain.contains(x);
  x = clampTo(x, curve.domain);
  auto at = [&](double p) {
    double y = curve.f(p);
    if (!std::isnan(y))
      return y;
    mayBeNaN = true; // 0 * inf at an infinite bound; every finite value has a limit
    return curve.f(std::clamp(p, -DBL_MAX, DBL_MAX));
  };
  Interval y = Interval::point(at(x.lo)).hull(Interval::point(at(x.hi)));
  for (double p : curve.critical)
    if (x.contains(p))
      y = y.hull(Interval::point(at(p)));
  if (std::isnan(y.lo) || std::isnan(y.hi))
    return curve.image;
  if (!curve.isExact)
    y = moved(y, curve.relative, curve.error);
  y = clampTo(y, curve.image);
  if (curve.keepsSign && x.lo >= 0)
    y.lo = std::max(y.lo, 0.0);
  if (curve.keepsSign && x.hi <= 0)
    y.hi = std::min(y.hi, 0.0);
  return y;
}

TensorRange alongCurve(const TensorRange &x, const Curve &curve) {
  TensorRange y = x;
  for (Interval &interval : y.channels)
    interval = alongCurve(interval, curve, y.mayBeNaN);
  return y;
}

//===- Elementwise ops ----------------------------------------------------===//

TensorRange elementwise(Operation *op, Ranges operands, function_ref<Interval(ArrayRef<Interval>, bool &)> f,
                        unsigned result) {
  auto type = cast<RankedTensorType>(op->getResult(result).getType());
  SmallVector<TensorRange> broadcast;
  for (auto [range, value] : llvm::zip_equal(operands, op->getOperands()))
    broadcast.push_back(broadcastTo(range, cast<RankedTensorType>(value.getType()), type));
  bool mayBeNaN = false;
  TensorRange y = combine(broadcast, [&](ArrayRef<Interval> x) { return f(x, mayBeNaN); });
  y.mayBeNaN |= mayBeNaN;
  return y;
}

TensorRange countable(TensorRange range, Type tensorType) {
  Type element = cast<ShapedType>(tensorType).getElementType();
  constexpr double most = 0x1p53 - 1;
  bool isExact = isa<FloatType>(element) || Interval{-most, most}.contains(range.hull());
  return isExact ? range : TensorRange::unknown(tensorType);
}

Value sourceOf(Value value) {
  while (auto identity = value.getDefiningOp<IdentityOp>())
    value = identity.getX();
  return value;
}

//===- Sums ---------------------------------------------------------------===//

SumArithmetic productArithmetic(Operation *op) {
  // The operand's rounding is in its range; a weight's is 2^-9, and so is that of the sum where it is stored.
  auto module = op->getParentOfType<ModuleOp>();
  return {.factors = module && module->hasAttr(bfloatProductsAttr) ? 0x1p-7 : 0};
}

/// f16 and bf16 compute as f32. Bounds of f64 round like the kernel's sums, hence twice its roundoff.
SumBounds::SumBounds(Type element, SumArithmetic arithmetic)
    : arithmetic(arithmetic), roundoff(!isa<FloatType>(element) ? 0
                                       : element.isF64()        ? 0x1p-52
                                                                : 0x1p-24),
      largest(!isa<FloatType>(element) ? infinity
              : element.isF64()        ? DBL_MAX
                                       : FLT_MAX) {}

void SumBounds::add(Interval x, double times) {
  // Adding 0 rounds nothing: a weight of 0 leaves a sum exact.
  if (times == 0 || x == Interval::point(0))
    return;
  // Terms below the smallest normal number may be flushed to 0.
  if (x.lo > 0 && x.lo < FLT_MIN)
    x.lo = 0;
  if (x.hi < 0 && x.hi > -FLT_MIN)
    x.hi = 0;
  count += times;
  lo += times * x.lo, hi += times * x.hi;
  loSize += times * std::fabs(x.lo), hiSize += times * std::fabs(x.hi);
  positive += times * std::max(x.hi, 0.0), negative -= times * std::min(x.lo, 0.0);
}

void SumBounds::addProduct(double w, Interval x) {
  Interval factor = Interval::point(w);
  // A subnormal weight may be flushed to 0.
  if (std::fabs(w) < FLT_MIN)
    factor = factor.hull({0, 0});
  isNaN |= std::isnan(w) || productMayBeNaN(factor, x);
  add(std::isnan(w) ? Interval() : factor * x);
}

void SumBounds::addProducts(ArrayRef<float> w, ArrayRef<double> lower, ArrayRef<double> upper, bool areFloats) {
  if (w.size() > 2 * settlingTerms) {
    SumBounds begun = *this;
    begun.addProducts(w.take_front(settlingTerms), lower.take_front(settlingTerms), upper.take_front(settlingTerms),
                      areFloats);
    if (begun.isSettled()) {
      *this = begun;
      return;
    }
  }
  // Vectors of two, which every target has; the compiler makes none of the loop over terms. Two terms of which one
  // needs a closer look (subnormal, infinite weight, NaN) are added one by one.
  constexpr size_t lanes = 2;
  using Vector = double __attribute__((vector_size(lanes * sizeof(double))));
  constexpr Vector zero = {}, one = {1, 1}, smallest = {FLT_MIN, FLT_MIN}, greatest = {FLT_MAX, FLT_MAX};
  auto load = [](const double *from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
  };
  auto abs = [&](Vector x) { return x < zero ? -x : x; };
  auto isTiny = [&](Vector x) { return (x > zero) & (x < smallest); };
  Vector los = {}, his = {}, loSizes = {}, hiSizes = {}, positives = {}, negatives = {}, counts = {};
  size_t at = 0;
  for (; at + lanes <= w.size(); at += lanes) {
    Vector weight = {w[at], w[at + 1]}, size = abs(weight);
    Vector left = weight * load(&lower[at]), right = weight * load(&upper[at]);
    Vector low = weight > zero ? left : right, high = weight > zero ? right : left;
    auto special = isTiny(size) | ~(size <= greatest) | (low != low) | (high != high) | isTiny(low) | isTiny(-high);
    if (special[0] | special[1]) {
      for (size_t i = at; i < at + lanes; ++i)
        addProduct(w[i], {lower[i], upper[i]});
      continue;
    }
    los += low, his += high;
    loSizes += abs(low), hiSizes += abs(high);
    positives += high > zero ? high : zero, negatives -= low < zero ? low : zero;
    counts += (low != zero) | (high != zero) ? one : zero;
  }
  auto sum = [](Vector x) { return x[0] + x[1]; };
  slack = areFloats ? slack : 0x1p-52;
  lo += sum(los), hi += sum(his), loSize += sum(loSizes), hiSize += sum(hiSizes);
  positive += sum(positives), negative += sum(negatives), count += sum(counts);
  for (; at < w.size(); ++at)
    addProduct(w[at], {lower[at], upper[at]});
}

void SumBounds::divide(double by) { divisor *= by; }

double SumBounds::relativeError() const {
  // One term is not added to anything.
  double relative = count > 1 || divisor != 1 ? (count + 4) * roundoff : slack;
  relative += arithmetic.factors;
  if (arithmetic.amplification > 0)
    relative += arithmetic.amplification * (count + arithmetic.transforms) * roundoff;
  return relative;
}

Interval SumBounds::bounds() const {
  bool isTransformed = arithmetic.amplification > 0;
  double relative = relativeError(), amplified = isTransformed ? arithmetic.amplification : 1 + relative;
  // A partial sum of terms of both signs may be subnormal, and flushed.
  bool hasBothSigns = positive > 0 && negative > 0;
  double flushed = hasBothSigns && roundoff > 0 ? count * FLT_MIN : 0;
  auto outward = [&](double bound, double size, double sign) {
    // Transforms take terms of all signs together.
    if (isTransformed)
      size = loSize + hiSize;
    double error = flushed + (size == 0 || relative == 0 ? 0 : relative * size);
    // inf - inf among the bounds: nothing is known at this side. Nor is it where doubles no longer count integers.
    double moved = error == 0 ? bound : bound + sign * error;
    bool isLost = relative >= 1 || (roundoff == 0 && size >= 0x1p53);
    return std::isnan(moved) || isLost ? sign * infinity : moved;
  };
  Interval sum{outward(lo, loSize, -1), outward(hi, hiSize, 1)};
  // A sum of terms of one sign, none of which is beyond 0, is not beyond 0 either.
  if (negative == 0 && !isTransformed)
    sum.lo = std::max(sum.lo, 0.0);
  if (positive == 0 && !isTransformed)
    sum.hi = std::min(sum.hi, 0.0);
  if ((isTransformed ? positive + negative : positive) * amplified > largest)
    sum.hi = infinity;
  if ((isTransformed ? positive + negative : negative) * amplified > largest)
    sum.lo = -infinity;
  return divisor == 1 ? sum : sum / Interval::point(divisor);
}

bool SumBounds::isSettled() const {
  // -inf and inf stay so, or become NaN, which says as little; with terms of both signs that may be infinite, the sum
  // may be NaN.
  return lo == -infinity && hi == infinity && positive == infinity && negative == infinity && count > 1 &&
         largest < infinity;
}

bool SumBounds::mayBeNaN() const {
  if (arithmetic.amplification > 0)
    return isNaN || (positive + negative) * arithmetic.amplification > largest / 2;
  return isNaN || (count > 1 && positive > largest / 2 && negative > largest / 2);
}

/// `count` terms within each interval of x, divided.
static TensorRange quotientOfSum(const TensorRange &x, double count, double divisor, Type tensorType) {
  TensorRange y = x;
  for (Interval &interval : y.channels) {
    SumBounds sum(cast<ShapedType>(tensorType).getElementType());
    sum.add(interval, count);
    sum.divide(divisor);
    interval = sum.bounds();
    y.mayBeNaN |= sum.mayBeNaN();
  }
  return countable(y, tensorType);
}

TensorRange sumOf(const TensorRange &x, double count, Type tensorType) {
  return quotientOfSum(x, count, 1, tensorType);
}
TensorRange meanOf(const TensorRange &x, double count, Type tensorType) {
  return quotientOfSum(x, count, count, tensorType);
}

//===- Movement -----------------------------------------------------------===//

static int64_t productOf(ArrayRef<int64_t> dims) {
  int64_t product = 1;
  for (int64_t dim : dims)
    product *= dim;
  return product;
}

TensorRange reshaped(const TensorRange &x, ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  if (x.isUniform() || llvm::is_contained(from, 0))
    return x.collapsed();
  int64_t outer = productOf(from.take_front(x.axis)), inner = productOf(from.drop_front(x.axis + 1));
  // The dimension of the result that starts where the axis does; of several, those of size 1 come first.
  std::optional<int64_t> axis;
  for (int64_t d = 0; d < static_cast<int64_t>(to.size()); ++d)
    if (productOf(to.take_front(d)) == outer)
      axis = d;
  constexpr int64_t maxChannels = int64_t(1) << 20;
  if (!axis || to[*axis] > maxChannels)
    return x.collapsed();
  int64_t step = productOf(to.drop_front(*axis + 1));
  TensorRange y = TensorRange::uniform({}, x.mayBeNaN);
  y.axis = *axis;
  y.channels.clear();
  for (int64_t i = 0; i < to[*axis]; ++i) {
    // Elements i*step to (i + 1)*step of each block, `inner` of which make a channel.
    Interval interval = x.at(i * step / inner);
    for (int64_t c = i * step / inner; c <= ((i + 1) * step - 1) / inner; ++c)
      interval = interval.hull(x.at(c));
    y.channels.push_back(interval);
  }
  return y;
}

TensorRange withAxis(const TensorRange &x, int64_t axis) {
  if (x.isUniform() || axis < 0)
    return x.collapsed();
  TensorRange y = x;
  y.axis = axis;
  return y;
}

TensorRange collapsedAlong(const TensorRange &x, int64_t axis) { return x.axis == axis ? x.collapsed() : x; }

} // namespace sinter::nn
