// Unary mathematics and conversion: verify, shape, reference, arithmetic, op by op.
#include "ir/ops/Math.h"
#include "ir/Reference.h"
#include "ir/ops/MathExpansions.h"
#include "runtime/SmallFloat.h"
#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Math.cpp.inc"

/// The C library's function on every element.
static LogicalResult evaluateMath(Evaluation &io, double (*f)(double)) {
  return evaluateUnary(io, [=](double x) { return f(x); });
}

//===- Sign and rounding -------------------------------------------------===//

LogicalResult AbsOp::evaluate(Evaluation &io) {
  return evaluateUnary(io, []<typename T>(T x) {
    if constexpr (std::is_same_v<T, double>)
      return std::fabs(x);
    else if constexpr (std::is_same_v<T, uint64_t>)
      return x;
    else // through unsigned, where the negation of the smallest integer is defined
      return x < 0 ? static_cast<T>(0 - static_cast<uint64_t>(x)) : x;
  });
}

Value AbsOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  return abs(elementOf(b, loc, args[0], getX()));
}

LogicalResult NegOp::evaluate(Evaluation &io) {
  return evaluateUnary(io, []<typename T>(T x) {
    if constexpr (std::is_same_v<T, double>)
      return -x;
    else
      return static_cast<T>(0 - static_cast<uint64_t>(x));
  });
}

Value NegOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return -elementOf(b, loc, args[0], getX()); }

LogicalResult SignOp::evaluate(Evaluation &io) {
  return evaluateUnary(io, []<typename T>(T x) {
    if (x > T(0))
      return T(1);
    return x < T(0) ? static_cast<T>(-1) : x;
  });
}

Value SignOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x = elementOf(b, loc, args[0], getX());
  return select(x > 0.0, 1.0, x.isUnsigned ? x : select(x < 0.0, -1.0, x));
}

LogicalResult CeilOp::evaluate(Evaluation &io) { return evaluateMath(io, std::ceil); }
Value CeilOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return ceil(Element(b, loc, args[0])); }

LogicalResult FloorOp::evaluate(Evaluation &io) { return evaluateMath(io, std::floor); }
Value FloorOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return floor(Element(b, loc, args[0])); }

LogicalResult RoundOp::evaluate(Evaluation &io) { return evaluateMath(io, std::nearbyint); }
Value RoundOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return roundEven(Element(b, loc, args[0])); }

//===- Roots, exponentials, logarithm ------------------------------------===//

LogicalResult SqrtOp::evaluate(Evaluation &io) { return evaluateMath(io, std::sqrt); }
Value SqrtOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return sqrt(Element(b, loc, args[0])); }

LogicalResult ReciprocalOp::evaluate(Evaluation &io) {
  return evaluateUnary(io, [](double x) { return 1 / x; });
}
Value ReciprocalOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return 1.0 / Element(b, loc, args[0]); }

LogicalResult ExpOp::evaluate(Evaluation &io) { return evaluateMath(io, std::exp); }
Value ExpOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return exp(Element(b, loc, args[0])); }

LogicalResult LogOp::evaluate(Evaluation &io) { return evaluateMath(io, std::log); }
Value LogOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return log(Element(b, loc, args[0])); }

LogicalResult ErfOp::evaluate(Evaluation &io) { return evaluateMath(io, std::erf); }
Value ErfOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return erf(Element(b, loc, args[0])); }

//===- Trigonometric and hyperbolic functions ----------------------------===//

LogicalResult SinOp::evaluate(Evaluation &io) { return evaluateMath(io, std::sin); }
Value SinOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return sin(Element(b, loc, args[0])); }

LogicalResult CosOp::evaluate(Evaluation &io) { return evaluateMath(io, std::cos); }
Value CosOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return cos(Element(b, loc, args[0])); }

LogicalResult TanOp::evaluate(Evaluation &io) { return evaluateMath(io, std::tan); }
Value TanOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return tan(Element(b, loc, args[0])); }

LogicalResult AsinOp::evaluate(Evaluation &io) { return evaluateMath(io, std::asin); }
Value AsinOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return asin(Element(b, loc, args[0])); }

LogicalResult AcosOp::evaluate(Evaluation &io) { return evaluateMath(io, std::acos); }
Value AcosOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return acos(Element(b, loc, args[0])); }

LogicalResult AtanOp::evaluate(Evaluation &io) { return evaluateMath(io, std::atan); }
Value AtanOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return atan(Element(b, loc, args[0])); }

LogicalResult SinhOp::evaluate(Evaluation &io) { return evaluateMath(io, std::sinh); }
Value SinhOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return sinh(Element(b, loc, args[0])); }

LogicalResult CoshOp::evaluate(Evaluation &io) { return evaluateMath(io, std::cosh); }
Value CoshOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return cosh(Element(b, loc, args[0])); }

LogicalResult AsinhOp::evaluate(Evaluation &io) { return evaluateMath(io, std::asinh); }
Value AsinhOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return asinh(Element(b, loc, args[0])); }

LogicalResult AcoshOp::evaluate(Evaluation &io) { return evaluateMath(io, std::acosh); }
Value AcoshOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return acosh(Element(b, loc, args[0])); }

LogicalResult AtanhOp::evaluate(Evaluation &io) { return evaluateMath(io, std::atanh); }
Value AtanhOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return atanh(Element(b, loc, args[0])); }

//===- Logic and tests ---------------------------------------------------===//

LogicalResult NotOp::evaluate(Evaluation &io) {
  return evaluateUnary(io, [](auto x) { return static_cast<int64_t>(x == decltype(x)(0)); });
}

Value NotOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return ~Element(b, loc, args[0]); }

LogicalResult BitwiseNotOp::evaluate(Evaluation &io) {
  return evaluateUnary(io, [](auto x) { return static_cast<int64_t>(~static_cast<uint64_t>(x)); });
}

Value BitwiseNotOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return ~Element(b, loc, args[0]); }

LogicalResult IsNanOp::inferShapes(SmallVectorImpl<Type> &types) {
  types.push_back(cast<TensorType>(getX().getType()).clone(IntegerType::get(getContext(), 1)));
  return success();
}

LogicalResult IsNanOp::evaluate(Evaluation &io) {
  return evaluateUnary(io, [](double x) { return std::isnan(x); });
}

Value IsNanOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return isNan(Element(b, loc, args[0])); }

LogicalResult IsInfOp::inferShapes(SmallVectorImpl<Type> &types) {
  types.push_back(cast<TensorType>(getX().getType()).clone(IntegerType::get(getContext(), 1)));
  return success();
}

LogicalResult IsInfOp::evaluate(Evaluation &io) {
  bool positive = getDetectPositive(), negative = getDetectNegative();
  return evaluateUnary(io, [=](double x) { return std::isinf(x) && (x > 0 ? positive : negative); });
}

Value IsInfOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Element x(b, loc, args[0]);
  Element isPositive = x == infinity, isNegative = x == -infinity;
  Element positive = getDetectPositive() ? isPositive : isPositive.constantInt(0);
  return getDetectNegative() ? positive | isNegative : positive;
}

//===- nn.cast -----------------------------------------------------------===//

LogicalResult CastOp::verify() {
  if (!toDType(getTo()))
    return emitOpError("cannot cast to ") << getTo();
  if (elementTypeOf(getY()) != getTo())
    return emitOpError("result ") << getY().getType() << " is not of the element type " << getTo();
  return success();
}

LogicalResult CastOp::inferShapes(SmallVectorImpl<Type> &types) {
  if (!toDType(getTo()))
    return emitOpError("cannot cast to ") << getTo();
  types.push_back(cast<TensorType>(getX().getType()).clone(getTo()));
  return success();
}

/// Where the result is a power of two: x rounded to one, by round_mode. Up is how powers are stored.
static double roundedPower(CastOp op, double x) {
  if (!isa<Float8E8M0FNUType>(op.getTo()) || op.getRoundMode() == RoundMode::Up || x == 0 || !std::isfinite(x))
    return x;
  int exponent;
  double fraction = std::frexp(x, &exponent); // 0.75 and more are nearer to 1
  bool roundsUp = op.getRoundMode() == RoundMode::Nearest && std::fabs(fraction) >= 0.75;
  return std::ldexp(std::copysign(1.0, x), roundsUp ? exponent : exponent - 1);
}

/// A power of two: x rounded to one by round_mode, on the bits of an f32.
static Element roundedPower(CastOp op, Element x) {
  if (!isa<Float8E8M0FNUType>(op.getTo()) || op.getRoundMode() == RoundMode::Up)
    return x;
  Element bits = x.asInt(), magnitude = bits & 0x7fffffff;
  if (op.getRoundMode() == RoundMode::Nearest)
    magnitude = magnitude + magnitude.constantInt(1 << 22);
  Element power = (magnitude & 0x7f800000).asFloat();
  return select(isNan(x), x, power);
}

LogicalResult CastOp::evaluate(Evaluation &io) {
  const Tensor &x = io.operand(0u);
  // 64-bit integers lose bits as doubles, so integers stay integers; u64 does not fit int64 as a number.
  bool asDouble = sinter::isFloat(x.type()) || (x.type() == DType::U64 && sinter::isFloat(io.result().type()));
  DType to = io.result().type();
  if (isSmallFloat(to)) {
    std::vector<double> values = toDoubles(x);
    for (double &value : values)
      value = roundedPower(*this, value);
    if (double largest = largestOf(to); getSaturate())
      for (double &value : values)
        value = value > largest ? largest : value < -largest ? -largest : value;
    storeDoubles(io.result(), values);
  } else if (asDouble && (sinter::isFloat(to) || to == DType::Bool || bitsOf(to) >= 8))
    storeDoubles(io.result(), toDoubles(x));
  else
    storeInts(io.result(), toInts(x));
  return success();
}

/// f64 to f32 rounded to odd, so that a further rounding to f16 or bf16 is as good as one (Boldo and
/// Melquiond, 2008).
static Element roundToOdd(Element x) {
  Element near = x.to(x.builder->getF32Type()), wide = near.to(x.scalarType());
  Element bits = near.asInt(), inexact = ~(wide == x) & ~isNan(x);
  bits = bits - select(inexact & (abs(wide) > abs(x)), bits.constantInt(1), bits.constantInt(0));
  return (bits | select(inexact, bits.constantInt(1), bits.constantInt(0))).asFloat();
}

Value CastOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  Element x = elementOf(b, loc, args[0], getX());
  Type to = getTo();
  bool isSmall = to.getIntOrFloatBitWidth() < 16 && isa<FloatType>(to);
  if (isSmall) {
    // f32 rounds to odd where it does not hold x, so that one rounding to 8 bits follows.
    bool isWide = x.isFloat() ? x.width() == 64 : x.width() > 24;
    Element y = isWide ? roundToOdd(x.to(b.getF64Type())) : x.to(b.getF32Type());
    y = roundedPower(*this, y);
    double largest = largestOf(*toDType(to));
    return getSaturate() ? clamp(y, -largest, largest) : y;
  }
  if (x.isFloat() && isa<IntegerType>(to) && to.getIntOrFloatBitWidth() < 8 && !to.isInteger(1))
    x = x.to(b.getI64Type());
  if (to.isF16() || to.isBF16()) {
    if (x.isFloat() ? x.width() == 64 : x.width() > 24)
      return roundToOdd(x.to(b.getF64Type()));
    to = b.getF32Type();
  }
  if (auto integer = dyn_cast<IntegerType>(to))
    return x.to(b.getIntegerType(integer.getWidth()), to.isUnsignedInteger());
  return x.to(to);
}
