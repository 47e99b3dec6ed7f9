// Reductions: shape and reference, for all kinds alike.
#include "ir/ops/Reduction.h"
#include "ir/Reference.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

//===- Shapes ------------------------------------------------------------===//

std::optional<SmallVector<bool>> sinter::nn::reducedAxes(ArrayRef<int64_t> axes, int64_t rank, bool noopWithEmptyAxes) {
  SmallVector<bool> reduced(static_cast<size_t>(rank), axes.empty() && !noopWithEmptyAxes);
  for (int64_t axis : axes) {
    std::optional<int64_t> normal = normaliseAxis(axis, rank);
    if (!normal || reduced[static_cast<size_t>(*normal)])
      return std::nullopt;
    reduced[static_cast<size_t>(*normal)] = true;
  }
  return reduced;
}

static LogicalResult axesError(Operation *op, ArrayRef<int64_t> axes, int64_t rank) {
  InFlightDiagnostic error = op->emitOpError() << "cannot reduce a tensor of rank " << rank << " over axes [";
  llvm::interleaveComma(axes, error);
  return error << "]: each must be in range and listed once";
}

static Dims reducedShape(ArrayRef<int64_t> shape, ArrayRef<bool> reduced, bool keepdims) {
  Dims result;
  for (auto [dim, gone] : llvm::zip_equal(shape, reduced))
    if (!gone || keepdims)
      result.push_back(gone ? 1 : dim);
  return result;
}

static LogicalResult inferReduction(Operation *op, const ReduceAttributes &a, SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(a.x);
  Type element = elementTypeOf(a.x);
  std::optional<SmallVector<int64_t>> axes = constantInts(a.axes);
  if (!a.axes)
    axes.emplace();
  if (!x) {
    types.push_back(tensorType(std::nullopt, element));
  } else if (!axes) {
    Dims unknown(static_cast<size_t>(x.getRank()), ShapedType::kDynamic);
    types.push_back(tensorType(a.keepdims ? std::optional<ArrayRef<int64_t>>(unknown) : std::nullopt, element));
  } else {
    std::optional<SmallVector<bool>> reduced = reducedAxes(*axes, x.getRank(), a.noopWithEmptyAxes);
    if (!reduced)
      return axesError(op, *axes, x.getRank());
    types.push_back(tensorType(reducedShape(x.getShape(), *reduced, a.keepdims), element));
  }
  return success();
}

//===- Channels ----------------------------------------------------------===//

static std::optional<ChannelFlow> flowThroughReduction(const ReduceAttributes &a, int64_t from, int64_t to) {
  std::optional<SmallVector<int64_t>> axes = a.axes ? constantInts(a.axes) : SmallVector<int64_t>();
  RankedTensorType x = rankedType(a.x);
  bool isMeanOrSum = a.kind == ReduceKind::Mean || a.kind == ReduceKind::Sum;
  bool isOrdered = a.kind == ReduceKind::Max || a.kind == ReduceKind::Min;
  if (!axes || !(isMeanOrSum || isOrdered))
    return std::nullopt;
  std::optional<SmallVector<bool>> reduced = reducedAxes(*axes, x.getRank(), a.noopWithEmptyAxes);
  if (!reduced || (*reduced)[static_cast<size_t>(from)])
    return std::nullopt;
  if (to + (a.keepdims ? 0 : llvm::count(ArrayRef(*reduced).take_front(from), true)) != from)
    return std::nullopt;
  ChannelFlow flow = ChannelFlow::straight(x.getDimSize(from));
  flow.isOrdered = isOrdered;
  flow.isSum = isMeanOrSum;
  // A sum multiplies the shift by its count: only none passes.
  if (a.kind == ReduceKind::Sum)
    flow.besides = 0;
  return flow;
}

//===- Reference ---------------------------------------------------------===//

namespace {
/// out[o] = fold of `step` over the elements of x that reduce to o, in row-major order.
template <typename T> class Reducer {
public:
  Reducer(const Tensor &x, ArrayRef<bool> reduced) : in(load<T>(x)), shape(ArrayRef<int64_t>(x.shape())) {
    Dims kept = reducedShape(shape, reduced, true);
    strides = broadcastStrides(kept, shape);
    outputs = static_cast<size_t>(*elementCount(kept));
    count = outputs ? static_cast<double>(in.size() / outputs) : 0;
  }

  template <typename R = T, typename Step> std::vector<R> fold(R start, Step step) {
    std::vector<R> out(outputs, start);
    Dims index(shape.size(), 0);
    for (T value : in) {
      auto o = static_cast<size_t>(offsetOf(index, strides));
      out[o] = step(out[o], value, o);
      nextIndex(index, shape);
    }
    return out;
  }

  double count;

private:
  std::vector<T> in;
  Dims shape;
  Dims strides;
  size_t outputs;
};
} // namespace

/// The kinds that compute in the tensor's own type: sums and products wrap in integers.
template <typename T> static std::vector<T> reduceExactly(ReduceKind kind, Reducer<T> &r, DType type) {
  using U = std::conditional_t<std::is_same_v<T, int64_t>, uint64_t, T>;
  auto add = [](T a, T b) { return static_cast<T>(static_cast<U>(a) + static_cast<U>(b)); };
  auto multiply = [](T a, T b) { return static_cast<T>(static_cast<U>(a) * static_cast<U>(b)); };
  switch (kind) {
  case ReduceKind::Sum:
    return r.fold(T(0), [&](T a, T x, size_t) { return add(a, x); });
  case ReduceKind::Prod:
    return r.fold(T(1), [&](T a, T x, size_t) { return multiply(a, x); });
  case ReduceKind::L1:
    return r.fold(T(0), [&](T a, T x, size_t) { return add(a, x < T(0) ? multiply(x, T(-1)) : x); });
  case ReduceKind::SumSquare:
    return r.fold(T(0), [&](T a, T x, size_t) { return add(a, multiply(x, x)); });
  case ReduceKind::Max:
    return r.fold(lowestOf<T>(type), [](T a, T x, size_t) { return a >= x || a != a ? a : x; });
  default: // Min
    return r.fold(highestOf<T>(type), [](T a, T x, size_t) { return a <= x || a != a ? a : x; });
  }
}

/// The kinds that compute in floating point whatever the type.
static std::vector<double> reduceInDouble(ReduceKind kind, Reducer<double> &r) {
  auto sum = [&] { return r.fold(0.0, [](double a, double x, size_t) { return a + x; }); };
  auto map = [](std::vector<double> values, auto f) {
    for (double &value : values)
      value = f(value);
    return values;
  };
  switch (kind) {
  case ReduceKind::Mean:
    return map(sum(), [&](double s) { return s / r.count; });
  case ReduceKind::L2:
    return map(r.fold(0.0, [](double a, double x, size_t) { return a + x * x; }),
               [](double s) { return std::sqrt(s); });
  case ReduceKind::LogSum:
    return map(sum(), [](double s) { return std::log(s); });
  default: { // LogSumExp
    std::vector<double> most = reduceExactly<double>(ReduceKind::Max, r, DType::F64);
    std::vector<double> out = r.fold(0.0, [&](double a, double x, size_t o) { return a + std::exp(x - most[o]); });
    // An infinite or NaN maximum is the answer; x - most would make it NaN.
    for (size_t o = 0; o < out.size(); ++o)
      out[o] = std::isfinite(most[o]) ? most[o] + std::log(out[o]) : most[o];
    return out;
  }
  }
}

static LogicalResult evaluateReduction(Operation *op, const ReduceAttributes &a, Evaluation &io) {
  const Tensor &x = io.operand(0u);
  SmallVector<int64_t> axes;
  if (const Tensor *tensor = io.operand(a.axes)) {
    std::vector<int64_t> values = toInts(*tensor);
    axes.assign(values.begin(), values.end());
  }
  std::optional<SmallVector<bool>> reduced = reducedAxes(axes, x.rank(), a.noopWithEmptyAxes);
  if (!reduced)
    return axesError(op, axes, x.rank());
  if (ArrayRef<int64_t>(io.result().shape()) != ArrayRef<int64_t>(reducedShape(x.shape(), *reduced, a.keepdims)))
    return op->emitOpError("has axes that do not give its result type");
  switch (a.kind) {
  case ReduceKind::Mean:
  case ReduceKind::L2:
  case ReduceKind::LogSum:
  case ReduceKind::LogSumExp: {
    Reducer<double> reducer(x, *reduced);
    storeDoubles(io.result(), reduceInDouble(a.kind, reducer));
    return success();
  }
  default:
    withComputeType(x.type(), [&]<typename T>() {
      Reducer<T> reducer(x, *reduced);
      store(io.result(), reduceExactly<T>(a.kind, reducer, x.type()));
    });
    return success();
  }
}

//===- Arg reductions ----------------------------------------------------===//

static LogicalResult inferArg(Operation *op, Value x, int64_t axis, bool keepdims, SmallVectorImpl<Type> &types) {
  Type element = IntegerType::get(op->getContext(), 64);
  RankedTensorType type = rankedType(x);
  if (!type) {
    types.push_back(tensorType(std::nullopt, element));
    return success();
  }
  std::optional<SmallVector<bool>> reduced = reducedAxes({axis}, type.getRank(), false);
  if (!reduced)
    return axesError(op, {axis}, type.getRank());
  if (type.getDimSize(*normaliseAxis(axis, type.getRank())) == 0)
    return op->emitOpError() << "asks for an index along axis " << axis << " of " << type << ", which has no elements";
  types.push_back(tensorType(reducedShape(type.getShape(), *reduced, keepdims), element));
  return success();
}

static LogicalResult evaluateArg(Operation *op, bool isMax, int64_t axis, bool last, Evaluation &io) {
  const Tensor &x = io.operand(0u);
  std::optional<int64_t> normal = normaliseAxis(axis, x.rank());
  if (!normal)
    return axesError(op, {axis}, x.rank());
  int64_t length = x.shape()[static_cast<size_t>(*normal)];
  int64_t inner = rowMajorStrides(x.shape())[static_cast<size_t>(*normal)];
  withComputeType(x.type(), [&]<typename T>() {
    std::vector<T> in = load<T>(x);
    std::vector<int64_t> out(static_cast<size_t>(io.result().size()));
    for (size_t o = 0; o < out.size(); ++o) {
      int64_t row = static_cast<int64_t>(o) / inner, base = row * length * inner + static_cast<int64_t>(o) % inner;
      T best = in[static_cast<size_t>(base)];
      for (int64_t i = 1; i < length; ++i) {
        T value = in[static_cast<size_t>(base + i * inner)];
        // NaN beats every number; ties go to the first or the last.
        bool valueNan = value != value, bestNan = best != best;
        bool better = valueNan ? !bestNan : !bestNan && (isMax ? value > best : value < best);
        bool equal = valueNan ? bestNan : value == best;
        if (better || (last && equal))
          best = value, out[o] = i;
      }
    }
    storeInts(io.result(), out);
  });
  return success();
}

#define GET_OP_CLASSES
#include "ir/ops/Reduction.cpp.inc"

std::optional<ReduceAttributes> sinter::nn::reduceAttributes(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<ReduceAttributes>>(op)
      .Case<ReduceSumOp, ReduceMeanOp, ReduceMaxOp, ReduceMinOp, ReduceProdOp, ReduceL1Op, ReduceL2Op, ReduceLogSumOp,
            ReduceLogSumExpOp, ReduceSumSquareOp>([](auto reduce) { return reduce.reduceAttributes(); })
      .Default(std::nullopt);
}
