// Loads and stores of elements: between the types of memory (i16 for f16 and bf16, i8 for bool and what has less
// bits than a byte) and those of arithmetic.
#include "codegen/emit/Elements.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "runtime/SmallFloat.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace sinter::codegen {
namespace {

/// Integer and float arithmetic on scalars or vectors of one length, spelled short.
struct Bits {
  ImplicitLocOpBuilder &b;
  Type like; ///< gives the shape

  Type type(Type element) const {
    auto vector = dyn_cast<VectorType>(like);
    return vector ? Type(VectorType::get(vector.getShape(), element)) : element;
  }
  Value i32(uint32_t value) const {
    Attribute attribute = b.getIntegerAttr(b.getI32Type(), static_cast<int32_t>(value));
    if (auto vector = dyn_cast<VectorType>(like))
      attribute = DenseElementsAttr::get(VectorType::get(vector.getShape(), b.getI32Type()), attribute);
    return arith::ConstantOp::create(b, cast<TypedAttr>(attribute));
  }
  Value asFloat(Value v) const { return arith::BitcastOp::create(b, type(b.getF32Type()), v); }
  Value asInt(Value v) const { return arith::BitcastOp::create(b, type(b.getI32Type()), v); }
  Value widen(Value v) const { return arith::ExtUIOp::create(b, type(b.getI32Type()), v); }
  Value narrow(Value v) const { return arith::TruncIOp::create(b, type(b.getI16Type()), v); }
  Value bitAnd(Value v, uint32_t mask) const { return arith::AndIOp::create(b, v, i32(mask)); }
  Value bitOr(Value v, Value w) const { return arith::OrIOp::create(b, v, w); }
  Value left(Value v, uint32_t n) const { return arith::ShLIOp::create(b, v, i32(n)); }
  Value right(Value v, uint32_t n) const { return arith::ShRUIOp::create(b, v, i32(n)); }
  Value plus(Value v, Value w) const { return arith::AddIOp::create(b, v, w); }
  Value atLeast(Value v, uint32_t bound) const {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::uge, v, i32(bound));
  }
  Value select(Value c, Value v, Value w) const { return arith::SelectOp::create(b, c, v, w); }
  /// v rounded to nearest even at bit n, shifted right by n.
  Value roundedRight(Value v, uint32_t n) const {
    Value odd = bitAnd(right(v, n), 1);
    return right(plus(plus(v, i32((1u << (n - 1)) - 1)), odd), n);
  }
};

/// f16 bits to f32: exponents are rebiased, subnormals are counts of 2^-24, infinities and NaNs keep their
/// mantissa.
Value widenHalf(const Bits &o, Value bits) {
  Value h = o.widen(bits), magnitude = o.bitAnd(h, 0x7fff), shifted = o.left(magnitude, 13);
  Value normal = o.plus(shifted, o.i32(112u << 23));
  Value special = o.bitOr(shifted, o.i32(0x7f800000));
  Value count = arith::SIToFPOp::create(o.b, o.type(o.b.getF32Type()), magnitude);
  Value unit = o.asFloat(o.i32((127u - 24) << 23));
  Value tiny = o.asInt(arith::MulFOp::create(o.b, count, unit));
  Value finite = o.select(o.atLeast(magnitude, 0x400), normal, tiny);
  Value result = o.select(o.atLeast(magnitude, 0x7c00), special, finite);
  return o.asFloat(o.bitOr(result, o.left(o.bitAnd(h, 0x8000), 16)));
}

/// f32 to f16 bits, to nearest even.
Value narrowHalf(const Bits &o, Value value) {
  Value bits = o.asInt(value), magnitude = o.bitAnd(bits, 0x7fffffff);
  Value normal = o.roundedRight(o.plus(magnitude, o.i32(-(112u << 23))), 13);
  // Adding 0.5 leaves the count of 2^-24 in the low mantissa bits, rounded by the addition.
  Value half = o.asFloat(o.i32(0x3f000000));
  Value sum = arith::AddFOp::create(o.b, o.asFloat(magnitude), half);
  Value tiny = o.plus(o.asInt(sum), o.i32(-0x3f000000u));
  Value nan = o.bitOr(o.bitAnd(o.right(magnitude, 13), 0x3ff), o.i32(0x7e00));
  Value result = o.select(o.atLeast(magnitude, 0x38800000), normal, tiny);
  result = o.select(o.atLeast(magnitude, 0x477ff000), o.i32(0x7c00), result);
  result = o.select(o.atLeast(magnitude, 0x7f800001), nan, result);
  return o.narrow(o.bitOr(result, o.bitAnd(o.right(bits, 16), 0x8000)));
}

Value narrowBfloat(const Bits &o, Value value) {
  Value bits = o.asInt(value);
  Value nan = o.bitOr(o.right(bits, 16), o.i32(0x40));
  Value isNan = o.atLeast(o.bitAnd(bits, 0x7fffffff), 0x7f800001);
  return o.narrow(o.select(isNan, nan, o.roundedRight(bits, 16)));
}

/// f16 or bf16 in memory to f32.
Value widen(const Bits &o, Value bits, Type element, bool hasHalf) {
  if (element.isBF16())
    return o.asFloat(o.left(o.widen(bits), 16));
  if (!hasHalf)
    return widenHalf(o, bits);
  Value half = arith::BitcastOp::create(o.b, o.type(o.b.getF16Type()), bits);
  return arith::ExtFOp::create(o.b, o.type(o.b.getF32Type()), half);
}

/// f32 to f16 or bf16 as in memory.
Value narrow(const Bits &o, Value value, Type element, bool hasHalf) {
  if (element.isBF16())
    return narrowBfloat(o, value);
  // LLVM makes one conversion of one from f64 to f32 and one to f16: it rounds otherwise, and is a call that nothing
  // defines.
  if (!hasHalf || value.getDefiningOp<arith::TruncFOp>())
    return narrowHalf(o, value);
  Value half = arith::TruncFOp::create(o.b, o.type(o.b.getF16Type()), value);
  return arith::BitcastOp::create(o.b, o.type(o.b.getI16Type()), half);
}

constexpr uint32_t nanBits = 0x7fc00000;

/// 8 and 4 bits to f32 (runtime/SmallFloat.h), the way of f16.
Value widenSmall(const Bits &o, Value bits, DType type) {
  Value h = o.widen(bits);
  if (type == DType::F8E8M0) {
    Value power = o.select(o.atLeast(h, 1), o.left(h, 23), o.i32(1u << 22));
    return o.asFloat(o.select(o.atLeast(h, 255), o.i32(nanBits), power));
  }
  SmallFloat format = formatOf(type);
  int unit = 1 - format.bias - static_cast<int>(format.fractionBits);
  Value magnitude = o.bitAnd(h, format.signBit - 1), shifted = o.left(magnitude, 23 - format.fractionBits);
  Value normal = o.plus(shifted, o.i32(static_cast<uint32_t>(127 - format.bias) << 23));
  Value count = arith::SIToFPOp::create(o.b, o.type(o.b.getF32Type()), magnitude);
  Value tiny = o.asInt(arith::MulFOp::create(o.b, count, o.asFloat(o.i32(static_cast<uint32_t>(127 + unit) << 23))));
  Value result = o.select(o.atLeast(magnitude, 1u << format.fractionBits), normal, tiny);
  if (type == DType::F8E5M2)
    result = o.select(o.atLeast(magnitude, format.overflow), o.bitOr(shifted, o.i32(0x7f800000)), result);
  if (type == DType::F8E4M3FN)
    result = o.select(o.atLeast(magnitude, format.nan), o.i32(nanBits), result);
  Value sign = o.left(o.bitAnd(h, format.signBit), 31 - llvm::Log2_32(format.signBit));
  result = o.bitOr(result, sign);
  if (format.isUnsignedZero) {
    Value isNan = arith::CmpIOp::create(o.b, arith::CmpIPredicate::eq, h, o.i32(format.nan));
    result = o.select(isNan, o.i32(nanBits), result);
  }
  return o.asFloat(result);
}

/// f32 to 8 or 4 bits, to nearest even; powers of two upwards.
Value narrowSmall(const Bits &o, Value value, DType type) {
  auto toByte = [&](Value v) { return arith::TruncIOp::create(o.b, o.type(o.b.getI8Type()), v); };
  Value bits = o.asInt(value), magnitude = o.bitAnd(bits, 0x7fffffff);
  Value isNan = o.atLeast(magnitude, 0x7f800001);
  if (type == DType::F8E8M0) {
    Value exponent = o.right(o.plus(magnitude, o.i32(0x7fffff)), 23);
    exponent = o.select(o.atLeast(magnitude, (1u << 22) + 1), exponent, o.i32(0));
    return toByte(o.select(o.atLeast(exponent, 255), o.i32(255), exponent));
  }
  SmallFloat format = formatOf(type);
  auto fractionBits = static_cast<int>(format.fractionBits);
  Value normal = o.roundedRight(o.plus(magnitude, o.i32(-(static_cast<uint32_t>(127 - format.bias) << 23))),
                                23 - format.fractionBits);
  // A number whose last place is that of subnormals: adding it leaves their count in the low mantissa bits.
  auto anchor = static_cast<uint32_t>(127 + 24 - format.bias - fractionBits) << 23;
  Value sum = arith::AddFOp::create(o.b, o.asFloat(magnitude), o.asFloat(o.i32(anchor)));
  Value tiny = o.plus(o.asInt(sum), o.i32(-anchor));
  auto smallestNormal = static_cast<uint32_t>(128 - format.bias) << 23;
  Value result = o.select(o.atLeast(magnitude, smallestNormal), normal, tiny);
  result = o.select(o.atLeast(result, format.largest + 1), o.i32(format.overflow), result);
  Value sign = o.left(o.right(bits, 31), llvm::Log2_32(format.signBit));
  if (format.isUnsignedZero) {
    Value isNumber = arith::CmpIOp::create(o.b, arith::CmpIPredicate::ult, result, o.i32(format.nan));
    Value isSigned = arith::AndIOp::create(o.b, isNumber, o.atLeast(result, 1));
    sign = o.select(isSigned, sign, o.i32(0));
  }
  Value nan = format.nan >= format.signBit ? o.i32(format.nan) : o.bitOr(sign, o.i32(format.nan));
  return toByte(o.select(isNan, nan, o.bitOr(result, sign)));
}

/// The type of a float of 8 or 4 bits.
std::optional<DType> smallFloat(Type element) {
  std::optional<DType> type = nn::toDType(element);
  return type && isSmallFloat(*type) ? type : std::nullopt;
}

} // namespace

Value KernelEmitter::load(const Buffer &buffer, Value offset, unsigned lanes) {
  assert(lanes > 0 && "a load has a lane");
  Type stored = storageType(buffer.element);
  Value v;
  if (lanes == 1)
    v = memref::LoadOp::create(b, buffer.memref, offset);
  else
    v = vector::LoadOp::create(b, VectorType::get({lanes}, stored), buffer.memref, offset);
  Bits o{b, v.getType()};
  if (buffer.element.isBF16() || buffer.element.isF16())
    return widen(o, v, buffer.element, target.hasHalf);
  if (buffer.element.isInteger(1))
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, v, number(v.getType(), 0));
  if (std::optional<DType> small = smallFloat(buffer.element))
    return widenSmall(o, v, *small);
  if (stored != computeType(buffer.element))
    return arith::TruncIOp::create(b, o.type(computeType(buffer.element)), v);
  return v;
}

Value roundedTo(KernelEmitter &e, Type element, Value value) {
  Bits o{e.b, value.getType()};
  return widen(o, narrow(o, value, element, e.target.hasHalf), element, e.target.hasHalf);
}

void KernelEmitter::store(const Buffer &buffer, Value offset, Value value) {
  assert(getElementTypeOrSelf(value) == computeType(buffer.element) && "elements are stored from their compute type");
  Bits o{b, value.getType()};
  if (buffer.element.isBF16() || buffer.element.isF16()) {
    value = narrow(o, value, buffer.element, target.hasHalf);
  } else if (buffer.element.isInteger(1)) {
    value = arith::ExtUIOp::create(b, o.type(b.getI8Type()), value);
  } else if (std::optional<DType> small = smallFloat(buffer.element)) {
    value = narrowSmall(o, value, *small);
  } else if (storageType(buffer.element) != computeType(buffer.element)) {
    Type byte = o.type(b.getI8Type());
    value = buffer.element.isUnsignedInteger() ? arith::ExtUIOp::create(b, byte, value).getResult()
                                               : arith::ExtSIOp::create(b, byte, value).getResult();
  }
  if (isa<VectorType>(value.getType()))
    vector::StoreOp::create(b, value, buffer.memref, offset);
  else
    memref::StoreOp::create(b, value, buffer.memref, offset);
}

} // namespace sinter::codegen
