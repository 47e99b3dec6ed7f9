// Value ranges of the activations.
#include "ir/RangeRules.h"
#include "ir/ops/Activation.h"
#include <cfloat>
#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

static constexpr double infinity = std::numeric_limits<double>::infinity();
static constexpr Interval nonNegative{0, infinity}, unit{0, 1}, signedUnit{-1, 1};

//===- Piecewise linear --------------------------------------------------===//

void ReluOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::max(v, 0.0); }, .isExact = true});
}

/// The smallest number that kernels do not take for 0 where they compare.
static double smallestCompared(Value tensor) { return elementTypeOf(tensor).isF64() ? DBL_MIN : FLT_MIN; }

/// `y`, and the negative numbers of x that a comparison with 0 does not see as negative: they are returned as they are.
/// Where nothing else is negative, they count as the -0 that whoever reads them takes them for.
static Interval orUnseen(Interval y, Interval x, double smallest) {
  return y.lo < 0 && x.lo < 0 && x.hi > -smallest ? y.hull({std::max(x.lo, -smallest), std::min(x.hi, 0.0)}) : y;
}

/// The range of a leaky activation: x, or its product with a slope where it is negative.
static Interval leaky(Interval x, Interval slope, double smallest, bool &mayBeNaN) {
  if (x.lo >= 0)
    return x;
  Interval below{x.lo, std::min(x.hi, 0.0)};
  mayBeNaN |= productMayBeNaN(below, slope);
  Interval scaled = orUnseen(below * slope, x, smallest);
  return x.hi < 0 ? scaled : scaled.hull({0, x.hi});
}

void LeakyReluOp::inferRange(Ranges x, RangeResults y) {
  Interval slope = Interval::point(getAlpha().convertToDouble());
  y[0] = x[0];
  for (Interval &v : y[0].channels)
    v = leaky(v, slope, smallestCompared(getY()), y[0].mayBeNaN);
}

void PReluOp::inferRange(Ranges operands, RangeResults y) {
  double smallest = smallestCompared(getY());
  y[0] = elementwise(*this, operands,
                     [=](ArrayRef<Interval> v, bool &mayBeNaN) { return leaky(v[0], v[1], smallest, mayBeNaN); });
  y[0] = countable(y[0], getY().getType());
}

void ThresholdedReluOp::inferRange(Ranges x, RangeResults y) {
  double alpha = getAlpha().convertToDouble();
  double smallest = smallestCompared(getY());
  // Neither is above the other where a comparison takes both for 0.
  double surely = std::fabs(alpha) < smallest ? smallest : alpha;
  y[0] = x[0].map([&](Interval v) {
    Interval above{std::max(v.lo, alpha), v.hi};
    if (v.hi <= alpha)
      return Interval::point(0);
    return v.lo > surely && !x[0].mayBeNaN ? above : above.hull({0, 0});
  });
  y[0].mayBeNaN = false; // NaN > alpha is false
}

void HardSigmoidOp::inferRange(Ranges x, RangeResults y) {
  double alpha = getAlpha().convertToDouble(), beta = getBeta().convertToDouble();
  // Where the result is not 0 or 1, |alpha*x| is at most 1 + |beta|.
  y[0] = alongCurve(x[0], {.f = [=](double v) { return std::clamp(alpha * v + beta, 0.0, 1.0); },
                           .image = unit,
                           .error = 0x1p-22 * (1 + std::fabs(beta))});
}

void HardSwishOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return v * std::clamp(v / 6 + 0.5, 0.0, 1.0); },
                           .critical = {-3, -1.5},
                           .error = 0x1p-20,
                           .keepsSign = true});
}

void ShrinkOp::inferRange(Ranges x, RangeResults y) {
  double bias = getBias().convertToDouble(), lambd = getLambd().convertToDouble();
  double zero = std::max(lambd, smallestCompared(getY())); // up to here x may be taken for 0
  y[0] = x[0].map([=](Interval v) {
    SmallVector<Interval, 3> parts;
    if (v.lo < -lambd)
      parts.push_back(Interval{v.lo, std::min(v.hi, -lambd)} + Interval::point(bias));
    if (v.hi > lambd)
      parts.push_back(Interval{std::max(v.lo, lambd), v.hi} - Interval::point(bias));
    if (parts.empty() || (v.lo <= zero && v.hi >= -zero))
      parts.push_back({0, 0});
    Interval all = parts[0];
    for (Interval part : parts)
      all = all.hull(part);
    return all;
  });
  // NaN compares false: 0.
  if (x[0].mayBeNaN)
    y[0] = y[0].map([](Interval v) { return v.hull({0, 0}); });
}

void ClipOp::inferRange(Ranges operands, RangeResults y) {
  bool hasLower = static_cast<bool>(getLower()), hasUpper = static_cast<bool>(getUpper());
  y[0] = elementwise(*this, operands, [=](ArrayRef<Interval> v, bool &) {
    Interval x = hasLower ? maxOf(v[0], v[1]) : v[0];
    return hasUpper ? minOf(x, v.back()) : x;
  });
}

//===- Exponential -------------------------------------------------------===//

/// oneDNN computes exp(x) - 1 as a difference, which is off by last bits of 1.
static constexpr double differenceError = 0x1p-22;

static void addUnseen(TensorRange &y, const TensorRange &x, Value tensor) {
  for (auto [v, of] : llvm::zip_equal(y.channels, x.channels))
    v = orUnseen(v, of, smallestCompared(tensor));
}

void EluOp::inferRange(Ranges x, RangeResults y) {
  double alpha = getAlpha().convertToDouble();
  y[0] = alongCurve(x[0], {.f = [=](double v) { return v < 0 ? alpha * std::expm1(v) : v; },
                           .critical = {0},
                           .image = alpha <= 0 ? nonNegative : Interval(),
                           .error = differenceError * std::fabs(alpha),
                           .keepsSign = alpha >= 0});
  addUnseen(y[0], x[0], getY());
}

void SeluOp::inferRange(Ranges x, RangeResults y) {
  double alpha = getAlpha().convertToDouble(), gamma = getGamma().convertToDouble();
  y[0] = alongCurve(x[0], {.f = [=](double v) { return gamma * (v <= 0 ? alpha * std::expm1(v) : v); },
                           .critical = {0},
                           .error = differenceError * std::fabs(alpha * gamma),
                           .keepsSign = alpha >= 0 && gamma >= 0});
}

void CeluOp::inferRange(Ranges x, RangeResults y) {
  double alpha = getAlpha().convertToDouble();
  // Under a negative alpha the exponential grows, and with it what rounding x/alpha does: by up to 2^-24 *
  // log(FLT_MAX).
  y[0] = alongCurve(x[0], {.f = [=](double v) { return v < 0 ? alpha * std::expm1(v / alpha) : v; },
                           .critical = {0},
                           .error = differenceError * std::fabs(alpha),
                           .relative = 0x1p-16,
                           .keepsSign = true});
  addUnseen(y[0], x[0], getY());
}

void SigmoidOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return 1 / (1 + std::exp(-v)); }, .image = unit});
}

void TanhOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::tanh(v); }, .image = signedUnit});
}

static double softplusOf(double v) { return std::max(v, 0.0) + std::log1p(std::exp(-std::fabs(v))); }

void SoftplusOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = softplusOf, .image = nonNegative});
}

void SoftsignOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return v / (1 + std::fabs(v)); }, .image = signedUnit});
}

//===- x times a sigmoid -------------------------------------------------===//

// Each falls to its minimum at a negative x, then rises; towards -inf it approaches 0, and at -inf it is NaN.

void GeluOp::inferRange(Ranges x, RangeResults y) {
  auto exact = [](double v) { return 0.5 * v * std::erfc(-v * 0.7071067811865476); };
  auto byTanh = [](double v) { return 0.5 * v * (1 + std::tanh(0.7978845608028654 * (v + 0.044715 * v * v * v))); };
  if (getApproximate() == GeluApproximation::None)
    y[0] = alongCurve(x[0], {.f = exact, .critical = {-0.7517915246935645}, .error = 0x1p-20, .keepsSign = true});
  else
    y[0] = alongCurve(x[0], {.f = byTanh, .critical = {-0.7524614220710162}, .error = 0x1p-20, .keepsSign = true});
}

void MishOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return v * std::tanh(softplusOf(v)); },
                           .critical = {-1.1924543372454826},
                           .error = 0x1p-20,
                           .keepsSign = true});
}

void SwishOp::inferRange(Ranges x, RangeResults y) {
  double alpha = getAlpha().convertToDouble();
  // d/dx x*sigmoid(x) = 0 at x = -1.27846...; under a negative alpha the curve is mirrored at both axes.
  SmallVector<double, 2> critical;
  if (alpha != 0)
    critical.push_back(-1.2784645427610738 / alpha);
  y[0] = alongCurve(x[0], {.f = [=](double v) { return v * (1 / (1 + std::exp(-alpha * v))); },
                           .critical = critical,
                           .error = 0x1p-20 * std::max(1.0, alpha != 0 ? 1 / std::fabs(alpha) : 1.0),
                           .keepsSign = true});
}
