// Expressions over the values of one element, or a vector of them: buildElement in the notation of the
// formula. Included by ops/<family>.cpp only.
#pragma once

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace sinter::nn {

/// A value with the builder that extends it. Operators build arith ops of the value's type; f16 and bf16 do
/// not occur, they compute as f32. Comparisons are false for NaN and give an i1.
class Element {
public:
  Element(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, bool isUnsigned = false)
      : builder(&builder), loc(loc), value(value), isUnsigned(isUnsigned) {}

  operator mlir::Value() const { return value; }
  mlir::Type type() const { return value.getType(); }
  /// The type without the vector.
  mlir::Type scalarType() const;
  bool isFloat() const { return llvm::isa<mlir::FloatType>(scalarType()); }
  bool isBool() const { return scalarType().isInteger(1); }
  unsigned width() const { return scalarType().getIntOrFloatBitWidth(); }

  /// Another value with this one's builder.
  Element with(mlir::Value other) const { return Element(*builder, loc, other, isUnsigned); }
  /// A constant of this type; integers wrap to the width.
  Element constant(double number) const;
  Element constantInt(int64_t number) const;
  /// These bits as a float or a signless integer of the same width.
  Element asFloat() const;
  Element asInt() const;
  /// Converted to a scalar type among f32, f64 and the integers. Integers extend by their signedness and
  /// wrap; floats truncate towards zero and saturate, NaN gives 0; to i1 is `x != 0`.
  Element to(mlir::Type scalar, bool toUnsigned = false) const;

  mlir::OpBuilder *builder;
  mlir::Location loc;
  mlir::Value value;
  bool isUnsigned;
};

/// An argument of buildElement, which stands for `operand` of the op: signedness is the operand's.
Element elementOf(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value argument, mlir::Value operand);

Element operator+(Element a, Element b);
Element operator-(Element a, Element b);
Element operator*(Element a, Element b);
/// Integers truncate; x / 0 is 0 and the smallest integer by -1 wraps, so that nothing traps.
Element operator/(Element a, Element b);
/// Integer remainder with the sign of `a`; x % 0 is 0.
Element operator%(Element a, Element b);
Element operator-(Element a);
inline Element operator+(Element a, double b) { return a + a.constant(b); }
inline Element operator-(Element a, double b) { return a - a.constant(b); }
inline Element operator*(Element a, double b) { return a * a.constant(b); }
inline Element operator/(Element a, double b) { return a / a.constant(b); }
inline Element operator+(double a, Element b) { return b.constant(a) + b; }
inline Element operator-(double a, Element b) { return b.constant(a) - b; }
inline Element operator*(double a, Element b) { return b.constant(a) * b; }
inline Element operator/(double a, Element b) { return b.constant(a) / b; }

/// Integers and i1; shift amounts below the width.
Element operator&(Element a, Element b);
Element operator|(Element a, Element b);
Element operator^(Element a, Element b);
Element operator~(Element a);
Element operator<<(Element a, Element amount);
Element operator>>(Element a, Element amount);
inline Element operator&(Element a, int64_t b) { return a & a.constantInt(b); }
inline Element operator<<(Element a, int64_t b) { return a << a.constantInt(b); }
inline Element operator>>(Element a, int64_t b) { return a >> a.constantInt(b); }

Element operator<(Element a, Element b);
Element operator<=(Element a, Element b);
Element operator==(Element a, Element b);
inline Element operator>(Element a, Element b) { return b < a; }
inline Element operator>=(Element a, Element b) { return b <= a; }
inline Element operator<(Element a, double b) { return a < a.constant(b); }
inline Element operator<=(Element a, double b) { return a <= a.constant(b); }
inline Element operator>(Element a, double b) { return a > a.constant(b); }
inline Element operator>=(Element a, double b) { return a >= a.constant(b); }
inline Element operator==(Element a, double b) { return a == a.constant(b); }
/// x != x; false for integers.
Element isNan(Element x);

Element select(Element condition, Element a, Element b);
inline Element select(Element condition, double a, Element b) { return select(condition, b.constant(a), b); }
inline Element select(Element condition, Element a, double b) { return select(condition, a, a.constant(b)); }

/// a*b + c, fused where the target has the instruction: for polynomials, whose value may differ by that
/// rounding.
Element mulAdd(Element a, Element b, Element c);
inline Element mulAdd(Element a, Element b, double c) { return mulAdd(a, b, b.constant(c)); }
inline Element mulAdd(Element a, double b, double c) { return mulAdd(a, a.constant(b), a.constant(c)); }
/// a/b to within two units in the last place, never beyond the limits of |a| <= |b|: by an estimate of 1/b and a step
/// of Newton's method where the target has that for vectors of f32. Both are finite or NaN, b and 1/b normal.
Element quotient(Element a, Element b);
/// c[0] + c[1]*x + c[2]*x^2 + ...
Element polynomial(Element x, llvm::ArrayRef<double> c);

Element abs(Element x);
Element sqrt(Element x);
Element floor(Element x);
Element ceil(Element x);
Element roundEven(Element x);
/// The larger and the smaller of floats; NaN where one is. Several instructions: for where LLVM must see that NaN
/// passes.
Element largerOrNan(Element a, Element b);
Element smallerOrNan(Element a, Element b);
/// Whether an op beside the one that makes `value` selects between it and something else by a comparison that is false
/// for NaN. LLVM takes max(max(x, c), c) of selects for max(x, c) whatever either makes of NaN (InstCombine's
/// foldSPFofSPF), so the inner one must not be a select.
bool isSelectedFrom(mlir::Value value);
/// The magnitude of x with the sign bit of y.
Element copySign(Element x, Element y);
/// `lower` where x is less, `upper` (not below it) where it is greater; NaN stays. Each select is one instruction that
/// takes a maximum or minimum.
inline Element clamp(Element x, double lower, double upper) {
  Element raised = select(x < lower, lower, x);
  return select(raised > upper, upper, raised);
}

} // namespace sinter::nn
