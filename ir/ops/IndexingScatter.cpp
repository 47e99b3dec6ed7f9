// Scatters and max_unpool: verify, shape, reference, op by op.
#include "ir/Reference.h"
#include "ir/ops/Indexing.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

/// An update meets the element that is there.
template <typename T> static T combine(ScatterReduction reduction, T there, T update) {
  bool isNaN = false;
  if constexpr (std::is_same_v<T, double>)
    isNaN = std::isnan(there) || std::isnan(update);
  switch (reduction) {
  case ScatterReduction::None:
    return update;
  case ScatterReduction::Add:
    return there + update;
  case ScatterReduction::Mul:
    return there * update;
  case ScatterReduction::Min:
    return isNaN ? there + update : std::min(there, update);
  case ScatterReduction::Max:
    return isNaN ? there + update : std::max(there, update);
  }
  llvm_unreachable("all reductions are above");
}

static LogicalResult verifyScatter(Operation *op, Value data, Value updates) {
  if (elementTypeOf(data) != elementTypeOf(updates))
    return op->emitOpError("updates a tensor of ") << elementTypeOf(data) << " with " << elementTypeOf(updates);
  return success();
}

/// Integers wrap: products and sums of int64 run as unsigned.
template <typename F> static void withWrappingType(DType type, F &&f) {
  if (isFloat(type))
    return f.template operator()<double, double>();
  if (isUnsigned(type))
    return f.template operator()<uint64_t, uint64_t>();
  return f.template operator()<int64_t, uint64_t>();
}

/// result = data, then at each of `offsets` an update of `length` elements, in order; at none that is negative.
static void scatter(Evaluation &io, ScatterReduction reduction, ArrayRef<int64_t> offsets, int64_t length) {
  withWrappingType(io.result().type(), [&]<typename T, typename Wrapping>() {
    std::vector<T> y = load<T>(io.operand(0u)), updates = load<T>(io.operand(2u));
    bool arithmetic = reduction == ScatterReduction::Add || reduction == ScatterReduction::Mul;
    for (size_t i = 0; i < offsets.size(); ++i)
      for (int64_t j = 0; j < length && offsets[i] >= 0; ++j) {
        T &there = y[offsets[i] + j], update = updates[i * length + j];
        there = arithmetic ? static_cast<T>(combine<Wrapping>(reduction, there, update))
                           : combine<T>(reduction, there, update);
      }
    store(io.result(), y);
  });
}

//===- nn.scatter_elements -----------------------------------------------===//

LogicalResult ScatterElementsOp::verify() { return verifyScatter(*this, getData(), getUpdates()); }

LogicalResult ScatterElementsOp::inferShapes(SmallVectorImpl<Type> &types) {
  RankedTensorType data = rankedType(getData()), indices = rankedType(getIndices()), updates = rankedType(getUpdates());
  if (data && failed(resolveAxis(*this, getAxis(), data.getRank())))
    return failure();
  if (data && indices && data.getRank() != indices.getRank())
    return emitOpError("needs data and indices of one rank, not ") << data << " and " << indices;
  if (indices && updates && failed(verifyCompatibleShape(indices.getShape(), updates.getShape())))
    return emitOpError("needs one update per index, not ") << updates << " for " << indices;
  types.push_back(getData().getType());
  return success();
}

LogicalResult ScatterElementsOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  ArrayRef<int64_t> dims = io.operand(0u).shape(), shape = io.operand(1u).shape();
  std::vector<int64_t> indices = toInts(io.operand(1u));
  int64_t axis = *normaliseAxis(getAxis(), dims.size());
  Dims strides = rowMajorStrides(dims), at(shape.size(), 0);
  for (int64_t &index : indices) {
    Dims place = at;
    std::optional<int64_t> found = normaliseAxis(index, dims[axis]);
    place[axis] = found.value_or(-1);
    bool isInside = llvm::all_of(llvm::zip_equal(place, dims), [](const auto &pair) {
      return std::get<0>(pair) >= 0 && std::get<0>(pair) < std::get<1>(pair);
    });
    if (!isInside && !isSpeculative(*this))
      return emitOpError("index ") << index << " or its place is outside the data";
    index = isInside ? offsetOf(place, strides) : -1;
    nextIndex(at, shape);
  }
  scatter(io, getReduction(), indices, 1);
  return success();
}

//===- nn.scatter_nd -----------------------------------------------------===//

LogicalResult ScatterNDOp::verify() { return verifyScatter(*this, getData(), getUpdates()); }

LogicalResult ScatterNDOp::inferShapes(SmallVectorImpl<Type> &types) {
  RankedTensorType data = rankedType(getData()), indices = rankedType(getIndices()), updates = rankedType(getUpdates());
  if (indices && indices.getRank() == 0)
    return emitOpError("needs index tuples, not a scalar");
  if (data && indices && !indices.isDynamicDim(indices.getRank() - 1)) {
    int64_t tuple = indices.getShape().back();
    if (tuple > data.getRank())
      return emitOpError("has index tuples of ") << tuple << " for " << data.getRank() << " dimensions";
    Dims expected(indices.getShape().drop_back());
    llvm::append_range(expected, data.getShape().drop_front(tuple));
    if (updates && failed(verifyCompatibleShape(expected, updates.getShape())))
      return emitOpError("needs updates of shape ") << toString(expected) << ", not " << updates;
  }
  types.push_back(getData().getType());
  return success();
}

LogicalResult ScatterNDOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  ArrayRef<int64_t> dims = io.operand(0u).shape(), shape = io.operand(1u).shape();
  std::vector<int64_t> indices = toInts(io.operand(1u)), offsets;
  int64_t tuple = shape.back(), length = 1;
  for (int64_t dim : dims.drop_front(tuple))
    length *= dim;
  Dims strides = rowMajorStrides(dims);
  int64_t count = *elementCount(shape.drop_back());
  for (int64_t i = 0; i < count && length > 0; ++i) {
    int64_t offset = 0;
    bool isInside = true;
    for (int64_t j = 0; j < tuple; ++j) {
      std::optional<int64_t> place = normaliseAxis(indices[i * tuple + j], dims[j]);
      if (!place && !isSpeculative(*this))
        return emitOpError("index ") << indices[i * tuple + j] << " is outside a dimension of size " << dims[j];
      isInside &= place.has_value();
      offset += place.value_or(0) * strides[j];
    }
    offsets.push_back(isInside ? offset : -1);
  }
  scatter(io, getReduction(), offsets, length);
  return success();
}

//===- nn.max_unpool -----------------------------------------------------===//

LogicalResult MaxUnpoolOp::verify() {
  size_t spatial = getKernelShape().size();
  if (spatial == 0 || spatial > static_cast<size_t>(maxRank))
    return emitOpError("has a kernel of ") << spatial << " dimensions";
  if ((getStrides() && getStrides()->size() != spatial) || (getPads() && getPads()->size() != 2 * spatial))
    return emitOpError("needs ") << spatial << " strides and twice as many pads";
  auto isCount = [](int64_t value) { return value >= 0 && value < (int64_t(1) << 31); };
  if (!llvm::all_of(getKernelShape(), isCount) || (getStrides() && !llvm::all_of(*getStrides(), isCount)) ||
      (getPads() && !llvm::all_of(*getPads(), isCount)))
    return emitOpError("has a kernel, stride or pad outside 0 to 2^31");
  return success();
}

FailureOr<std::optional<Dims>> MaxUnpoolOp::pooledShape() {
  RankedTensorType x = rankedType(getX());
  if (!x)
    return std::optional<Dims>();
  size_t spatial = getKernelShape().size();
  if (x.getRank() != static_cast<int64_t>(spatial) + 2)
    return emitOpError("has a kernel of ") << spatial << " dimensions for " << x;
  Dims shape(x.getShape());
  for (size_t i = 0; i < spatial; ++i) {
    int64_t &dim = shape[i + 2], stride = getStrides() ? (*getStrides())[i] : 1;
    if (ShapedType::isDynamic(dim))
      continue;
    int64_t pads = getPads() ? (*getPads())[i] + (*getPads())[spatial + i] : 0;
    if (__builtin_mul_overflow(dim - 1, stride, &dim) ||
        __builtin_add_overflow(dim, getKernelShape()[i] - pads, &dim) || dim < 0)
      return emitOpError("has pads that leave nothing, or a size that cannot be counted, in dimension ") << i + 2;
  }
  return std::optional(shape);
}

LogicalResult MaxUnpoolOp::inferFrom(IntsOf ints, SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(getX()), indices = rankedType(getIndices());
  if (x && indices && failed(verifyCompatibleShape(x.getShape(), indices.getShape())))
    return emitOpError("needs one index per element, not ") << indices << " for " << x;
  FailureOr<std::optional<Dims>> pooled = pooledShape();
  if (failed(pooled))
    return failure();
  Type element = elementTypeOf(getX());
  std::optional<Dims> shape = *pooled;
  if (getOutputShape())
    shape = ints(getOutputShape());
  if (!shape && x)
    shape = Dims(x.getRank(), ShapedType::kDynamic);
  if (!shape) {
    types.push_back(tensorType(std::nullopt, element));
    return success();
  }
  if (x && static_cast<int64_t>(shape->size()) != x.getRank())
    return emitOpError("has an output shape of ") << shape->size() << " dimensions for " << x;
  return pushShape(*this, *shape, element, types);
}

LogicalResult MaxUnpoolOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  FailureOr<std::optional<Dims>> pooled = pooledShape();
  if (failed(pooled))
    return failure();
  if (!*pooled || !elementCount(**pooled))
    return emitOpError("has an operand of unknown shape, or a pool of more elements than can be counted");
  const Tensor &x = io.operand(0u);
  Tensor &y = io.result();
  int64_t positions = *elementCount(**pooled);
  Dims from = rowMajorStrides(**pooled), to = rowMajorStrides(y.shape());
  std::vector<int64_t> indices = toInts(io.operand(1u));
  size_t width = sizeOf(x.type());
  for (auto [i, flat] : llvm::enumerate(indices)) {
    bool isPosition = flat >= 0 && flat < positions, isInside = isPosition;
    if (!isPosition && !isSpeculative(*this))
      return emitOpError("index ") << flat << " is outside the " << positions << " positions of the pool's input";
    int64_t offset = 0, rest = flat;
    for (size_t d = 0; d < from.size(); ++d) {
      int64_t at = rest / from[d];
      rest %= from[d];
      isInside &= at < y.shape()[d];
      offset += at * to[d];
    }
    if (!isInside && isSpeculative(*this))
      continue;
    if (!isInside)
      return emitOpError("index ") << flat << " is outside the output shape";
    std::memcpy(y.data() + offset * width, x.data() + i * width, width);
  }
  return success();
}
