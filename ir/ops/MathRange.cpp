// Value ranges of unary mathematics and of conversion.
#include "ir/RangeRules.h"
#include "ir/ops/Math.h"
#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

static constexpr double infinity = std::numeric_limits<double>::infinity();
static constexpr Interval nonNegative{0, infinity}, signedUnit{-1, 1};

//===- Sign and rounding -------------------------------------------------===//

void AbsOp::inferRange(Ranges x, RangeResults y) {
  Interval limits = limitsOf(elementTypeOf(getX()));
  bool isFloat = isa<FloatType>(elementTypeOf(getX()));
  y[0] = x[0].map([&](Interval v) {
    Interval size = absOf(v);
    // The lowest integer has no magnitude in its type: it stays what it is.
    if (!isFloat && limits.lo < 0 && v.lo <= limits.lo)
      return Interval{limits.lo, v.hi <= limits.lo ? limits.lo : limits.hi};
    return isFloat ? size : clampTo(size, {0, limits.hi});
  });
}

void NegOp::inferRange(Ranges x, RangeResults y) {
  y[0] = countable(x[0].map([](Interval v) { return -v; }), getY().getType());
}

void SignOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return double(v > 0) - double(v < 0); }, .isExact = true});
}

void CeilOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::ceil(v); }, .isExact = true});
}

void FloorOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::floor(v); }, .isExact = true});
}

void RoundOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::nearbyint(v); }, .isExact = true});
}

//===- Roots, exponentials, logarithm ------------------------------------===//

void SqrtOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::sqrt(v); }, .domain = nonNegative, .image = nonNegative});
}

void ReciprocalOp::inferRange(Ranges x, RangeResults y) {
  y[0] = x[0].map([](Interval v) { return Interval::point(1) / v; });
}

void ExpOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::exp(v); }, .image = nonNegative});
}

void LogOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::log(v); }, .domain = nonNegative});
}

void ErfOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::erf(v); }, .image = signedUnit});
}

//===- Trigonometric and hyperbolic functions ----------------------------===//

/// The sine and the like take every value of their image somewhere; they are NaN at infinity.
static TensorRange oscillating(const TensorRange &x, Interval image) {
  TensorRange y = x.map([&](Interval) { return image; });
  y.mayBeNaN |= !x.isBounded();
  return y;
}

void SinOp::inferRange(Ranges x, RangeResults y) { y[0] = oscillating(x[0], signedUnit); }
void CosOp::inferRange(Ranges x, RangeResults y) { y[0] = oscillating(x[0], signedUnit); }
void TanOp::inferRange(Ranges x, RangeResults y) { y[0] = oscillating(x[0], {}); }

void AsinOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::asin(v); }, .domain = signedUnit});
}

void AcosOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::acos(v); }, .domain = signedUnit, .image = nonNegative});
}

void AtanOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::atan(v); }});
}

void SinhOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::sinh(v); }});
}

void CoshOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::cosh(v); }, .critical = {0}, .image = nonNegative});
}

void AsinhOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::asinh(v); }});
}

void AcoshOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::acosh(v); }, .domain = {1, infinity}, .image = nonNegative});
}

void AtanhOp::inferRange(Ranges x, RangeResults y) {
  y[0] = alongCurve(x[0], {.f = [](double v) { return std::atanh(v); }, .domain = signedUnit});
}

//===- Logic and tests ---------------------------------------------------===//

// Bits and truth values: everything the type holds.
void BitwiseNotOp::inferRange(Ranges, RangeResults) {}
void IsNanOp::inferRange(Ranges x, RangeResults y) {
  if (!x[0].mayBeNaN)
    y[0] = TensorRange::uniform({0, 0}, false);
}
void IsInfOp::inferRange(Ranges x, RangeResults y) {
  if (x[0].isBounded())
    y[0] = TensorRange::uniform({0, 0}, false);
}
void NotOp::inferRange(Ranges x, RangeResults y) {
  y[0] = x[0].map([](Interval v) { return Interval::point(1) - v; });
}

//===- nn.cast -----------------------------------------------------------===//

void CastOp::inferRange(Ranges operands, RangeResults y) {
  const TensorRange &x = operands[0];
  bool fromFloat = isa<FloatType>(elementTypeOf(getX()));
  if (getTo().isInteger(1)) {
    y[0] = x.map([&](Interval v) {
      return v.contains(0) ? Interval{0, v == Interval::point(0) && !x.mayBeNaN ? 0.0 : 1.0} : Interval{1, 1};
    });
  } else if (getTo().getIntOrFloatBitWidth() < 8) {
    y[0] = TensorRange::unknown(getY().getType()); // wraps, or may lose NaN
  } else if (fromFloat && !isa<FloatType>(getTo())) {
    // Truncates and saturates; NaN gives 0.
    y[0] = x.map([&](Interval v) {
      Interval integer = clampTo({std::trunc(v.lo), std::trunc(v.hi)}, limitsOf(getTo()));
      return x.mayBeNaN ? integer.hull({0, 0}) : integer;
    });
  } else {
    y[0] = countable(x, getY().getType());
  }
}
