// Operators create arith and math ops and choose float, signed or unsigned by type; edge cases are selects.
#include "ir/ops/Element.h"
#include "ir/ops/Activation.h"
#include "ir/ops/Arithmetic.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace sinter::nn {

static Type withScalar(Type like, Type scalar) {
  if (auto vector = dyn_cast<VectorType>(like))
    return vector.clone(scalar);
  return scalar;
}

template <typename Op, typename... Args> static Element make(Element like, Args... args) {
  return like.with(Op::create(*like.builder, like.loc, args...));
}

Element elementOf(OpBuilder &builder, Location loc, Value argument, Value operand) {
  return Element(builder, loc, argument, getElementTypeOrSelf(operand.getType()).isUnsignedInteger());
}

Type Element::scalarType() const { return getElementTypeOrSelf(type()); }

static Element constantOf(Element like, TypedAttr scalar) {
  TypedAttr value = scalar;
  if (auto vector = dyn_cast<VectorType>(like.type()))
    value = DenseElementsAttr::get(vector, {static_cast<Attribute>(scalar)});
  return make<arith::ConstantOp>(like, value);
}

Element Element::constant(double number) const {
  if (isFloat())
    return constantOf(*this, FloatAttr::get(scalarType(), number));
  return constantInt(static_cast<int64_t>(number));
}

Element Element::constantInt(int64_t number) const {
  llvm::APInt bits(width(), static_cast<uint64_t>(number), false, /*implicitTrunc=*/true);
  return constantOf(*this, IntegerAttr::get(scalarType(), bits));
}

Element Element::asFloat() const {
  Type scalar = width() == 64 ? Type(builder->getF64Type()) : Type(builder->getF32Type());
  return with(arith::BitcastOp::create(*builder, loc, withScalar(type(), scalar), value));
}

Element Element::asInt() const {
  Type scalar = builder->getIntegerType(width());
  return Element(*builder, loc, arith::BitcastOp::create(*builder, loc, withScalar(type(), scalar), value));
}

/// LLVM leaves values outside the range undefined, so they are taken out first. Bounds are exact in f32 and
/// f64 or not needed: truncation maps (min - 1, max + 1) to [min, max], and where min - 1 is not a float
/// there is none between it and min.
static Element floatToInt(Element x, Type scalar, bool toUnsigned) {
  unsigned width = scalar.getIntOrFloatBitWidth();
  double top = std::ldexp(1.0, static_cast<int>(toUnsigned ? width : width - 1)), bottom = toUnsigned ? 0.0 : -top;
  bool exact = width < (x.width() == 64 ? 53u : 24u);
  Element low = exact ? x > bottom - 1 : x >= bottom, high = x < top;
  Element safe = select(low & high, x, 0.0);
  Type type = withScalar(x.type(), scalar);
  Value converted = toUnsigned ? Value(arith::FPToUIOp::create(*x.builder, x.loc, type, safe))
                               : Value(arith::FPToSIOp::create(*x.builder, x.loc, type, safe));
  Element result(*x.builder, x.loc, converted, toUnsigned);
  llvm::APInt max = toUnsigned ? llvm::APInt::getMaxValue(width) : llvm::APInt::getSignedMaxValue(width);
  llvm::APInt min = toUnsigned ? llvm::APInt::getMinValue(width) : llvm::APInt::getSignedMinValue(width);
  result = select(x >= top, result.constantInt(max.getSExtValue()), result);
  return select(x <= (exact ? bottom - 1 : bottom), result.constantInt(min.getSExtValue()), result);
}

Element Element::to(Type scalar, bool toUnsigned) const {
  Type target = withScalar(type(), scalar);
  auto result = [&](Value converted) { return Element(*builder, loc, converted, toUnsigned); };
  if (scalar == scalarType())
    return result(value);
  unsigned from = width(), into = scalar.getIntOrFloatBitWidth();
  if (scalar.isInteger(1)) {
    if (isFloat())
      return result(arith::CmpFOp::create(*builder, loc, arith::CmpFPredicate::UNE, value, constant(0)));
    return result(arith::CmpIOp::create(*builder, loc, arith::CmpIPredicate::ne, value, constantInt(0)));
  }
  if (isa<FloatType>(scalar)) {
    if (isFloat())
      return result(into > from ? Value(arith::ExtFOp::create(*builder, loc, target, value))
                                : Value(arith::TruncFOp::create(*builder, loc, target, value)));
    return result(isUnsigned || isBool() ? Value(arith::UIToFPOp::create(*builder, loc, target, value))
                                         : Value(arith::SIToFPOp::create(*builder, loc, target, value)));
  }
  if (isFloat())
    return floatToInt(*this, scalar, toUnsigned);
  if (into < from)
    return result(arith::TruncIOp::create(*builder, loc, target, value));
  return result(isUnsigned || isBool() ? Value(arith::ExtUIOp::create(*builder, loc, target, value))
                                       : Value(arith::ExtSIOp::create(*builder, loc, target, value)));
}

//===- Arithmetic --------------------------------------------------------===//

/// Whether the operands fit together: this holds for all arithmetic.
[[maybe_unused]] static bool canCompute(Element a, Element b) {
  return a.type() == b.type() && !(a.isFloat() && a.width() < 32);
}

Element operator+(Element a, Element b) {
  assert(canCompute(a, b) && "elements compute in one type, and floats of 16 bits in f32");
  return a.isFloat() ? make<arith::AddFOp>(a, a.value, b.value) : make<arith::AddIOp>(a, a.value, b.value);
}

Element operator-(Element a, Element b) {
  assert(canCompute(a, b) && "elements compute in one type, and floats of 16 bits in f32");
  return a.isFloat() ? make<arith::SubFOp>(a, a.value, b.value) : make<arith::SubIOp>(a, a.value, b.value);
}

Element operator*(Element a, Element b) {
  assert(canCompute(a, b) && "elements compute in one type, and floats of 16 bits in f32");
  return a.isFloat() ? make<arith::MulFOp>(a, a.value, b.value) : make<arith::MulIOp>(a, a.value, b.value);
}

Element operator/(Element a, Element b) {
  assert(canCompute(a, b) && "elements compute in one type, and floats of 16 bits in f32");
  if (a.isFloat())
    return make<arith::DivFOp>(a, a.value, b.value);
  Element zero = b == b.constantInt(0);
  if (a.isUnsigned)
    return select(zero, a.constantInt(0), make<arith::DivUIOp>(a, a.value, select(zero, b.constantInt(1), b).value));
  Element minusOne = b == b.constantInt(-1);
  Element quotient = make<arith::DivSIOp>(a, a.value, select(zero | minusOne, b.constantInt(1), b).value);
  return select(zero, a.constantInt(0), select(minusOne, -a, quotient));
}

Element operator%(Element a, Element b) { return select(b == b.constantInt(0), a.constantInt(0), a - a / b * b); }

Element operator-(Element a) { return a.isFloat() ? make<arith::NegFOp>(a, a.value) : a.constantInt(0) - a; }

Element operator&(Element a, Element b) { return make<arith::AndIOp>(a, a.value, b.value); }
Element operator|(Element a, Element b) { return make<arith::OrIOp>(a, a.value, b.value); }
Element operator^(Element a, Element b) { return make<arith::XOrIOp>(a, a.value, b.value); }
Element operator~(Element a) { return a ^ a.constantInt(-1); }
Element operator<<(Element a, Element amount) { return make<arith::ShLIOp>(a, a.value, amount.value); }

Element operator>>(Element a, Element amount) {
  return a.isUnsigned ? make<arith::ShRUIOp>(a, a.value, amount.value) : make<arith::ShRSIOp>(a, a.value, amount.value);
}

//===- Comparison --------------------------------------------------------===//

static Element compare(Element a, Element b, arith::CmpFPredicate ofFloats, arith::CmpIPredicate ofSigned,
                       arith::CmpIPredicate ofUnsigned) {
  assert(canCompute(a, b) && "elements compute in one type, and floats of 16 bits in f32");
  if (a.isFloat())
    return make<arith::CmpFOp>(a, ofFloats, a.value, b.value);
  return make<arith::CmpIOp>(a, a.isUnsigned || a.isBool() ? ofUnsigned : ofSigned, a.value, b.value);
}

Element operator<(Element a, Element b) {
  return compare(a, b, arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt, arith::CmpIPredicate::ult);
}

Element operator<=(Element a, Element b) {
  return compare(a, b, arith::CmpFPredicate::OLE, arith::CmpIPredicate::sle, arith::CmpIPredicate::ule);
}

Element operator==(Element a, Element b) {
  return compare(a, b, arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq, arith::CmpIPredicate::eq);
}

Element isNan(Element x) {
  if (x.isFloat())
    return make<arith::CmpFOp>(x, arith::CmpFPredicate::UNO, x.value, x.value);
  return make<arith::CmpIOp>(x, arith::CmpIPredicate::ne, x.value, x.value);
}

Element select(Element condition, Element a, Element b) {
  assert(condition.isBool() && "a condition is an i1");
  assert(a.type() == b.type() && "a selection is between elements of one type");
  return make<arith::SelectOp>(a, condition.value, a.value, b.value);
}

//===- Functions ---------------------------------------------------------===//

Element mulAdd(Element a, Element b, Element c) {
  auto flags = arith::FastMathFlagsAttr::get(a.value.getContext(), arith::FastMathFlags::contract);
  Element product = make<arith::MulFOp>(a, a.value, b.value, flags);
  return make<arith::AddFOp>(a, product.value, c.value, flags);
}

Element quotient(Element a, Element b) {
  using Flags = arith::FastMathFlags;
  auto flags = arith::FastMathFlagsAttr::get(a.value.getContext(), Flags::arcp | Flags::contract | Flags::ninf);
  return make<arith::DivFOp>(a, a.value, b.value, flags);
}

Element polynomial(Element x, llvm::ArrayRef<double> c) {
  assert(!c.empty() && "a polynomial has a coefficient");
  Element sum = x.constant(c.back());
  for (double coefficient : llvm::reverse(c.drop_back()))
    sum = mulAdd(sum, x, coefficient);
  return sum;
}

Element abs(Element x) {
  if (x.isFloat())
    return make<math::AbsFOp>(x, x.value);
  return x.isUnsigned ? x : select(x < x.constantInt(0), -x, x);
}

Element sqrt(Element x) { return make<math::SqrtOp>(x, x.value); }
Element floor(Element x) { return make<math::FloorOp>(x, x.value); }
Element ceil(Element x) { return make<math::CeilOp>(x, x.value); }
Element roundEven(Element x) { return make<math::RoundEvenOp>(x, x.value); }
Element largerOrNan(Element a, Element b) { return make<arith::MaximumFOp>(a, a.value, b.value); }
Element smallerOrNan(Element a, Element b) { return make<arith::MinimumFOp>(a, a.value, b.value); }

bool isSelectedFrom(Value value) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    return user->getBlock() == value.getParentBlock() && isa<ThresholdedReluOp, ShrinkOp, WhereOp>(user);
  });
}

/// x is not negative. Not llvm.copysign, nor what LLVM takes for it: of a sign that was rounded from f64 it would round
/// the f64 to a half, for which there is a library call alone.
Element copySign(Element x, Element y) {
  int64_t sign = x.width() == 64 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int32_t>::min();
  Element bits = x.asInt();
  return (bits ^ (y.asInt() & bits.constantInt(sign))).asFloat();
}

} // namespace sinter::nn
