// Gathers and one_hot: shape, reference, op by op. Scatters are in IndexingScatter.cpp, top_k and cum_sum in
// IndexingOrder.cpp.
#include "ir/ops/Indexing.h"
#include "ir/Reference.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Indexing.cpp.inc"

/// Makes an index in [-dim, dim) one in [0, dim); an error at the op for others, unless it is speculative.
static LogicalResult wrapIndex(Operation *op, int64_t &index, int64_t dim) {
  std::optional<int64_t> found = normaliseAxis(index, dim);
  if (!found && isSpeculative(op) && dim > 0)
    found = index < 0 ? 0 : dim - 1;
  if (!found)
    return op->emitOpError("index ") << index << " is outside a dimension of size " << dim;
  index = *found;
  return success();
}

static int64_t productOf(ArrayRef<int64_t> dims) {
  int64_t product = 1;
  for (int64_t dim : dims)
    product *= dim;
  return product;
}

static LogicalResult pushUnranked(Value like, SmallVectorImpl<Type> &types) {
  types.push_back(tensorType(std::nullopt, elementTypeOf(like)));
  return success();
}

//===- nn.gather ---------------------------------------------------------===//

LogicalResult GatherOp::inferShapes(SmallVectorImpl<Type> &types) {
  RankedTensorType data = rankedType(getData()), indices = rankedType(getIndices());
  if (!data || !indices)
    return pushUnranked(getData(), types);
  FailureOr<int64_t> axis = resolveAxis(*this, getAxis(), data.getRank());
  if (failed(axis))
    return failure();
  Dims shape(data.getShape().take_front(*axis));
  llvm::append_range(shape, indices.getShape());
  llvm::append_range(shape, data.getShape().drop_front(*axis + 1));
  return pushShape(*this, shape, data.getElementType(), types);
}

LogicalResult GatherOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  const Tensor &data = io.operand(0u);
  std::vector<int64_t> indices = toInts(io.operand(1u));
  if (io.result().size() == 0)
    return success();
  ArrayRef<int64_t> dims = data.shape();
  int64_t axis = *normaliseAxis(getAxis(), data.rank());
  for (int64_t &index : indices)
    if (failed(wrapIndex(*this, index, dims[axis])))
      return failure();
  int64_t outer = productOf(dims.take_front(axis));
  int64_t bytes = productOf(dims.drop_front(axis + 1)) * static_cast<int64_t>(sizeOf(data.type()));
  std::byte *to = io.result().data();
  for (int64_t i = 0; i < outer; ++i)
    for (int64_t index : indices) {
      std::memcpy(to, data.data() + (i * dims[axis] + index) * bytes, bytes);
      to += bytes;
    }
  return success();
}

std::optional<ChannelFlow> GatherOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  RankedTensorType data = rankedType(getData()), indices = rankedType(getIndices());
  int64_t axis = *normaliseAxis(getAxis(), data.getRank()), n = data.getDimSize(from);
  if (from != axis) {
    bool keeps = to == (from < axis ? from : from + indices.getRank() - 1);
    return keeps ? std::optional(ChannelFlow::straight(n)) : std::nullopt;
  }
  std::optional<Dims> positions = constantInts(getIndices());
  if (!positions || indices.getRank() != 1 || to != axis)
    return std::nullopt;
  ChannelFlow flow;
  for (auto [r, c] : llvm::enumerate(*positions)) {
    if (c < -n || c >= n)
      return std::nullopt;
    flow.pairs.push_back({c < 0 ? c + n : c, static_cast<int64_t>(r)});
  }
  return flow;
}

//===- nn.gather_elements ------------------------------------------------===//

LogicalResult GatherElementsOp::inferShapes(SmallVectorImpl<Type> &types) {
  RankedTensorType data = rankedType(getData()), indices = rankedType(getIndices());
  if (!indices)
    return pushUnranked(getData(), types);
  FailureOr<int64_t> axis = resolveAxis(*this, getAxis(), indices.getRank());
  if (failed(axis))
    return failure();
  if (data && data.getRank() != indices.getRank())
    return emitOpError("needs data and indices of one rank, not ") << data << " and " << indices;
  for (int64_t i = 0; data && i < data.getRank(); ++i)
    if (i != *axis && !data.isDynamicDim(i) && !indices.isDynamicDim(i) && indices.getDimSize(i) > data.getDimSize(i))
      return emitOpError("indices exceed data in dimension ") << i << ": " << indices << " over " << data;
  return pushShape(*this, indices.getShape(), elementTypeOf(getData()), types);
}

LogicalResult GatherElementsOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  const Tensor &data = io.operand(0u);
  std::vector<int64_t> indices = toInts(io.operand(1u));
  ArrayRef<int64_t> shape = io.result().shape();
  Dims strides = rowMajorStrides(data.shape()), at(shape.size(), 0);
  int64_t axis = *normaliseAxis(getAxis(), data.rank());
  size_t width = sizeOf(data.type());
  for (auto [i, index] : llvm::enumerate(indices)) {
    if (failed(wrapIndex(*this, index, data.shape()[axis])))
      return failure();
    int64_t offset = offsetOf(at, strides) + (index - at[axis]) * strides[axis];
    std::memcpy(io.result().data() + i * width, data.data() + offset * width, width);
    nextIndex(at, shape);
  }
  return success();
}

//===- nn.gather_nd ------------------------------------------------------===//

LogicalResult GatherNDOp::inferShapes(SmallVectorImpl<Type> &types) {
  RankedTensorType data = rankedType(getData()), indices = rankedType(getIndices());
  int64_t batch = getBatchDims();
  if (!data || !indices)
    return pushUnranked(getData(), types);
  if (batch < 0 || batch >= indices.getRank() || batch >= data.getRank())
    return emitOpError("has ") << batch << " batch dimensions; both operands must have more dimensions than that";
  ArrayRef<int64_t> front = indices.getShape().drop_back();
  int64_t tuple = indices.getShape().back();
  for (int64_t i = 0; i < batch; ++i)
    if (!data.isDynamicDim(i) && !indices.isDynamicDim(i) && data.getDimSize(i) != indices.getDimSize(i))
      return emitOpError("has batch dimensions that differ: ") << data << " and " << indices;
  if (ShapedType::isDynamic(tuple))
    return pushUnranked(getData(), types);
  if (tuple > data.getRank() - batch)
    return emitOpError("has index tuples of ") << tuple << " for " << data.getRank() - batch << " dimensions";
  Dims shape(front);
  llvm::append_range(shape, data.getShape().drop_front(batch + tuple));
  return pushShape(*this, shape, data.getElementType(), types);
}

LogicalResult GatherNDOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  const Tensor &data = io.operand(0u), &indices = io.operand(1u);
  if (io.result().size() == 0)
    return success();
  std::vector<int64_t> index = toInts(indices);
  int64_t batch = getBatchDims(), tuple = indices.shape().back();
  Dims strides = rowMajorStrides(data.shape());
  ArrayRef<int64_t> dims = data.shape(), tuples = ArrayRef(indices.shape()).drop_back();
  int64_t bytes = productOf(dims.drop_front(batch + tuple)) * static_cast<int64_t>(sizeOf(data.type()));
  Dims at(tuples.size(), 0);
  std::byte *to = io.result().data();
  const int64_t *next = index.data();
  do {
    int64_t offset = 0;
    for (int64_t i = 0; i < batch; ++i)
      offset += at[i] * strides[i];
    for (int64_t i = 0; i < tuple; ++i) {
      int64_t place = *next++;
      if (failed(wrapIndex(*this, place, dims[batch + i])))
        return failure();
      offset += place * strides[batch + i];
    }
    std::memcpy(to, data.data() + offset * sizeOf(data.type()), bytes);
    to += bytes;
  } while (nextIndex(at, tuples));
  return success();
}

//===- nn.one_hot --------------------------------------------------------===//

LogicalResult OneHotOp::inferFrom(IntsOf ints, SmallVectorImpl<Type> &types) {
  RankedTensorType indices = rankedType(getIndices());
  if (!indices)
    return pushUnranked(getValues(), types);
  FailureOr<int64_t> axis = resolveAxis(*this, getAxis(), indices.getRank() + 1);
  if (failed(axis))
    return failure();
  std::optional<Dims> depth = ints(getDepth());
  if (depth && depth->size() != 1)
    return emitOpError("needs one depth, not ") << depth->size();
  if (RankedTensorType values = rankedType(getValues());
      values && (values.getRank() != 1 || (!values.isDynamicDim(0) && values.getDimSize(0) != 2)))
    return emitOpError("needs two values (off, on), not ") << values;
  Dims shape(indices.getShape());
  shape.insert(shape.begin() + *axis, depth ? depth->front() : ShapedType::kDynamic);
  return pushShape(*this, shape, elementTypeOf(getValues()), types);
}

LogicalResult OneHotOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  const Tensor &values = io.operand(2u);
  Tensor &y = io.result();
  if (values.size() != 2 || io.operand(1u).size() != 1)
    return emitOpError("needs one depth and two values (off, on)");
  fillTensor(y, values.data());
  std::vector<int64_t> indices = toInts(io.operand(0u));
  ArrayRef<int64_t> shape = io.operand(0u).shape();
  int64_t axis = *normaliseAxis(getAxis(), y.rank()), depth = y.shape()[axis];
  Dims strides = rowMajorStrides(y.shape()), at(shape.size(), 0);
  int64_t step = strides[axis];
  strides.erase(strides.begin() + axis);
  size_t width = sizeOf(values.type());
  for (int64_t index : indices) {
    if (std::optional<int64_t> place = normaliseAxis(index, depth))
      std::memcpy(y.data() + (offsetOf(at, strides) + *place * step) * width, values.data() + width, width);
    nextIndex(at, shape);
  }
  return success();
}
