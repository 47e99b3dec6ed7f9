// Walks a function and lets each op evaluate itself; the plainest meaning of a model.
#include "ir/Evaluation.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace sinter::nn {

const Tensor *Evaluation::operand(Value value) const {
  if (!value)
    return nullptr;
  for (auto [index, candidate] : llvm::enumerate(op->getOperands()))
    if (candidate == value)
      return &operands[index];
  return nullptr;
}

LogicalResult checkInferredTypes(Operation *op) {
  auto inference = dyn_cast<ShapeInferenceOpInterface>(op);
  SmallVector<Type> types;
  if (!inference)
    return success();
  if (failed(inference.inferShapes(types)))
    return failure();
  if (types.size() != op->getNumResults())
    return op->emitOpError("has ") << op->getNumResults() << " results, and its operands make " << types.size();
  for (auto [made, stated] : llvm::zip_equal(types, op->getResultTypes()))
    if (getElementTypeOrSelf(made) != getElementTypeOrSelf(stated) || failed(verifyCompatibleShape(made, stated)))
      return op->emitOpError("makes ") << made << " of the values of its operands, not " << stated;
  return success();
}

FailureOr<SmallVector<Tensor>> evaluateOp(Operation *op, ArrayRef<Tensor> operands, size_t maxBytes) {
  auto reference = dyn_cast<ReferenceOpInterface>(op);
  if (!reference)
    return op->emitOpError("has no reference evaluation");
  for (auto [type, tensor] : llvm::zip_equal(op->getOperandTypes(), operands)) {
    auto ranked = dyn_cast<RankedTensorType>(type);
    if (!ranked || toDType(ranked.getElementType()) != tensor.type() ||
        failed(verifyCompatibleShape(ranked.getShape(), tensor.shape())))
      return op->emitOpError("expects an operand of type ")
             << type << ", and got one of shape " << toString(tensor.shape());
  }
  // Types in a file of IR may be anything, and evaluations store as many elements as their operands make.
  if (failed(checkInferredTypes(op)))
    return failure();
  SmallVector<Tensor> results;
  size_t bytes = 0;
  for (Type type : op->getResultTypes()) {
    auto tensorType = dyn_cast<RankedTensorType>(type);
    std::optional<DType> dtype = tensorType ? toDType(tensorType.getElementType()) : std::nullopt;
    std::optional<int64_t> count =
        dtype && tensorType.hasStaticShape() ? elementCount(tensorType.getShape()) : std::nullopt;
    if (!count)
      return op->emitOpError("has a result without static shape: ") << type;
    if (static_cast<size_t>(*count) > (maxBytes - bytes) / sizeOf(*dtype))
      return op->emitOpError("has results too large to evaluate: ") << type;
    bytes += static_cast<size_t>(*count) * sizeOf(*dtype);
    results.push_back(Tensor(*dtype, Shape(tensorType.getShape())));
  }
  Evaluation io(op, operands, results);
  if (failed(reference.evaluate(io)))
    return failure();
  return results;
}

namespace {

/// Tensors by value, dropped once no later op of the block reads them.
class FunctionEvaluator {
public:
  explicit FunctionEvaluator(EvaluationObserver observer) : observer(observer) {}

  LogicalResult run(Block &block) {
    for (Operation &op : block.without_terminator()) {
      if (failed(step(op)))
        return failure();
      release(op);
    }
    return success();
  }

  void set(Value value, Tensor tensor) { tensors[value] = std::move(tensor); }
  Tensor get(Value value) { return tensors.lookup(value); }

private:
  LogicalResult step(Operation &op) {
    if (auto kernel = dyn_cast<KernelOp>(op)) {
      if (failed(run(kernel.getBody().front())))
        return failure();
      Operation *yield = kernel.getBody().front().getTerminator();
      for (auto [result, value] : llvm::zip(kernel.getResults(), yield->getOperands()))
        set(result, get(value));
      return success();
    }
    SmallVector<Tensor> operands = llvm::map_to_vector(op.getOperands(), [&](Value v) { return get(v); });
    FailureOr<SmallVector<Tensor>> results = evaluateOp(&op, operands);
    if (failed(results))
      return failure();
    if (observer)
      observer(&op, operands, *results);
    for (auto [value, tensor] : llvm::zip(op.getResults(), *results))
      set(value, std::move(tensor));
    return success();
  }

  /// Drops what `op` was the last to read. Values read inside a region count as read by the enclosing op.
  void release(Operation &op) {
    auto lastUser = [&](Value value) {
      return llvm::all_of(value.getUsers(), [&](Operation *user) {
        Operation *sibling = op.getBlock()->findAncestorOpInBlock(*user);
        return sibling && (sibling == &op || sibling->isBeforeInBlock(&op));
      });
    };
    op.walk([&](Operation *inner) {
      for (Value value : inner->getOperands())
        if (value.getParentBlock() == op.getBlock() && lastUser(value))
          tensors.erase(value);
    });
  }

  EvaluationObserver observer;
  DenseMap<Value, Tensor> tensors;
};

} // namespace

FailureOr<SmallVector<Tensor>> evaluateFunction(func::FuncOp function, ArrayRef<Tensor> inputs,
                                                EvaluationObserver observer) {
  FunctionEvaluator evaluator(observer);
  Block &body = function.getBody().front();
  for (auto [argument, tensor] : llvm::zip(body.getArguments(), inputs))
    evaluator.set(argument, tensor);
  if (failed(evaluator.run(body)))
    return failure();
  return llvm::map_to_vector(body.getTerminator()->getOperands(), [&](Value v) { return evaluator.get(v); });
}

} // namespace sinter::nn
