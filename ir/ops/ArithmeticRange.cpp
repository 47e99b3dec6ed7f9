// Value ranges of arithmetic, comparison and logic.
#include "ir/RangeRules.h"
#include "ir/ops/Activation.h"
#include "ir/ops/Arithmetic.h"
#include "ir/ops/Math.h"
#include "ir/ops/Normalisation.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

static constexpr double infinity = std::numeric_limits<double>::infinity();

static bool isFloatOp(Operation *op) { return isa<FloatType>(elementTypeOf(op->getOperand(0))); }

/// The range of a binary op; `isNaN` says where f has no result.
template <typename F>
static TensorRange binary(Operation *op, Ranges operands, F f, bool (*isNaN)(Interval, Interval)) {
  TensorRange y = elementwise(op, operands, [&](ArrayRef<Interval> x, bool &mayBeNaN) {
    mayBeNaN |= isNaN(x[0], x[1]);
    return f(x[0], x[1]);
  });
  return countable(y, op->getResult(0).getType());
}

//===- Add, sub, mul, div ------------------------------------------------===//

void AddOp::inferRange(Ranges x, RangeResults y) {
  y[0] = binary(*this, x, [](Interval a, Interval b) { return a + b; }, sumMayBeNaN);
}

void SubOp::inferRange(Ranges x, RangeResults y) {
  y[0] = binary(
      *this, x, [](Interval a, Interval b) { return a - b; },
      [](Interval a, Interval b) { return sumMayBeNaN(a, -b); });
}

void MulOp::inferRange(Ranges x, RangeResults y) {
  // x*x is a square, and never 0 * inf.
  if (sourceOf(getA()) == sourceOf(getB()))
    y[0] = countable(x[0].map(squareOf), getY().getType());
  else
    y[0] = binary(*this, x, [](Interval a, Interval b) { return a * b; }, productMayBeNaN);
}

/// Truncated quotients of integers; x / 0 is 0.
static Interval integerQuotient(Interval a, Interval b) {
  Interval all = b.contains(0) ? Interval{0, 0} : a / b;
  if (b.contains(0) && b.lo < 0)
    all = all.hull(a / Interval{b.lo, -1});
  if (b.contains(0) && b.hi > 0)
    all = all.hull(a / Interval{1, b.hi});
  return {std::trunc(all.lo), std::trunc(all.hi)};
}

/// Whether the value's zeros are +0, as far as its op tells: then numbers >= 0 divided by it are not -inf.
static bool zerosArePositive(Value value) {
  return isa_and_present<ExpOp, SigmoidOp, SoftplusOp, AbsOp, SoftmaxOp>(value.getDefiningOp());
}

void DivOp::inferRange(Ranges x, RangeResults y) {
  bool isPositiveZero = zerosArePositive(getB());
  auto quotient = [&](Interval a, Interval b) {
    if (isPositiveZero && b.lo >= 0 && a.lo >= 0)
      return maxOf(a / b, Interval::point(0));
    return a / b;
  };
  if (isFloatOp(*this))
    y[0] = binary(*this, x, quotient, quotientMayBeNaN);
  else
    y[0] = binary(*this, x, integerQuotient, [](Interval, Interval) { return false; });
}

void ModOp::inferRange(Ranges x, RangeResults y) {
  bool ofDividend = getFmod(), isFloat = isFloatOp(*this);
  y[0] = elementwise(*this, x, [=](ArrayRef<Interval> v, bool &mayBeNaN) {
    Interval a = v[0], b = v[1];
    mayBeNaN |= isFloat && (b.contains(0) || !a.isFinite());
    // Smaller than the divisor, with the sign of one operand; of the dividend also no larger than that.
    double most = absOf(b).hi;
    Interval sign = ofDividend ? a : b;
    Interval rest{sign.lo < 0 ? -most : 0, sign.hi > 0 ? most : 0};
    return ofDividend ? clampTo(rest, a.hull({0, 0})) : rest;
  });
}

//===- nn.pow ------------------------------------------------------------===//

/// x^n for an integer n.
static Interval integerPower(Interval x, double n) {
  bool isEven = std::fmod(n, 2) == 0;
  if (n < 0)
    return isEven && x.contains(0) ? Interval{std::pow(absOf(x).hi, n), infinity}
                                   : Interval::point(1) / integerPower(x, -n);
  Interval base = isEven ? absOf(x) : x;
  return {std::pow(base.lo, n), std::pow(base.hi, n)};
}

static Interval power(Interval x, Interval n, bool isFloat, bool &mayBeNaN) {
  bool isNumber = n.isPoint() && n.isFinite(), isInteger = isNumber && std::trunc(n.lo) == n.lo;
  if (isInteger && !isFloat && n.lo < 0)
    return {-1, 1};
  if (isInteger)
    return n.lo == 0 ? Interval{1, 1} : integerPower(x, n.lo);
  mayBeNaN |= x.lo < 0 && isFloat;
  // NaN for negative x, but for -inf, whose power is inf, or 0.
  bool hasInfinity = isNumber && x.lo == -infinity;
  if (isNumber)
    x = clampTo(x, {0, infinity});
  // (-0) to a negative odd power is -inf.
  if (x.lo < 0 || (x.lo == 0 && n.lo < 0 && !n.isPoint()) || !isFloat)
    return {};
  double corners[] = {std::pow(x.lo, n.lo), std::pow(x.lo, n.hi), std::pow(x.hi, n.lo), std::pow(x.hi, n.hi)};
  Interval all{*std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4)};
  // x^n is monotone in each argument as long as the other stays on its side of 1 or 0.
  if (x.lo == 0 && !n.isPoint())
    all = all.hull({0, 1});
  return hasInfinity ? all.hull(Interval::point(n.lo > 0 ? infinity : 0)) : all;
}

void PowOp::inferRange(Ranges x, RangeResults y) {
  bool isFloat = isFloatOp(*this);
  y[0] = elementwise(*this, x, [=](ArrayRef<Interval> v, bool &mayBeNaN) {
    Interval result = power(v[0], v[1], isFloat, mayBeNaN);
    if (!isFloat)
      return result;
    // A power of non-negative numbers is not negative, however it is rounded.
    Interval wide = widened(result);
    return result.lo >= 0 ? Interval{std::max(0.0, wide.lo), wide.hi} : wide;
  });
  y[0] = countable(y[0], getY().getType());
}

//===- Bits, logic, comparisons ------------------------------------------===//

void BitwiseAndOp::inferRange(Ranges x, RangeResults y) {
  // Where neither operand is negative, no bit is set that both do not have.
  if (x[0].hull().lo >= 0 && x[1].hull().lo >= 0)
    y[0] = TensorRange::uniform({0, std::min(x[0].hull().hi, x[1].hull().hi)}, false);
}

// Everything the type holds.
void BitShiftOp::inferRange(Ranges, RangeResults) {}
void BitwiseOrOp::inferRange(Ranges, RangeResults) {}
void BitwiseXorOp::inferRange(Ranges, RangeResults) {}

void AndOp::inferRange(Ranges x, RangeResults y) {
  y[0] = elementwise(*this, x, [](ArrayRef<Interval> v, bool &) { return minOf(v[0], v[1]); });
}
void OrOp::inferRange(Ranges x, RangeResults y) {
  y[0] = elementwise(*this, x, [](ArrayRef<Interval> v, bool &) { return maxOf(v[0], v[1]); });
}
void XorOp::inferRange(Ranges, RangeResults) {}

/// 1 where always(a, b), 0 where never(a, b) or NaN.
template <typename F>
static TensorRange comparison(Operation *op, Ranges x, F always, bool (*never)(Interval, Interval)) {
  bool mayBeNaN = x[0].mayBeNaN || x[1].mayBeNaN;
  TensorRange y = elementwise(op, x, [&](ArrayRef<Interval> v, bool &) {
    if (never(v[0], v[1]))
      return Interval{0, 0};
    return always(v[0], v[1]) && !mayBeNaN ? Interval{1, 1} : Interval{0, 1};
  });
  y.mayBeNaN = false;
  return y;
}

static bool isBelow(Interval a, Interval b) { return a.hi < b.lo; }
static bool isNotAbove(Interval a, Interval b) { return a.hi <= b.lo; }
static bool isAbove(Interval a, Interval b) { return isBelow(b, a); }
static bool isNotBelow(Interval a, Interval b) { return isNotAbove(b, a); }

void LessOp::inferRange(Ranges x, RangeResults y) { y[0] = comparison(*this, x, isBelow, isNotBelow); }
void LessOrEqualOp::inferRange(Ranges x, RangeResults y) { y[0] = comparison(*this, x, isNotAbove, isAbove); }
void GreaterOp::inferRange(Ranges x, RangeResults y) { y[0] = comparison(*this, x, isAbove, isNotAbove); }
void GreaterOrEqualOp::inferRange(Ranges x, RangeResults y) { y[0] = comparison(*this, x, isNotBelow, isBelow); }
void EqualOp::inferRange(Ranges x, RangeResults y) {
  auto always = [](Interval a, Interval b) { return a.isPoint() && a == b; };
  y[0] = comparison(*this, x, always, [](Interval a, Interval b) { return isBelow(a, b) || isAbove(a, b); });
}

void WhereOp::inferRange(Ranges x, RangeResults y) {
  y[0] = elementwise(*this, x, [](ArrayRef<Interval> v, bool &) {
    if (v[0].isPoint())
      return v[0].lo != 0 ? v[1] : v[2];
    return v[1].hull(v[2]);
  });
}

void SelectOp::inferRange(Ranges x, RangeResults y) { y[0] = TensorRange::join(x[1], x[2]); }

//===- Max, min, sum, mean -----------------------------------------------===//

void MaxOp::inferRange(Ranges x, RangeResults y) {
  y[0] = elementwise(*this, x,
                     [](ArrayRef<Interval> v, bool &) { return std::accumulate(v.begin() + 1, v.end(), v[0], maxOf); });
}

void MinOp::inferRange(Ranges x, RangeResults y) {
  y[0] = elementwise(*this, x,
                     [](ArrayRef<Interval> v, bool &) { return std::accumulate(v.begin() + 1, v.end(), v[0], minOf); });
}

/// The sum of all operands, divided.
static TensorRange sumOfOperands(Operation *op, Ranges x, double divisor) {
  return elementwise(op, x, [&](ArrayRef<Interval> v, bool &mayBeNaN) {
    SumBounds sum(elementTypeOf(op->getResult(0)));
    for (Interval term : v)
      sum.add(term);
    sum.divide(divisor);
    mayBeNaN |= sum.mayBeNaN();
    return sum.bounds();
  });
}

void SumOp::inferRange(Ranges x, RangeResults y) { y[0] = sumOfOperands(*this, x, 1); }
void MeanOp::inferRange(Ranges x, RangeResults y) { y[0] = sumOfOperands(*this, x, static_cast<double>(x.size())); }
