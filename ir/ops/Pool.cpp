// Pools: verify, shape, reference, op by op.
#include "ir/ops/Pool.h"
#include "ir/Reference.h"
#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Pool.cpp.inc"

/// The result's type: x with its spatial dimensions replaced. `results` gives the element type of each
/// result.
template <typename Op> static LogicalResult inferPool(Op op, ArrayRef<Type> results, SmallVectorImpl<Type> &types) {
  if (failed(op.verify()))
    return failure();
  RankedTensorType x = rankedType(op.getX());
  std::optional<Dims> shape;
  if (x) {
    if (x.getRank() < 3)
      return op.emitOpError() << "expects [N, C, spatial...], got " << x;
    FailureOr<Window> window = op.window();
    if (failed(window))
      return failure();
    shape = Dims(x.getShape().take_front(2));
    for (const WindowAxis &axis : *window)
      shape->push_back(axis.out);
  }
  for (Type result : results)
    types.push_back(tensorType(shape, result));
  return success();
}

/// Calls pool(plane, index, o) for every output element o: the offset of its channel's input plane, and its
/// spatial index.
template <typename F> static void forEachOutput(const Tensor &x, const Tensor &y, F pool) {
  ArrayRef<int64_t> in = ArrayRef<int64_t>(x.shape()).drop_front(2), out = ArrayRef<int64_t>(y.shape()).drop_front(2);
  int64_t planes = x.shape()[0] * x.shape()[1], plane = 1;
  for (int64_t dim : in)
    plane *= dim;
  if (y.size() == 0)
    return;
  size_t o = 0;
  for (int64_t p = 0; p < planes; ++p) {
    Dims index(out.size(), 0);
    do
      pool(p * plane, ArrayRef<int64_t>(index), o++);
    while (nextIndex(index, out));
  }
}

/// Fills the maxima and, for each, the offset of its element in x (-1: the window lies in the padding).
static LogicalResult evaluateMax(const Window &window, const Tensor &x, Tensor &y, std::vector<int64_t> *where) {
  withComputeType(x.type(), [&]<typename T>() {
    std::vector<T> in = load<T>(x), out(static_cast<size_t>(y.size()));
    if (where)
      where->assign(out.size(), -1);
    forEachOutput(x, y, [&](int64_t plane, ArrayRef<int64_t> index, size_t o) {
      T best = lowestOf<T>(x.type());
      int64_t at = -1;
      visitWindow(window, index, [&](int64_t offset) {
        T value = in[static_cast<size_t>(plane + offset)];
        // The first NaN wins, then the first of the largest.
        if (best == best && (at < 0 || value > best || value != value))
          best = value, at = plane + offset;
      });
      out[o] = best;
      if (where)
        (*where)[o] = at;
    });
    store(y, out);
  });
  return success();
}

static LogicalResult verifyPower(Operation *op, int64_t p) {
  if (p < 1)
    return op->emitOpError() << "p is " << p << ", expected at least 1";
  return success();
}

/// Pools keep [N, C] and mix within the spatial dimensions. A channel of -inf padding stays what it is under
/// a positive scale.
static std::optional<ChannelFlow> flowThroughPool(Value x, int64_t from, int64_t to) {
  if (from != to || from > 1)
    return std::nullopt;
  return ChannelFlow::straight(rankedType(x).getDimSize(from));
}

/// |s*x| = s*|x|, without a shift. Higher powers leave the range of floats, at either end, for scales that
/// are nothing unusual: (1e-20*x)^2 is 0 where 1e-20*sqrt(x^2) is not.
static std::optional<ChannelFlow> flowThroughPowers(Value x, int64_t p, int64_t from, int64_t to) {
  std::optional<ChannelFlow> flow = p == 1 ? flowThroughPool(x, from, to) : std::nullopt;
  if (!flow)
    return std::nullopt;
  flow->besides = 0;
  return std::move(*flow).ordered().summed();
}

//===- nn.max_pool -------------------------------------------------------===//

LogicalResult MaxPoolOp::verify() { return verifyWindow(*this, windowAttributes()); }

LogicalResult MaxPoolOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferPool(*this, {elementTypeOf(getX())}, types);
}

LogicalResult MaxPoolOp::evaluate(Evaluation &io) {
  FailureOr<Window> window = this->window();
  return failed(window) ? failure() : evaluateMax(*window, io.operand(0u), io.result(), nullptr);
}

std::optional<ChannelFlow> MaxPoolOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  std::optional<ChannelFlow> flow = flowThroughPool(getX(), from, to);
  if (flow)
    flow->isOrdered = true;
  return flow;
}

//===- nn.max_pool_indices -----------------------------------------------===//

LogicalResult MaxPoolIndicesOp::verify() { return verifyWindow(*this, windowAttributes()); }

LogicalResult MaxPoolIndicesOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferPool(*this, {elementTypeOf(getX()), IntegerType::get(getContext(), 64)}, types);
}

LogicalResult MaxPoolIndicesOp::evaluate(Evaluation &io) {
  FailureOr<Window> window = this->window();
  std::vector<int64_t> where;
  if (failed(window) || failed(evaluateMax(*window, io.operand(0u), io.result(), &where)))
    return failure();
  const Shape &shape = io.operand(0u).shape();
  int64_t width = shape.back(), height = shape.size() > 3 ? shape[shape.size() - 2] : 1;
  if (getColumnMajor())
    for (int64_t &at : where)
      if (at >= 0) {
        int64_t image = at / (height * width), row = at / width % height, column = at % width;
        at = (image * width + column) * height + row;
      }
  storeInts(io.result(1), where);
  return success();
}

//===- nn.average_pool ---------------------------------------------------===//

LogicalResult AveragePoolOp::verify() { return verifyWindow(*this, windowAttributes()); }

LogicalResult AveragePoolOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferPool(*this, {elementTypeOf(getX())}, types);
}

LogicalResult AveragePoolOp::evaluate(Evaluation &io) {
  FailureOr<Window> window = this->window();
  if (failed(window))
    return failure();
  std::vector<double> in = toDoubles(io.operand(0u)), out(static_cast<size_t>(io.result().size()));
  forEachOutput(io.operand(0u), io.result(), [&](int64_t plane, ArrayRef<int64_t> index, size_t o) {
    double sum = 0;
    int64_t count = 0;
    visitWindow(*window, index, [&](int64_t offset) {
      sum += in[static_cast<size_t>(plane + offset)];
      ++count;
    });
    if (getCountIncludePad())
      count = paddedCount(*window, index);
    out[o] = sum / static_cast<double>(count);
  });
  storeDoubles(io.result(), out);
  return success();
}

std::optional<ChannelFlow> AveragePoolOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  FailureOr<Window> window = this->window();
  std::optional<ChannelFlow> flow = flowThroughPool(getX(), from, to);
  bool isPadded = succeeded(window) &&
                  llvm::any_of(*window, [](const WindowAxis &axis) { return axis.padBegin != 0 || axis.padEnd != 0; });
  if (!flow)
    return std::nullopt;
  if (getCountIncludePad() && isPadded)
    flow->besides = 0;
  return std::move(*flow).summed();
}

//===- nn.lp_pool --------------------------------------------------------===//

LogicalResult LpPoolOp::verify() {
  return success(succeeded(verifyPower(*this, getP())) && succeeded(verifyWindow(*this, windowAttributes())));
}

LogicalResult LpPoolOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferPool(*this, {elementTypeOf(getX())}, types);
}

LogicalResult LpPoolOp::evaluate(Evaluation &io) {
  FailureOr<Window> window = this->window();
  if (failed(window))
    return failure();
  auto p = static_cast<double>(getP());
  std::vector<double> in = toDoubles(io.operand(0u)), out(static_cast<size_t>(io.result().size()));
  forEachOutput(io.operand(0u), io.result(), [&](int64_t plane, ArrayRef<int64_t> index, size_t o) {
    double sum = 0;
    visitWindow(*window, index,
                [&](int64_t offset) { sum += std::pow(std::fabs(in[static_cast<size_t>(plane + offset)]), p); });
    out[o] = std::pow(sum, 1 / p);
  });
  storeDoubles(io.result(), out);
  return success();
}

std::optional<ChannelFlow> LpPoolOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  return flowThroughPowers(getX(), getP(), from, to);
}

//===- Global pools ------------------------------------------------------===//

static LogicalResult inferGlobalPool(Operation *op, Value x, SmallVectorImpl<Type> &types) {
  RankedTensorType type = rankedType(x);
  if (type && type.getRank() < 2)
    return op->emitOpError() << "expects [N, C, spatial...], got " << type;
  std::optional<Dims> shape;
  if (type) {
    shape = Dims(static_cast<size_t>(type.getRank()), 1);
    std::copy_n(type.getShape().begin(), 2, shape->begin());
  }
  types.push_back(tensorType(shape, elementTypeOf(x)));
  return success();
}

/// result = finish(fold of step over the plane, from `start`).
template <typename Step, typename Finish>
static LogicalResult evaluateGlobalPool(Evaluation &io, double start, Step step, Finish finish) {
  std::vector<double> in = toDoubles(io.operand(0u)), out(static_cast<size_t>(io.result().size()));
  size_t plane = out.empty() ? 0 : in.size() / out.size();
  for (size_t o = 0; o < out.size(); ++o) {
    double value = start;
    for (size_t i = 0; i < plane; ++i)
      value = step(value, in[o * plane + i]);
    out[o] = finish(value, static_cast<double>(plane));
  }
  storeDoubles(io.result(), out);
  return success();
}

LogicalResult GlobalAveragePoolOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferGlobalPool(*this, getX(), types);
}

LogicalResult GlobalAveragePoolOp::evaluate(Evaluation &io) {
  return evaluateGlobalPool(
      io, 0, [](double sum, double x) { return sum + x; }, [](double sum, double count) { return sum / count; });
}

std::optional<ChannelFlow> GlobalAveragePoolOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  std::optional<ChannelFlow> flow = flowThroughPool(getX(), from, to);
  return flow ? std::optional(std::move(*flow).summed()) : std::nullopt;
}

LogicalResult GlobalMaxPoolOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferGlobalPool(*this, getX(), types);
}

LogicalResult GlobalMaxPoolOp::evaluate(Evaluation &io) {
  return evaluateGlobalPool(
      io, -std::numeric_limits<double>::infinity(),
      [](double best, double x) { return best >= x || best != best ? best : x; },
      [](double best, double) { return best; });
}

std::optional<ChannelFlow> GlobalMaxPoolOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  std::optional<ChannelFlow> flow = flowThroughPool(getX(), from, to);
  if (flow)
    flow->isOrdered = true;
  return flow;
}

LogicalResult GlobalLpPoolOp::verify() { return verifyPower(*this, getP()); }

LogicalResult GlobalLpPoolOp::inferShapes(SmallVectorImpl<Type> &types) {
  return inferGlobalPool(*this, getX(), types);
}

LogicalResult GlobalLpPoolOp::evaluate(Evaluation &io) {
  auto p = static_cast<double>(getP());
  return evaluateGlobalPool(
      io, 0, [p](double sum, double x) { return sum + std::pow(std::fabs(x), p); },
      [p](double sum, double) { return std::pow(sum, 1 / p); });
}

std::optional<ChannelFlow> GlobalLpPoolOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  return flowThroughPowers(getX(), getP(), from, to);
}
