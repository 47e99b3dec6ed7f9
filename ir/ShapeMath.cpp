// Shapes may have dynamic dimensions, but in functions that compute strides and offsets.
#include "ir/ShapeMath.h"

using namespace mlir;

namespace sinter::nn {

RankedTensorType rankedType(Value value) {
  return value ? dyn_cast<RankedTensorType>(value.getType()) : RankedTensorType();
}

Type elementTypeOf(Value value) { return cast<TensorType>(value.getType()).getElementType(); }

double elementsOf(Value value) { return static_cast<double>(rankedType(value).getNumElements()); }
double dimOf(Value value, int64_t axis) { return static_cast<double>(rankedType(value).getDimSize(axis)); }

Type tensorType(std::optional<ArrayRef<int64_t>> shape, Type element) {
  if (!shape)
    return UnrankedTensorType::get(element);
  return RankedTensorType::get(*shape, element);
}

std::optional<int64_t> normaliseAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return std::nullopt;
  return axis < 0 ? axis + rank : axis;
}

FailureOr<int64_t> resolveAxis(Operation *op, int64_t axis, int64_t rank) {
  if (std::optional<int64_t> found = normaliseAxis(axis, rank))
    return *found;
  return op->emitOpError("axis ") << axis << " is outside a tensor of rank " << rank;
}

FailureOr<Dims> resolveAxes(Operation *op, ArrayRef<int64_t> axes, int64_t rank) {
  Dims result;
  for (int64_t axis : axes) {
    FailureOr<int64_t> found = resolveAxis(op, axis, rank);
    if (failed(found))
      return failure();
    if (llvm::is_contained(result, *found))
      return op->emitOpError("names axis ") << *found << " twice";
    result.push_back(*found);
  }
  return result;
}

LogicalResult pushShape(Operation *op, ArrayRef<int64_t> shape, Type element, SmallVectorImpl<Type> &types) {
  if (static_cast<int64_t>(shape.size()) > maxRank)
    return op->emitOpError("makes a tensor of rank ") << shape.size() << "; the limit is " << maxRank;
  // Empty dimensions count as 1, so that strides cannot overflow either.
  int64_t count = 1;
  for (int64_t dim : shape) {
    if (ShapedType::isDynamic(dim))
      continue;
    if (dim < 0)
      return op->emitOpError("makes a dimension of negative size ") << dim;
    if (__builtin_mul_overflow(count, std::max<int64_t>(dim, 1), &count))
      return op->emitOpError("makes a tensor of more elements than can be counted");
  }
  types.push_back(tensorType(shape, element));
  return success();
}

std::optional<int64_t> vectorLength(Value value) {
  RankedTensorType type = rankedType(value);
  if (!type || !type.hasStaticShape() || type.getRank() > 1)
    return std::nullopt;
  return type.getRank() == 0 ? 1 : type.getDimSize(0);
}

Dims rowMajorStrides(ArrayRef<int64_t> shape) {
  Dims strides(shape.size());
  int64_t step = 1;
  for (size_t i = shape.size(); i-- > 0; step *= shape[i])
    strides[i] = step;
  return strides;
}

std::optional<Dims> broadcastShapes(ArrayRef<ArrayRef<int64_t>> shapes) {
  size_t rank = 0;
  for (ArrayRef<int64_t> shape : shapes)
    rank = std::max(rank, shape.size());
  Dims result(rank, 1);
  for (ArrayRef<int64_t> shape : shapes) {
    size_t lead = rank - shape.size();
    for (size_t i = 0; i < shape.size(); ++i) {
      int64_t &dim = result[lead + i];
      if (shape[i] == 1 || shape[i] == dim)
        continue;
      // A static dimension other than 1 decides: the dynamic one is 1 or equal to it.
      if (dim == 1 || (ShapedType::isDynamic(dim) && !ShapedType::isDynamic(shape[i])))
        dim = shape[i];
      else if (!ShapedType::isDynamic(shape[i]))
        return std::nullopt;
    }
  }
  return result;
}

LogicalResult inferBroadcast(Operation *op, ValueRange operands, Type element, SmallVectorImpl<Type> &types) {
  SmallVector<ArrayRef<int64_t>> shapes;
  for (Value operand : operands) {
    RankedTensorType type = rankedType(operand);
    if (!type) {
      types.push_back(tensorType(std::nullopt, element));
      return success();
    }
    shapes.push_back(type.getShape());
  }
  std::optional<Dims> result = broadcastShapes(shapes);
  if (!result) {
    InFlightDiagnostic error = op->emitOpError("operands do not broadcast:");
    for (Value operand : operands)
      error << " " << operand.getType();
    return error;
  }
  types.push_back(tensorType(*result, element));
  return success();
}

Dims broadcastStrides(ArrayRef<int64_t> shape, ArrayRef<int64_t> target) {
  Dims strides(target.size(), 0), own = rowMajorStrides(shape);
  size_t lead = target.size() - shape.size();
  for (size_t i = 0; i < shape.size(); ++i)
    strides[lead + i] = shape[i] == 1 ? 0 : own[i];
  return strides;
}

Dims broadcastDims(Operation *op, unsigned operand) {
  int64_t rank = cast<RankedTensorType>(op->getOperand(operand).getType()).getRank();
  int64_t lead = cast<RankedTensorType>(op->getResult(0).getType()).getRank() - rank;
  Dims dims(rank);
  for (auto [i, dim] : llvm::enumerate(dims))
    dim = lead + static_cast<int64_t>(i);
  return dims;
}

bool nextIndex(MutableArrayRef<int64_t> index, ArrayRef<int64_t> shape) {
  for (size_t i = index.size(); i-- > 0;) {
    if (++index[i] < shape[i])
      return true;
    index[i] = 0;
  }
  return false;
}

int64_t offsetOf(ArrayRef<int64_t> index, ArrayRef<int64_t> strides) {
  int64_t offset = 0;
  for (auto [i, s] : llvm::zip_equal(index, strides))
    offset += i * s;
  return offset;
}

} // namespace sinter::nn
