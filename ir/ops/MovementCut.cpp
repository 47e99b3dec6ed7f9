// nn.split, nn.slice, nn.expand and nn.tile, the movements whose extent operand values decide: shape, copies,
// reference.
#include "ir/Reference.h"
#include "ir/ops/Movement.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

static StridedCopy denseCopy(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides) {
  return {0, 0, Dims(shape), 0, 0, Dims(strides), rowMajorStrides(shape)};
}

//===- nn.split ----------------------------------------------------------===//

/// Sizes of the parts along an axis of `dim` elements (dynamic where they cannot be known).
static FailureOr<Dims> splitSizes(SplitOp op, IntsOf ints, int64_t dim) {
  int64_t parts = op->getNumResults();
  if (op.getSplit()) {
    std::optional<Dims> given = ints(op.getSplit());
    if (!given)
      return Dims(parts, ShapedType::kDynamic);
    if (static_cast<int64_t>(given->size()) != parts)
      return op.emitOpError("has ") << given->size() << " sizes for " << parts << " parts";
    int64_t sum = 0;
    for (int64_t size : *given)
      if (size < 0 || __builtin_add_overflow(sum, size, &sum))
        return op.emitOpError("cannot make a part of size ") << size;
    if (!ShapedType::isDynamic(dim) && sum != dim)
      return op.emitOpError("has parts of ") << sum << " elements in sum for a dimension of size " << dim;
    return *given;
  }
  if (ShapedType::isDynamic(dim))
    return Dims(parts, parts == 1 ? dim : ShapedType::kDynamic);
  int64_t size = (dim + parts - 1) / parts, last = dim - size * (parts - 1);
  if (last < 0)
    return op.emitOpError("cannot cut a dimension of size ") << dim << " into " << parts << " parts of " << size;
  Dims sizes(parts, size);
  sizes.back() = last;
  return sizes;
}

LogicalResult SplitOp::inferFrom(IntsOf ints, SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(getX());
  Type element = elementTypeOf(getX());
  if (getNumResults() == 0)
    return emitOpError("has no results; it needs at least one");
  if (!x) {
    types.append(getNumResults(), tensorType(std::nullopt, element));
    return success();
  }
  FailureOr<int64_t> axis = resolveAxis(*this, getAxis(), x.getRank());
  if (failed(axis))
    return failure();
  FailureOr<Dims> sizes = splitSizes(*this, ints, x.getDimSize(*axis));
  if (failed(sizes))
    return failure();
  for (int64_t size : *sizes) {
    Dims shape(x.getShape());
    shape[*axis] = size;
    if (failed(pushShape(*this, shape, element, types)))
      return failure();
  }
  return success();
}

LogicalResult SplitOp::appendCopies(IntsOf ints, SmallVectorImpl<StridedCopy> &copies) {
  RankedTensorType x = rankedType(getX());
  std::optional<int64_t> axis = normaliseAxis(getAxis(), x.getRank());
  if (!axis)
    return failure();
  FailureOr<Dims> sizes = splitSizes(*this, ints, x.getDimSize(*axis));
  if (failed(sizes))
    return failure();
  Dims strides = rowMajorStrides(x.getShape());
  int64_t at = 0;
  for (auto [i, size] : llvm::enumerate(*sizes)) {
    Dims shape(x.getShape());
    shape[*axis] = size;
    copies.push_back({0, static_cast<unsigned>(i), shape, at * strides[*axis], 0, strides, rowMajorStrides(shape)});
    at += size;
  }
  return success();
}

LogicalResult SplitOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  return evaluateCopies(*this, io);
}

//===- nn.slice ----------------------------------------------------------===//

namespace {
/// Elements first, first + step, ... along one dimension.
struct Range {
  int64_t first = 0, step = 1, count = 0;
};
} // namespace

/// numpy's start:end:step on a dimension of `dim` elements; step is not 0.
static Range clampRange(int64_t start, int64_t end, int64_t step, int64_t dim) {
  if (dim == 0)
    return {};
  start = start < 0 ? start + dim : start;
  end = end < 0 ? end + dim : end;
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, dim), end = std::clamp<int64_t>(end, 0, dim);
    return {start, step, end > start ? (end - start - 1) / step + 1 : 0};
  }
  start = std::clamp<int64_t>(start, 0, dim - 1), end = std::clamp<int64_t>(end, -1, dim - 1);
  // Truncation makes (positive) / (negative) the negated quotient, also for the step that cannot be negated.
  return {start, step, start > end ? 1 - (start - end - 1) / step : 0};
}

/// One range per dimension of x; a dynamic count where it cannot be known. Nothing if starts, axes or steps
/// are unknown.
static FailureOr<std::optional<SmallVector<Range>>> sliceRanges(SliceOp op, IntsOf ints) {
  RankedTensorType x = rankedType(op.getX());
  std::optional<Dims> starts = ints(op.getStarts()), ends = ints(op.getEnds());
  std::optional<Dims> axes = op.getAxes() ? ints(op.getAxes()) : std::nullopt;
  std::optional<Dims> steps = op.getSteps() ? ints(op.getSteps()) : std::nullopt;
  SmallVector<Range> ranges;
  for (int64_t dim : x.getShape())
    ranges.push_back({0, 1, dim});
  if (op.getAxes() && !axes)
    return std::optional<SmallVector<Range>>();
  // How many axes are sliced, from whichever operand says so.
  int64_t count = axes     ? axes->size()
                  : starts ? starts->size()
                  : ends   ? ends->size()
                           : vectorLength(op.getStarts()).value_or(x.getRank());
  if (count > x.getRank() || (starts && static_cast<int64_t>(starts->size()) != count) ||
      (ends && static_cast<int64_t>(ends->size()) != count) || (steps && static_cast<int64_t>(steps->size()) != count))
    return op.emitOpError("needs as many starts as ends, axes and steps, and at most ") << x.getRank() << " of each";
  if (!axes) {
    axes = Dims(count);
    for (int64_t i = 0; i < count; ++i)
      (*axes)[i] = i;
  }
  FailureOr<Dims> resolved = resolveAxes(op, *axes, x.getRank());
  if (failed(resolved))
    return failure();
  bool known = starts && ends && (!op.getSteps() || steps);
  for (auto [i, axis] : llvm::enumerate(*resolved)) {
    int64_t dim = x.getDimSize(axis), step = steps ? (*steps)[i] : 1;
    if (step == 0)
      return op.emitOpError("has step 0 along axis ") << axis << "; it must be positive or negative";
    if (!known || ShapedType::isDynamic(dim))
      ranges[axis] = {0, 1, ShapedType::kDynamic};
    else
      ranges[axis] = clampRange((*starts)[i], (*ends)[i], step, dim);
  }
  return std::optional(ranges);
}

LogicalResult SliceOp::inferFrom(IntsOf ints, SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(getX());
  Type element = elementTypeOf(getX());
  if (!x) {
    types.push_back(tensorType(std::nullopt, element));
    return success();
  }
  FailureOr<std::optional<SmallVector<Range>>> ranges = sliceRanges(*this, ints);
  if (failed(ranges))
    return failure();
  Dims shape(x.getRank(), ShapedType::kDynamic);
  if (*ranges)
    for (auto [dim, range] : llvm::zip_equal(shape, **ranges))
      dim = range.count;
  return pushShape(*this, shape, element, types);
}

LogicalResult SliceOp::appendCopies(IntsOf ints, SmallVectorImpl<StridedCopy> &copies) {
  Dims strides = rowMajorStrides(rankedType(getX()).getShape()), shape;
  FailureOr<std::optional<SmallVector<Range>>> ranges = sliceRanges(*this, ints);
  if (failed(ranges) || !*ranges)
    return emitOpError("has starts, ends, axes or steps that are not constant");
  int64_t offset = 0;
  for (auto [stride, range] : llvm::zip_equal(strides, **ranges)) {
    if (ShapedType::isDynamic(range.count))
      return emitOpError("has starts, ends, axes or steps that are not constant");
    offset += range.first * stride;
    // The step of a single element is never taken, and may be too large to count with.
    stride *= range.count > 1 ? range.step : 1;
    shape.push_back(range.count);
  }
  StridedCopy copy = denseCopy(shape, strides);
  copy.srcOffset = offset;
  copies.push_back(copy);
  return success();
}

LogicalResult SliceOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  return evaluateCopies(*this, io);
}

//===- nn.expand ---------------------------------------------------------===//

LogicalResult ExpandOp::inferFrom(IntsOf ints, SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(getX());
  Type element = elementTypeOf(getX());
  std::optional<Dims> target = ints(getShape());
  if (!target) {
    std::optional<int64_t> length = vectorLength(getShape());
    if (length && *length <= maxRank)
      target = Dims(*length, ShapedType::kDynamic);
  } else if (llvm::any_of(*target, [](int64_t dim) { return dim < 0; })) {
    return emitOpError("cannot expand to a negative dimension");
  }
  if (!x || !target) {
    types.push_back(tensorType(std::nullopt, element));
    return success();
  }
  std::optional<Dims> shape = broadcastShapes({x.getShape(), ArrayRef<int64_t>(*target)});
  if (!shape)
    return emitOpError("cannot expand ") << x << " to the shape " << toString(*target);
  return pushShape(*this, *shape, element, types);
}

LogicalResult ExpandOp::appendCopies(IntsOf ints, SmallVectorImpl<StridedCopy> &copies) {
  SmallVector<Type> types;
  if (failed(inferFrom(ints, types)))
    return failure();
  auto result = dyn_cast<RankedTensorType>(types.front());
  if (!result || !result.hasStaticShape())
    return emitOpError("has a shape that is not constant");
  copies.push_back(denseCopy(result.getShape(), broadcastStrides(rankedType(getX()).getShape(), result.getShape())));
  return success();
}

LogicalResult ExpandOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  return evaluateCopies(*this, io);
}

//===- nn.tile -----------------------------------------------------------===//

LogicalResult TileOp::inferFrom(IntsOf ints, SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(getX());
  Type element = elementTypeOf(getX());
  std::optional<Dims> repeats = ints(getRepeats());
  if (!x) {
    types.push_back(tensorType(std::nullopt, element));
    return success();
  }
  if (!repeats)
    return pushShape(*this, Dims(x.getRank(), ShapedType::kDynamic), element, types);
  if (static_cast<int64_t>(repeats->size()) != x.getRank())
    return emitOpError("has ") << repeats->size() << " repeats for an operand of rank " << x.getRank();
  Dims shape(x.getShape());
  for (auto [dim, count] : llvm::zip_equal(shape, *repeats)) {
    if (count < 0)
      return emitOpError("cannot repeat ") << count << " times";
    if (!ShapedType::isDynamic(dim) && __builtin_mul_overflow(dim, count, &dim))
      return emitOpError("makes a tensor of more elements than can be counted");
  }
  return pushShape(*this, shape, element, types);
}

LogicalResult TileOp::appendCopies(IntsOf ints, SmallVectorImpl<StridedCopy> &copies) {
  RankedTensorType x = rankedType(getX());
  std::optional<Dims> repeats = ints(getRepeats());
  if (!repeats || static_cast<int64_t>(repeats->size()) != x.getRank())
    return emitOpError("has repeats that are not constant");
  // Each dimension becomes (repeat, index within x).
  Dims shape, strides, own = rowMajorStrides(x.getShape());
  for (auto [dim, count, stride] : llvm::zip_equal(x.getShape(), *repeats, own)) {
    shape.append({count, dim});
    strides.append({0, stride});
  }
  copies.push_back(denseCopy(shape, strides));
  return success();
}

LogicalResult TileOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  return evaluateCopies(*this, io);
}
