// Quantisation of ONNX: nn.quantize and nn.dequantize where they have the types, else casts and arithmetic; products
// that are exact in integers. nn-form-integer-kernels finds what can be computed in bytes.
#include "ir/ops/Quantisation.h"
#include "ir/onnx/Compose.h"
#include "ir/onnx/ValueCheck.h"
#include "ir/onnx/Window.h"
#include "ir/ops/Convolution.h"
#include "ir/ops/Math.h"
#include "ir/ops/Reduction.h"
#include "runtime/TensorProto.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

namespace {

/// The floats that hold all values of a quantised type and of its differences: f32 up to 16 bits.
DType computedIn(DType quantised, DType scale) {
  return bitsOf(quantised) > 16 || scale == DType::F64 ? DType::F64 : DType::F32;
}

class Quantiser : public Compose {
public:
  using Compose::Compose;

  /// A scale or zero point in the shape in which it broadcasts to x: one for all, one per index of `axis`, or one per
  /// block of `block` indices. Null after an error.
  Value spread(Value parameter, Value x, int64_t axis, int64_t block);
  /// round(x / scale) + zeroPoint, saturated to `type`.
  Value quantised(Value x, Value scale, Value zeroPoint, DType type);
  /// The product of scales and what it multiplies, as QLinearMatMul and QLinearConv end.
  Value requantised(Value products, ArrayRef<Value> scales, Value yScale, Value yZeroPoint);
  /// x - zeroPoint in `type`; the zero point may be absent.
  Value centred(Value x, Value zeroPoint, DType type) {
    Value wide = cast(x, type);
    return zeroPoint ? sub(wide, cast(zeroPoint, type)) : wide;
  }
};

} // namespace

Value Quantiser::spread(Value parameter, Value x, int64_t axis, int64_t block) {
  if (!parameter)
    return parameter;
  int64_t count = rank(parameter), dims = rank(x);
  if (block == 0 && (count == 0 || (count == 1 && dim(parameter, 0) == 1)))
    return count == 0 ? parameter : reshape(parameter, {});
  std::optional<int64_t> normal = normaliseAxis(axis, dims);
  if (!normal || count != (block == 0 ? 1 : dims)) {
    (void)n.invalid("has a scale or zero point of rank " + Twine(count) + " for an operand of rank " + Twine(dims) +
                    " and axis " + Twine(axis));
    return {};
  }
  SmallVector<int64_t> shape(static_cast<size_t>(dims), 1);
  if (block == 0) {
    shape[*normal] = -1;
    return reshape(parameter, shape);
  }
  if (!isStatic(parameter) || ShapedType::isDynamic(dim(x, *normal))) {
    (void)n.unsupported("quantisation by blocks needs known shapes");
    return {};
  }
  int64_t blocks = dim(parameter, *normal), size = dim(x, *normal), whole;
  if (block < 1 || __builtin_mul_overflow(blocks, block, &whole) || whole < size) {
    (void)n.invalid("has " + Twine(blocks) + " blocks of " + Twine(block) + " for " + Twine(size) + " elements");
    return {};
  }
  // Every block's parameter `block` times in a row.
  SmallVector<int64_t> repeats(static_cast<size_t>(dims) + 1, 1);
  repeats[*normal + 1] = block;
  SmallVector<int64_t> merged(rankedType(parameter).getShape());
  merged[*normal] = whole;
  Value repeated = reshape(expand(unsqueeze(parameter, *normal + 1), repeats), merged);
  return whole == size ? repeated : slice(repeated, *normal, 0, size);
}

Value Quantiser::quantised(Value x, Value scale, Value zeroPoint, DType type) {
  bool hasOp = typeOf(x) == DType::F32 && typeOf(scale) == DType::F32 && (bitsOf(type) == 8 || bitsOf(type) == 16);
  if (hasOp && !zeroPoint)
    zeroPoint = cast(number(0, scale), type);
  if (hasOp)
    return n.create<QuantizeOp>(x, scale, zeroPoint);
  Value whole = round(div(x, scale));
  if (zeroPoint)
    whole = add(whole, castLike(zeroPoint, whole));
  unsigned bits = bitsOf(type) - (isUnsigned(type) ? 0 : 1);
  double top = std::ldexp(1.0, static_cast<int>(bits));
  return cast(clip(whole, isUnsigned(type) ? 0 : -top, top - 1), type);
}

Value Quantiser::requantised(Value products, ArrayRef<Value> scales, Value yScale, Value yZeroPoint) {
  Value factor;
  for (Value scale : scales)
    factor = factor ? mul(factor, cast(scale, DType::F32)) : cast(scale, DType::F32);
  Value scale = spread(cast(yScale, DType::F32), products, 0, 0), zeroPoint = spread(yZeroPoint, products, 0, 0);
  if (!scale || (yZeroPoint && !zeroPoint))
    return {};
  Value y = mul(cast(products, DType::F32), div(factor, scale));
  return quantised(y, number(1, y), zeroPoint, typeOf(yZeroPoint));
}

/// A type attribute by number; `fallback` where it is absent or 0. Nothing after an error.
static std::optional<DType> typeAttr(NodeImporter &n, StringRef name, DType fallback) {
  int64_t number = n.intAttr(name, 0);
  if (number == 0)
    return fallback;
  Expected<DType> type = typeFromOnnx(static_cast<int32_t>(std::clamp<int64_t>(number, 0, INT32_MAX)));
  if (type)
    return *type;
  (void)n.unsupported(type.failure().message);
  return std::nullopt;
}

//===- QuantizeLinear, DequantizeLinear ------------------------------------===//

static LogicalResult importQuantize(NodeImporter &n) {
  if (failed(n.expectInputs(2, 3)))
    return failure();
  Quantiser q(n);
  Value x = n.input(0), scale = n.input(1), zeroPoint = n.input(2);
  warnOfScale(n, scale);
  int64_t axis = n.opset >= 13 ? n.intAttr("axis", 1) : 1;
  int64_t block = n.opset >= 21 ? n.intAttr("block_size", 0) : 0;
  bool saturate = n.opset < 19 || n.intAttr("saturate", 1) != 0;
  DType type = zeroPoint ? q.typeOf(zeroPoint) : DType::U8;
  if (n.opset >= 21 && !zeroPoint) {
    std::optional<DType> asked = typeAttr(n, "output_dtype", DType::U8);
    if (!asked)
      return failure();
    type = *asked;
  } else if (n.opset >= 21) {
    n.ignoreAttr("output_dtype"); // the zero point's
  }
  if (isFloat(type) && !isSmallFloat(type))
    return n.invalid("quantises to the type " + Twine(nameOf(type).data()));
  std::optional<DType> precision = q.typeOf(scale);
  if (n.opset >= 23)
    precision = typeAttr(n, "precision", *precision);
  if (!precision)
    return failure();
  if (!isFloat(*precision))
    return n.unsupported("has a scale of type " + Twine(nameOf(*precision).data()));
  DType wide = isSmallFloat(*precision) ? DType::F32 : *precision;
  Value divisor = q.spread(q.cast(scale, wide), x, axis, block), zero = q.spread(zeroPoint, x, axis, block);
  if (!divisor || (zeroPoint && !zero))
    return failure();
  if (!isSmallFloat(type))
    return n.finish(q.quantised(q.cast(x, wide), divisor, zero, type));
  Value ratio = q.div(q.cast(x, wide), divisor);
  // The zero point of a float is 0.
  return n.finish({n.create<CastOp>(ratio, toMlir(type, n.builder.getContext()), saturate)});
}

static LogicalResult importDequantize(NodeImporter &n) {
  if (failed(n.expectInputs(2, 3)))
    return failure();
  Quantiser q(n);
  Value x = n.input(0), scale = n.input(1), zeroPoint = n.input(2);
  warnOfScale(n, scale);
  int64_t axis = n.opset >= 13 ? n.intAttr("axis", 1) : 1;
  int64_t block = n.opset >= 21 ? n.intAttr("block_size", 0) : 0;
  std::optional<DType> type = q.typeOf(scale);
  if (n.opset >= 23)
    type = typeAttr(n, "output_dtype", *type);
  if (!type)
    return failure();
  if (!isFloat(*type) || isSmallFloat(*type))
    return n.unsupported("dequantises to the type " + Twine(nameOf(*type).data()));
  DType wide = computedIn(q.typeOf(x), *type);
  Value factor = q.spread(q.cast(scale, wide), x, axis, block), zero = q.spread(zeroPoint, x, axis, block);
  if (!factor || (zeroPoint && !zero))
    return failure();
  DType from = q.typeOf(x);
  bool hasOp = wide == DType::F32 && !isFloat(from) && (bitsOf(from) == 8 || bitsOf(from) == 16);
  if (hasOp && !zero)
    zero = q.cast(q.number(0, factor), from);
  Value y = hasOp ? n.create<DequantizeOp>(x, factor, zero) : q.mul(q.centred(x, zero, wide), factor);
  return n.finish(q.cast(y, *type));
}

/// y_scale = (max(x, 0) - min(x, 0)) / 255, so that 0 is a quantised value.
static LogicalResult importDynamicQuantize(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Quantiser q(n);
  Value x = n.input(0), none;
  BoolAttr drop = n.builder.getBoolAttr(false);
  Value zero = q.number(0, x);
  Value top = q.max(n.create<ReduceMaxOp>(x, none, drop, UnitAttr()), zero);
  Value bottom = q.min(n.create<ReduceMinOp>(x, none, drop, UnitAttr()), zero);
  Value scale = q.div(q.sub(top, bottom), 255);
  Value zeroPoint = q.quantised(q.neg(bottom), scale, Value(), DType::U8);
  return n.finish({q.quantised(x, scale, zeroPoint, DType::U8), scale, zeroPoint});
}

//===- Products of integers ------------------------------------------------===//

/// A zero point or scale per row of A (or column of B) as it broadcasts: [M] to [M, 1].
static Value perRow(Quantiser &q, Value parameter, bool isRow) {
  if (!parameter || q.rank(parameter) != 1)
    return parameter;
  if (q.dim(parameter, 0) == 1)
    return q.reshape(parameter, {});
  return isRow ? q.unsqueeze(parameter, 1) : parameter;
}

static LogicalResult importMatMulInteger(NodeImporter &n) {
  if (failed(n.expectInputs(2, 4)))
    return failure();
  Quantiser q(n);
  Value a = q.centred(n.input(0), perRow(q, n.input(2), true), DType::I32);
  Value b = q.centred(n.input(1), perRow(q, n.input(3), false), DType::I32);
  return n.finish(q.matmul(a, b));
}

static LogicalResult importQLinearMatMul(NodeImporter &n) {
  if (failed(n.expectInputs(8, 8)))
    return failure();
  for (int i : {1, 4, 6})
    warnOfScale(n, n.input(i));
  Quantiser q(n);
  Value a = q.centred(n.input(0), perRow(q, n.input(2), true), DType::I32);
  Value b = q.centred(n.input(3), perRow(q, n.input(5), false), DType::I32);
  if (isFloat(q.typeOf(n.input(7))))
    return n.unsupported("quantises to a floating-point type");
  Value scales[] = {perRow(q, n.input(1), true), perRow(q, n.input(4), false)};
  Value y = q.requantised(q.matmul(a, b), scales, n.input(6), n.input(7));
  return n.finish(y);
}

/// The convolution of centred integers: in f64, in which sums of less than 2^37 products of 16 bits are exact.
static Value convolve(NodeImporter &n, Quantiser &q, Value x, Value xZero, Value w, Value wZero) {
  Value weightZero = q.spread(wZero, w, 0, 0);
  if (wZero && !weightZero)
    return {};
  Value centredX = q.centred(x, q.spread(xZero, x, 0, 0), DType::F64);
  Value centredW = q.centred(w, weightZero, DType::F64);
  n.ignoreAttr("kernel_shape"); // that of w
  return n.create<ConvOp>(centredX, centredW, Value(), arrayAttr(n, "strides"), arrayAttr(n, "dilations"),
                          arrayAttr(n, "pads"), autoPadAttr(n), n.builder.getI64IntegerAttr(n.intAttr("group", 1)));
}

static LogicalResult importConvInteger(NodeImporter &n) {
  if (failed(n.expectInputs(2, 4)))
    return failure();
  Quantiser q(n);
  Value y = convolve(n, q, n.input(0), n.input(2), n.input(1), n.input(3));
  return y ? n.finish(q.cast(y, DType::I32)) : failure();
}

static LogicalResult importQLinearConv(NodeImporter &n) {
  if (failed(n.expectInputs(8, 9)))
    return failure();
  for (int i : {1, 4, 6})
    warnOfScale(n, n.input(i));
  Quantiser q(n);
  Value y = convolve(n, q, n.input(0), n.input(2), n.input(3), n.input(5));
  if (!y)
    return failure();
  if (isFloat(q.typeOf(n.input(7))))
    return n.unsupported("quantises to a floating-point type");
  Value wScale = q.spread(n.input(4), y, 1, 0);
  if (Value bias = n.input(8))
    y = q.add(y, q.spread(q.cast(bias, DType::F64), y, 1, 0));
  if (n.problem())
    return failure();
  Value scales[] = {q.spread(n.input(1), y, 1, 0), wScale};
  return n.finish(q.requantised(y, scales, n.input(6), n.input(7)));
}

void registerQuantisationImporters(ImporterTable &table) {
  table.add("QuantizeLinear", importQuantize, {10, "f32", "scales by block need known shapes"});
  table.add("DequantizeLinear", importDequantize,
            {10, "f4e2m1, f8e4m3fn, f8e5m2, i16, i2, i4, u16, u2, u4, u8", "scales by block need known shapes"});
  table.add("DynamicQuantizeLinear", importDynamicQuantize, {11, "f32"});
  table.add("MatMulInteger", importMatMulInteger, {10, "u8"});
  table.add("QLinearMatMul", importQLinearMatMul, {10, "i8, u8", "zero points by block need known shapes"});
  table.add("ConvInteger", importConvInteger, {10, "i8, u8", "zero points by block need known shapes"});
  table.add("QLinearConv", importQLinearConv, {10, "u8", "zero points by block need known shapes"});
}

} // namespace sinter::nn
