// Arithmetic, comparison and logic on operands that broadcast: verify, reference, arithmetic, op by op.
#include "ir/ops/Arithmetic.h"
#include "ir/Reference.h"
#include "ir/ops/MathExpansions.h"
#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Arithmetic.cpp.inc"

/// result = f(a, b), both in the compute type of the operands; a bool stores 0 or 1.
template <typename R = void, typename F> static LogicalResult evaluateBinary(Evaluation &io, F f) {
  withComputeType(io.operand(0u).type(), [&]<typename T>() {
    using Result = std::conditional_t<std::is_void_v<R>, T, R>;
    evaluateBroadcast<T, Result>(io, [=](ArrayRef<T> x) { return static_cast<Result>(f(x[0], x[1])); });
  });
  return success();
}

/// The two arguments of a binary op.
static std::pair<Element, Element> operandsOf(Operation *op, OpBuilder &b, Location loc, ValueRange args) {
  return {elementOf(b, loc, args[0], op->getOperand(0)), elementOf(b, loc, args[1], op->getOperand(1))};
}

//===- Add, sub, mul, div ------------------------------------------------===//

LogicalResult AddOp::evaluate(Evaluation &io) {
  return evaluateBinary(io, [](auto a, auto b) { return wrapping(a, b, [](auto x, auto y) { return x + y; }); });
}

Value AddOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  auto [x, y] = operandsOf(*this, b, loc, args);
  return x + y;
}

LogicalResult SubOp::evaluate(Evaluation &io) {
  return evaluateBinary(io, [](auto a, auto b) { return wrapping(a, b, [](auto x, auto y) { return x - y; }); });
}

Value SubOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  auto [x, y] = operandsOf(*this, b, loc, args);
  return x - y;
}

LogicalResult MulOp::evaluate(Evaluation &io) {
  return evaluateBinary(io, [](auto a, auto b) { return wrapping(a, b, [](auto x, auto y) { return x * y; }); });
}

Value MulOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  auto [x, y] = operandsOf(*this, b, loc, args);
  return x * y;
}

/// Truncating division; x / 0 is 0, and -x is the quotient by -1 also where it wraps.
template <typename T> static T divide(T a, T b) {
  if constexpr (std::is_same_v<T, double>)
    return a / b;
  if (b == T(0))
    return T(0);
  if (std::is_signed_v<T> && b == static_cast<T>(-1))
    return wrapping(T(0), a, [](auto x, auto y) { return x - y; });
  return a / b;
}

LogicalResult DivOp::evaluate(Evaluation &io) {
  return evaluateBinary(io, []<typename T>(T a, T b) { return divide(a, b); });
}

Value DivOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  auto [x, y] = operandsOf(*this, b, loc, args);
  return x / y;
}

//===- nn.mod ------------------------------------------------------------===//

LogicalResult ModOp::verify() {
  if (isa<FloatType>(elementTypeOf(getA())) && !getFmod())
    return emitOpError("takes floats only with fmod = true");
  return success();
}

LogicalResult ModOp::evaluate(Evaluation &io) {
  bool ofDividend = getFmod();
  return evaluateBinary(io, [=]<typename T>(T a, T b) -> T {
    if constexpr (std::is_same_v<T, double>) {
      return std::fmod(a, b);
    } else {
      if (b == T(0) || (std::is_signed_v<T> && b == static_cast<T>(-1)))
        return T(0);
      T rest = a % b;
      return !ofDividend && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
    }
  });
}

Value ModOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  auto [x, y] = operandsOf(*this, b, loc, args);
  if (x.isFloat())
    return fmod(x, y);
  Element rest = x % y;
  if (getFmod() || x.isUnsigned)
    return rest;
  Element zero = rest.constantInt(0), differs = (rest < zero) ^ (y < zero);
  return select(~(rest == zero) & differs, rest + y, rest);
}

//===- nn.pow ------------------------------------------------------------===//

/// a^b modulo 2^64 for b >= 0.
static uint64_t powerOf(uint64_t a, uint64_t b) {
  uint64_t result = 1;
  for (; b; b >>= 1, a *= a)
    if (b & 1)
      result *= a;
  return result;
}

LogicalResult PowOp::evaluate(Evaluation &io) {
  const Tensor &a = io.operand(0u), &b = io.operand(1u);
  ArrayRef<int64_t> shape = io.result().shape();
  Dims strideA = broadcastStrides(a.shape(), shape), strideB = broadcastStrides(b.shape(), shape),
       index(shape.size(), 0);
  auto forEach = [&](auto f) {
    for (int64_t i = 0, size = io.result().size(); i < size; ++i, nextIndex(index, shape))
      f(static_cast<size_t>(i), static_cast<size_t>(offsetOf(index, strideA)),
        static_cast<size_t>(offsetOf(index, strideB)));
  };
  if (sinter::isFloat(a.type()) || sinter::isFloat(b.type())) {
    std::vector<double> bases = toDoubles(a), exponents = toDoubles(b), out(static_cast<size_t>(io.result().size()));
    forEach([&](size_t i, size_t ia, size_t ib) { out[i] = std::pow(bases[ia], exponents[ib]); });
    storeDoubles(io.result(), out);
    return success();
  }
  std::vector<int64_t> bases = toInts(a), exponents = toInts(b), out(static_cast<size_t>(io.result().size()));
  bool maybeNegative = !isUnsigned(b.type());
  forEach([&](size_t i, size_t ia, size_t ib) {
    int64_t base = bases[ia], exponent = exponents[ib];
    if (maybeNegative && exponent < 0) // 1 and -1 alone have integer reciprocals
      out[i] = base == 1 ? 1 : base == -1 && !isUnsigned(a.type()) ? (exponent & 1 ? -1 : 1) : 0;
    else
      out[i] = static_cast<int64_t>(powerOf(static_cast<uint64_t>(base), static_cast<uint64_t>(exponent)));
  });
  storeInts(io.result(), out);
  return success();
}

/// x^n by multiplications for the small constant exponents that models use; null for others.
static Value powConstant(Element x, double n) {
  if (n == 0.0)
    return x.constant(1);
  if (n == 1.0)
    return x;
  if (n == 2.0)
    return x * x;
  if (n == 3.0)
    return x * x * x;
  if (n == 4.0)
    return (x * x) * (x * x);
  if (n == 0.5 && x.isFloat()) // pow(-0, 0.5) is +0, pow(-inf, 0.5) is +inf
    return select(x == -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(),
                  sqrt(x + 0.0));
  if (n == -1.0 && x.isFloat())
    return 1.0 / x;
  return {};
}

Value PowOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  auto [x, y] = operandsOf(*this, b, loc, args);
  // An integer to a float power goes through f64, and saturates where products would wrap.
  if (std::optional<double> n = constantScalar(getB()); n && (x.isFloat() || !y.isFloat()))
    if (Value power = powConstant(x, *n))
      return power;
  if (!x.isFloat() && !y.isFloat())
    return powInt(x, y);
  if (x.isFloat() && x.width() == 32) {
    // pow of f32 goes through f64 anyway, which holds integer exponents to 53 bits.
    Type wide = b.getF64Type();
    return powForF32(x.to(wide), y.to(wide)).to(x.scalarType());
  }
  Element power = pow(x.to(b.getF64Type()), y.to(b.getF64Type()));
  if (x.isFloat())
    return power;
  // Rounding may leave an integer power an ulp too small, which truncation would make a whole unit.
  Element nearest = roundEven(power);
  power = select(abs(power - nearest) <= abs(power) * 1e-13, nearest, power);
  return power.to(x.scalarType(), x.isUnsigned);
}

//===- Bits --------------------------------------------------------------===//

LogicalResult BitShiftOp::evaluate(Evaluation &io) {
  bool left = getDirection() == ShiftDirection::Left;
  uint64_t width = 8 * sizeOf(io.result().type());
  return evaluateBinary(io, [=](auto a, auto b) -> uint64_t {
    auto value = static_cast<uint64_t>(a), amount = static_cast<uint64_t>(b);
    return amount >= width ? 0 : left ? value << amount : value >> amount;
  });
}

Value BitShiftOp::buildElement(OpBuilder &b, Location loc, ValueRange args) {
  auto [x, y] = operandsOf(*this, b, loc, args);
  Element inside = y < y.constantInt(x.width()), amount = select(inside, y, y.constantInt(0));
  return select(inside, getDirection() == ShiftDirection::Left ? x << amount : x >> amount, x.constantInt(0));
}

/// The bitwise ops and those of logic, which work on 0 and 1.
template <typename F> static LogicalResult evaluateBits(Evaluation &io, F f) {
  return evaluateBinary(io, [=](auto a, auto b) { return f(static_cast<uint64_t>(a), static_cast<uint64_t>(b)); });
}

LogicalResult BitwiseAndOp::evaluate(Evaluation &io) { return evaluateBits(io, std::bit_and<uint64_t>()); }
LogicalResult BitwiseOrOp::evaluate(Evaluation &io) { return evaluateBits(io, std::bit_or<uint64_t>()); }
LogicalResult BitwiseXorOp::evaluate(Evaluation &io) { return evaluateBits(io, std::bit_xor<uint64_t>()); }
LogicalResult AndOp::evaluate(Evaluation &io) { return evaluateBits(io, std::bit_and<uint64_t>()); }
LogicalResult OrOp::evaluate(Evaluation &io) { return evaluateBits(io, std::bit_or<uint64_t>()); }
LogicalResult XorOp::evaluate(Evaluation &io) { return evaluateBits(io, std::bit_xor<uint64_t>()); }

static Value buildAnd(OpBuilder &b, Location loc, ValueRange args) {
  return Element(b, loc, args[0]) & Element(b, loc, args[1]);
}
static Value buildOr(OpBuilder &b, Location loc, ValueRange args) {
  return Element(b, loc, args[0]) | Element(b, loc, args[1]);
}
static Value buildXor(OpBuilder &b, Location loc, ValueRange args) {
  return Element(b, loc, args[0]) ^ Element(b, loc, args[1]);
}

Value BitwiseAndOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return buildAnd(b, loc, args); }
Value BitwiseOrOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return buildOr(b, loc, args); }
Value BitwiseXorOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return buildXor(b, loc, args); }
Value AndOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return buildAnd(b, loc, args); }
Value OrOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return buildOr(b, loc, args); }
Value XorOp::buildElement(OpBuilder &b, Location loc, ValueRange args) { return buildXor(b, loc, args); }
