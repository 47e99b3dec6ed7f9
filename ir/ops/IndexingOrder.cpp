// nn.top_k and nn.cum_sum, which go along an axis: shape, reference.
#include "ir/Reference.h"
#include "ir/ops/Indexing.h"
#include <numeric>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

/// Calls f(offset of the first element, stride, length) for every line of `shape` along `axis`.
template <typename F> static void forEachLine(ArrayRef<int64_t> shape, int64_t axis, F f) {
  int64_t inner = 1, outer = 1;
  for (int64_t dim : shape.drop_front(axis + 1))
    inner *= dim;
  for (int64_t dim : shape.take_front(axis))
    outer *= dim;
  for (int64_t i = 0; i < outer; ++i)
    for (int64_t j = 0; j < inner; ++j)
      f(i * shape[axis] * inner + j, inner, shape[axis]);
}

//===- nn.top_k ----------------------------------------------------------===//

LogicalResult TopKOp::inferFrom(IntsOf ints, SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(getX());
  Type element = elementTypeOf(getX()), index = IntegerType::get(getContext(), 64);
  if (!x) {
    types.append({tensorType(std::nullopt, element), tensorType(std::nullopt, index)});
    return success();
  }
  FailureOr<int64_t> axis = resolveAxis(*this, getAxis(), x.getRank());
  if (failed(axis))
    return failure();
  std::optional<Dims> k = ints(getK());
  if (k && k->size() != 1)
    return emitOpError("needs one k, not ") << k->size();
  Dims shape(x.getShape());
  int64_t &dim = shape[*axis];
  if (k && (k->front() < 0 || (!ShapedType::isDynamic(dim) && k->front() > dim)))
    return emitOpError("cannot take ") << k->front() << " of " << dim << " elements along axis " << *axis;
  dim = k ? k->front() : ShapedType::kDynamic;
  if (failed(pushShape(*this, shape, element, types)))
    return failure();
  return pushShape(*this, shape, index, types);
}

double TopKOp::comparisons() { return elementsOf(getX()) * std::log2(2 + elementsOf(getX())); }

LogicalResult TopKOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  const Tensor &x = io.operand(0u);
  int64_t axis = *normaliseAxis(getAxis(), x.rank()), k = io.result(0).shape()[axis];
  if (io.result().size() == 0)
    return success();
  withComputeType(x.type(), [&]<typename T>() {
    std::vector<T> in = load<T>(x), values;
    std::vector<int64_t> indices, order(static_cast<size_t>(x.shape()[axis]));
    values.resize(io.result(0).size());
    indices.resize(values.size());
    std::vector<int64_t> starts;
    forEachLine(io.result(0).shape(), axis, [&](int64_t start, int64_t, int64_t) { starts.push_back(start); });
    size_t line = 0;
    // NaN is the largest; equal elements keep their order.
    auto less = [](T a, T b) { return a < b || (b != b && a == a); };
    forEachLine(x.shape(), axis, [&](int64_t start, int64_t stride, int64_t) {
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
        T a = in[start + i * stride], b = in[start + j * stride];
        return getLargest() ? less(b, a) : less(a, b);
      });
      for (int64_t i = 0; i < k; ++i) {
        int64_t to = starts[line] + i * stride;
        values[to] = in[start + order[i] * stride];
        indices[to] = order[i];
      }
      ++line;
    });
    store(io.result(0), values);
    storeInts(io.result(1), indices);
  });
  return success();
}

//===- nn.cum_sum --------------------------------------------------------===//

LogicalResult CumSumOp::inferShapes(SmallVectorImpl<Type> &types) {
  std::optional<Dims> axis = constantInts(getAxis());
  RankedTensorType x = rankedType(getX()), given = rankedType(getAxis());
  if (axis && axis->size() != 1)
    return emitOpError("needs one axis, not ") << axis->size();
  if (given && given.hasStaticShape() && given.getNumElements() != 1)
    return emitOpError("needs one axis, not ") << given.getNumElements();
  if (axis && x && failed(resolveAxis(*this, axis->front(), x.getRank())))
    return failure();
  types.push_back(getX().getType());
  return success();
}

LogicalResult CumSumOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  const Tensor &x = io.operand(0u);
  std::vector<int64_t> given = toInts(io.operand(1u));
  if (given.size() != 1)
    return emitOpError("needs one axis, not ") << given.size();
  FailureOr<int64_t> axis = resolveAxis(*this, given[0], x.rank());
  if (failed(axis))
    return failure();
  auto run = [&]<typename T>() {
    std::vector<T> in = load<T>(x), out(in.size());
    forEachLine(x.shape(), *axis, [&](int64_t start, int64_t stride, int64_t length) {
      T sum = 0;
      for (int64_t i = 0; i < length; ++i) {
        int64_t at = start + (getReverse() ? length - 1 - i : i) * stride;
        out[at] = getExclusive() ? sum : sum + in[at];
        sum += in[at];
      }
    });
    store(io.result(), out);
  };
  // Integer sums wrap, which unsigned ones may.
  if (isFloat(x.type()))
    run.operator()<double>();
  else
    run.operator()<uint64_t>();
  return success();
}
