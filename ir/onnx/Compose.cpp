// Every method creates its op by NodeImporter::create, which infers types and stops at the first error.
#include "ir/onnx/Compose.h"
#include "ir/Diagnostics.h"
#include "ir/Ops.h"

using namespace mlir;

namespace sinter::nn {

int64_t Compose::rank(Value v) {
  RankedTensorType type = rankedType(v);
  return type ? type.getRank() : 0;
}

int64_t Compose::dim(Value v, int64_t axis) {
  RankedTensorType type = rankedType(v);
  std::optional<int64_t> normal = type ? normaliseAxis(axis, type.getRank()) : std::nullopt;
  return normal ? type.getDimSize(*normal) : ShapedType::kDynamic;
}

bool Compose::isStatic(Value v) {
  RankedTensorType type = rankedType(v);
  return type && type.hasStaticShape();
}

DType Compose::typeOf(Value v) { return toDType(elementTypeOf(v)).value_or(DType::F32); }

Value Compose::numbers(ArrayRef<double> values, Shape shape, DType type) {
  Tensor tensor(type, std::move(shape));
  storeDoubles(tensor, values);
  return n.constant(tensor);
}

Value Compose::size(Value v, int64_t axis) {
  int64_t from = normaliseAxis(axis, std::max<int64_t>(rank(v), 1)).value_or(0);
  Value dims = n.create<ShapeOp>(v, n.builder.getI64IntegerAttr(from), n.builder.getI64IntegerAttr(from + 1));
  return reshape(dims, {});
}

Value Compose::positions(Value v, int64_t axis) {
  return n.create<RangeOp>(n.scalar(0, DType::I64), size(v, axis), n.scalar(1, DType::I64));
}

Value Compose::reshape(Value v, ArrayRef<int64_t> shape) {
  return n.create<ReshapeOp>(v, n.ints(shape), n.builder.getBoolAttr(false));
}

Value Compose::reshapeLike(Value v, Value like) {
  Value shape = n.create<ShapeOp>(like, n.builder.getI64IntegerAttr(0), IntegerAttr());
  return n.create<ReshapeOp>(v, shape, n.builder.getBoolAttr(true));
}

Value Compose::unsqueeze(Value v, ArrayRef<int64_t> axes) { return n.create<UnsqueezeOp>(v, n.ints(axes)); }
Value Compose::squeeze(Value v, ArrayRef<int64_t> axes) { return n.create<SqueezeOp>(v, n.ints(axes)); }

Value Compose::transpose(Value v, ArrayRef<int64_t> perm) {
  return n.create<TransposeOp>(v, n.builder.getDenseI64ArrayAttr(perm));
}

Value Compose::expand(Value v, ArrayRef<int64_t> shape) { return n.create<ExpandOp>(v, n.ints(shape)); }

Value Compose::slice(Value v, int64_t axis, int64_t from, int64_t to, int64_t step) {
  return n.create<SliceOp>(v, n.ints(from), n.ints(to), n.ints(axis), n.ints(step));
}

Value Compose::concat(ArrayRef<Value> values, int64_t axis) { return n.create<ConcatOp>(values, axis); }

Value Compose::pad(Value v, int64_t axis, int64_t before, int64_t after, Value value) {
  return n.create<PadOp>(v, n.ints({before, after}), value, n.ints(axis));
}

Value Compose::gather(Value v, Value indices, int64_t axis) { return n.create<GatherOp>(v, indices, axis); }
Value Compose::gatherElements(Value v, Value indices, int64_t axis) {
  return n.create<GatherElementsOp>(v, indices, axis);
}

Value Compose::asPart(Value v) {
  if (Operation *op = v.getDefiningOp())
    op->setAttr(nodeKindAttr, n.builder.getStringAttr(""));
  return v;
}

Value Compose::add(Value a, Value b) { return n.create<AddOp>(a, b); }
Value Compose::sub(Value a, Value b) { return n.create<SubOp>(a, b); }
Value Compose::mul(Value a, Value b) { return n.create<MulOp>(a, b); }
Value Compose::div(Value a, Value b) { return n.create<DivOp>(a, b); }
Value Compose::max(Value a, Value b) { return asPart(n.create<MaxOp>(ValueRange{a, b})); }
Value Compose::min(Value a, Value b) { return asPart(n.create<MinOp>(ValueRange{a, b})); }

Value Compose::clip(Value v, double lower, double upper) {
  return asPart(n.create<ClipOp>(v, number(lower, v), number(upper, v)));
}

Value Compose::matmul(Value a, Value b) { return n.create<MatmulOp>(a, b); }
Value Compose::floor(Value v) { return n.create<FloorOp>(v); }
Value Compose::round(Value v) { return n.create<RoundOp>(v); }
Value Compose::abs(Value v) { return asPart(n.create<AbsOp>(v)); }
Value Compose::neg(Value v) { return n.create<NegOp>(v); }
Value Compose::exp(Value v) { return n.create<ExpOp>(v); }
Value Compose::tanh(Value v) { return asPart(n.create<TanhOp>(v)); }
Value Compose::sigmoid(Value v) { return asPart(n.create<SigmoidOp>(v)); }
Value Compose::less(Value a, Value b) { return n.create<LessOp>(a, b); }
Value Compose::lessOrEqual(Value a, Value b) { return n.create<LessOrEqualOp>(a, b); }
Value Compose::equal(Value a, Value b) { return n.create<EqualOp>(a, b); }
Value Compose::both(Value a, Value b) { return n.create<AndOp>(a, b); }
Value Compose::where(Value condition, Value a, Value b) { return n.create<WhereOp>(condition, a, b); }

Value Compose::cast(Value v, DType type) {
  if (typeOf(v) == type)
    return v;
  return n.create<CastOp>(v, TypeAttr::get(toMlir(type, n.builder.getContext())));
}

Value Compose::softmax(Value v, int64_t axis) { return n.create<SoftmaxOp>(v, n.builder.getI64IntegerAttr(axis)); }

Value Compose::sum(Value v, ArrayRef<int64_t> axes, bool keepdims) {
  return n.create<ReduceSumOp>(v, axes.empty() ? Value() : n.ints(axes), n.builder.getBoolAttr(keepdims), UnitAttr());
}

} // namespace sinter::nn
