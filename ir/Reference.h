// Building blocks of reference evaluations: tensors as arrays of double, int64 or uint64, in which every
// element type computes, and loops over broadcast operands. Included by ops/<family>.cpp only.
#pragma once

#include "ir/Evaluation.h"
#include "ir/Layout.h"
#include "ir/ShapeMath.h"
#include "ir/StridedCopy.h"
#include "mlir/Support/LogicalResult.h"
#include <limits>

namespace sinter::nn {

/// Calls f.template operator()<T>() with the compute type of `type`: double for floats, uint64_t for
/// unsigned, int64_t for signed integers and bool.
template <typename F> decltype(auto) withComputeType(DType type, F &&f) {
  if (isFloat(type))
    return f.template operator()<double>();
  if (isUnsigned(type) && type != DType::Bool)
    return f.template operator()<uint64_t>();
  return f.template operator()<int64_t>();
}

/// The elements in compute type.
template <typename T> std::vector<T> load(const Tensor &tensor) {
  if constexpr (std::is_same_v<T, double>) {
    return toDoubles(tensor);
  } else {
    std::vector<int64_t> values = toInts(tensor);
    return std::vector<T>(values.begin(), values.end());
  }
}

/// Rounds once to the tensor's type (integers wrap).
template <typename T> void store(Tensor &tensor, const std::vector<T> &values) {
  if constexpr (std::is_same_v<T, double>)
    storeDoubles(tensor, values);
  else
    storeInts(tensor, std::vector<int64_t>(values.begin(), values.end()));
}

/// The arithmetic of f in doubles, or modulo 2^64, where signed overflow is defined.
template <typename T, typename F> T wrapping(T a, T b, F f) {
  if constexpr (std::is_same_v<T, double>)
    return f(a, b);
  else
    return static_cast<T>(f(static_cast<uint64_t>(a), static_cast<uint64_t>(b)));
}

/// The least value of the tensor type, in its compute type: where a maximum starts.
template <typename T> T lowestOf(DType type) {
  if constexpr (std::is_same_v<T, double>)
    return -std::numeric_limits<double>::infinity();
  if constexpr (std::is_same_v<T, int64_t>)
    return type == DType::Bool ? 0 : std::numeric_limits<int64_t>::min() >> (64 - bitsOf(type));
  return 0;
}

/// The greatest value of the tensor type: where a minimum starts.
template <typename T> T highestOf(DType type) {
  if constexpr (std::is_same_v<T, double>)
    return std::numeric_limits<double>::infinity();
  if constexpr (std::is_same_v<T, int64_t>)
    return type == DType::Bool ? 1 : std::numeric_limits<int64_t>::max() >> (64 - bitsOf(type));
  return static_cast<T>(~uint64_t(0) >> (64 - bitsOf(type)));
}

/// Integer operands as the evaluation sees them, for ops whose shapes depend on values.
inline auto intsOf(Evaluation &io) {
  return [&io](mlir::Value value) -> std::optional<Dims> {
    const Tensor *tensor = io.operand(value);
    if (!tensor || isFloat(tensor->type()))
      return std::nullopt;
    std::vector<int64_t> values = toInts(*tensor);
    return Dims(values.begin(), values.end());
  };
}

/// An error at the op where its operands (their values, if shapes depend on them) make other result types
/// than it has. Evaluations that index by shape call this first: the types in a dump may be anything.
template <typename Op> mlir::LogicalResult checkResultTypes(Op op, Evaluation &io) {
  llvm::SmallVector<mlir::Type> types;
  if constexpr (requires { op.inferFrom(intsOf(io), types); }) {
    if (failed(op.inferFrom(intsOf(io), types)))
      return mlir::failure();
  } else if (failed(op.inferShapes(types))) {
    return mlir::failure();
  }
  for (auto [made, stated] : llvm::zip_equal(types, op->getResultTypes()))
    if (withoutLayout(made) != withoutLayout(stated))
      return op.emitOpError("makes ") << made << " of the values of its operands, not " << stated;
  return mlir::success();
}

/// The result has the operand's bytes, in the result's shape.
template <typename Op> mlir::LogicalResult evaluateView(Op op, Evaluation &io) {
  if (io.operand(0u).size() != io.result().size())
    return op.emitOpError("keeps ") << io.operand(0u).size() << " elements, but its result has " << io.result().size();
  io.result() = io.operand(0u).reshaped(io.result().shape());
  return mlir::success();
}

/// Evaluates an op that answers MovementOpInterface.
template <typename Op> mlir::LogicalResult evaluateCopies(Op op, Evaluation &io) {
  llvm::SmallVector<StridedCopy> copies;
  if (failed(op.appendCopies(intsOf(io), copies)))
    return mlir::failure();
  for (const StridedCopy &copy : copies)
    if (!runCopy(copy, io.operand(copy.operand), io.result(copy.result)))
      return op.emitOpError("would move elements outside its tensors; its result type does not fit its operands");
  return mlir::success();
}

/// result[i] = f(operand[i]), in the compute type of the operand; f returns any arithmetic type.
template <typename F> mlir::LogicalResult evaluateUnary(Evaluation &io, F f) {
  const Tensor &x = io.operand(0u);
  withComputeType(x.type(), [&]<typename T>() {
    using R = std::conditional_t<std::is_same_v<decltype(f(T())), double>, double,
                                 std::conditional_t<std::is_same_v<decltype(f(T())), uint64_t>, uint64_t, int64_t>>;
    std::vector<T> in = load<T>(x);
    std::vector<R> out(in.size());
    for (size_t i = 0; i < in.size(); ++i)
      out[i] = static_cast<R>(f(in[i]));
    store(io.result(), out);
  });
  return mlir::success();
}

/// result = f over all operands, broadcast to the result's shape; `f` gets one element of each operand, all
/// in compute type T.
template <typename T, typename R = T, typename F> void evaluateBroadcast(Evaluation &io, F f) {
  llvm::ArrayRef<int64_t> shape = io.result().shape();
  std::vector<std::vector<T>> in;
  std::vector<Dims> strides;
  for (unsigned k = 0; k < io.operandCount(); ++k) {
    in.push_back(load<T>(io.operand(k)));
    strides.push_back(broadcastStrides(io.operand(k).shape(), shape));
  }
  std::vector<R> out(static_cast<size_t>(io.result().size()));
  Dims index(shape.size(), 0);
  llvm::SmallVector<T> args(in.size());
  for (R &value : out) {
    for (size_t k = 0; k < in.size(); ++k)
      args[k] = in[k][static_cast<size_t>(offsetOf(index, strides[k]))];
    value = static_cast<R>(f(llvm::ArrayRef<T>(args)));
    nextIndex(index, shape);
  }
  store(io.result(), out);
}

} // namespace sinter::nn
