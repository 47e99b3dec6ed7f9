// Constants and shape arithmetic: verify, shape, fold, reference, range.
#include "ir/ops/Constant.h"
#include "ir/RangeRules.h"
#include "ir/Reference.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Constant.cpp.inc"

//===- nn.constant -------------------------------------------------------===//

void ConstantOp::build(OpBuilder &builder, OperationState &state, const Tensor &tensor, StringRef name) {
  ElementsAttr value = makeElements(tensor, builder.getContext(), name);
  build(builder, state, value.getType(), value);
}

ConstantOp ConstantOp::ints(OpBuilder &builder, Location loc, ArrayRef<int64_t> values) {
  Tensor tensor(DType::I64, {static_cast<int64_t>(values.size())});
  llvm::copy(values, tensor.as<int64_t>().begin());
  return create(builder, loc, tensor);
}

LogicalResult ConstantOp::inferShapes(SmallVectorImpl<Type> &types) {
  types.push_back(getValue().getType());
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult ConstantOp::evaluate(Evaluation &io) {
  std::optional<Tensor> tensor = readElements(getValue());
  if (!tensor)
    return emitOpError("has no data: the dump it was read from elides weights; dump with weights to evaluate it");
  io.result() = *tensor;
  return success();
}

void ConstantOp::inferRange(Ranges, RangeResults y) {
  if (std::optional<Tensor> tensor = readElements(getValue()))
    y[0] = TensorRange::of(*tensor);
}

//===- nn.shape ----------------------------------------------------------===//

std::pair<int64_t, int64_t> ShapeOp::range(int64_t rank) {
  auto clamp = [rank](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank); };
  int64_t start = clamp(getStart()), end = getEnd() ? clamp(*getEnd()) : rank;
  return {start, std::max(start, end)};
}

LogicalResult ShapeOp::inferShapes(SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(getX());
  int64_t count = ShapedType::kDynamic;
  if (x) {
    auto [start, end] = range(x.getRank());
    count = end - start;
  }
  return pushShape(*this, count, IntegerType::get(getContext(), 64), types);
}

LogicalResult ShapeOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  const Tensor &x = io.operand(0u);
  auto [start, end] = range(x.rank());
  std::copy(x.shape().begin() + start, x.shape().begin() + end, io.result().as<int64_t>().begin());
  return success();
}

void ShapeOp::inferRange(Ranges, RangeResults y) {
  double most = 0;
  for (int64_t dim : rankedType(getX()).getShape())
    most = std::max(most, static_cast<double>(dim));
  y[0] = TensorRange::uniform({0, most}, false);
}

//===- nn.size -----------------------------------------------------------===//

LogicalResult SizeOp::inferShapes(SmallVectorImpl<Type> &types) {
  return pushShape(*this, {}, IntegerType::get(getContext(), 64), types);
}

LogicalResult SizeOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  io.result().as<int64_t>()[0] = io.operand(0u).size();
  return success();
}

void SizeOp::inferRange(Ranges, RangeResults y) {
  double size = static_cast<double>(rankedType(getX()).getNumElements());
  y[0] = TensorRange::uniform({size, size}, false);
}

//===- nn.constant_of_shape ----------------------------------------------===//

LogicalResult ConstantOfShapeOp::verify() {
  if (getValue().getNumElements() != 1)
    return emitOpError("needs one value, not ") << getValue().getShapedType();
  if (!isa<RankedTensorType>(getValue().getShapedType()) || !toDType(getValue().getElementType()))
    return emitOpError("needs as its value a tensor of a known element type, not ") << getValue().getShapedType();
  return success();
}

LogicalResult ConstantOfShapeOp::inferFrom(IntsOf ints, SmallVectorImpl<Type> &types) {
  Type element = getValue().getElementType();
  std::optional<Dims> shape = ints(getShape());
  if (!shape) {
    std::optional<int64_t> rank = vectorLength(getShape());
    if (rank && *rank <= maxRank)
      shape = Dims(*rank, ShapedType::kDynamic);
  } else if (llvm::any_of(*shape, [](int64_t dim) { return dim < 0; })) {
    return emitOpError("cannot make a negative dimension");
  }
  if (shape)
    return pushShape(*this, *shape, element, types);
  types.push_back(tensorType(std::nullopt, element));
  return success();
}

LogicalResult ConstantOfShapeOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  std::optional<Tensor> value = readElements(getValue());
  if (!value || value->type() != io.result().type())
    return emitOpError("has a value without data");
  fillTensor(io.result(), value->data());
  return success();
}

void ConstantOfShapeOp::inferRange(Ranges, RangeResults y) {
  if (std::optional<Tensor> value = readElements(getValue()))
    y[0] = TensorRange::of(*value);
}

//===- nn.range ----------------------------------------------------------===//

/// ceil((limit - start) / delta), at least 0; nothing where that is no count.
static std::optional<int64_t> rangeCount(const Tensor &start, const Tensor &limit, const Tensor &delta) {
  if (start.size() != 1 || limit.size() != 1 || delta.size() != 1)
    return std::nullopt;
  if (isFloat(start.type())) {
    double count = std::ceil((toDoubles(limit)[0] - toDoubles(start)[0]) / toDoubles(delta)[0]);
    if (!(count < 9e15))
      return std::nullopt;
    return std::max<int64_t>(0, static_cast<int64_t>(std::max(count, 0.0)));
  }
  __int128 span = __int128(toInts(limit)[0]) - toInts(start)[0], step = toInts(delta)[0];
  if (step == 0)
    return std::nullopt;
  if (span == 0 || (span > 0) != (step > 0))
    return 0;
  __int128 count = (span + step + (step > 0 ? -1 : 1)) / step;
  return count > std::numeric_limits<int64_t>::max() ? std::nullopt : std::optional<int64_t>(count);
}

LogicalResult RangeOp::inferShapes(SmallVectorImpl<Type> &types) {
  std::optional<Tensor> start = constantTensor(getStart()), limit = constantTensor(getLimit()),
                        delta = constantTensor(getDelta());
  int64_t size = ShapedType::kDynamic;
  if (start && limit && delta) {
    std::optional<int64_t> count = rangeCount(*start, *limit, *delta);
    if (!count)
      return emitOpError("needs a start, a limit and a delta, one finite number each, and a delta other than 0");
    size = *count;
  }
  return pushShape(*this, size, elementTypeOf(getStart()), types);
}

LogicalResult RangeOp::evaluate(Evaluation &io) {
  const Tensor &start = io.operand(0u), &limit = io.operand(1u), &delta = io.operand(2u);
  Tensor &y = io.result();
  if (y.rank() != 1 || rangeCount(start, limit, delta) != y.size() || y.type() != start.type())
    return emitOpError("makes another number of elements than its result type says");
  if (isFloat(start.type())) {
    std::vector<double> values(y.size());
    for (auto [i, value] : llvm::enumerate(values))
      value = toDoubles(start)[0] + static_cast<double>(i) * toDoubles(delta)[0];
    storeDoubles(y, values);
    return success();
  }
  std::vector<int64_t> values(y.size());
  uint64_t at = toInts(start)[0], step = toInts(delta)[0];
  for (int64_t &value : values) {
    value = static_cast<int64_t>(at);
    at += step;
  }
  storeInts(y, values);
  return success();
}

void RangeOp::inferRange(Ranges operands, RangeResults y) {
  // Between start and limit, neither of which a rounded product may quite keep to.
  Interval ends = operands[0].hull().hull(operands[1].hull());
  y[0] = countable(TensorRange::uniform(widened(ends), !ends.isFinite()), getY().getType());
}

//===- nn.eye_like -------------------------------------------------------===//

LogicalResult EyeLikeOp::verify() {
  if (getDtype() && !toDType(*getDtype()))
    return emitOpError("cannot make a tensor of ") << *getDtype();
  return success();
}

LogicalResult EyeLikeOp::inferShapes(SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(getX());
  Type element = getDtype() ? *getDtype() : elementTypeOf(getX());
  if (x && x.getRank() != 2)
    return emitOpError("needs a matrix, not ") << x;
  return pushShape(*this, x ? Dims(x.getShape()) : Dims(2, ShapedType::kDynamic), element, types);
}

LogicalResult EyeLikeOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  Tensor &y = io.result();
  int64_t rows = y.shape()[0], columns = y.shape()[1];
  // Beyond the matrix every k means the same; clamped, row + k cannot overflow.
  int64_t k = std::clamp<int64_t>(getK(), -rows, columns);
  std::vector<int64_t> values(y.size(), 0);
  for (int64_t row = std::max<int64_t>(0, -k); row < rows && row + k < columns; ++row)
    values[row * columns + row + k] = 1;
  storeInts(y, values);
  return success();
}

void EyeLikeOp::inferRange(Ranges, RangeResults y) { y[0] = TensorRange::uniform({0, 1}, false); }
