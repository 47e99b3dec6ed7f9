// The operands and results of an op's reference evaluation, and the evaluation of whole functions.
#pragma once

#include "mlir/IR/Operation.h"
#include "runtime/Tensor.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mlir::func {
class FuncOp;
}

namespace sinter::nn {

/// The tensors of one op: operands by value, results allocated with their static types.
class Evaluation {
public:
  Evaluation(mlir::Operation *op, llvm::ArrayRef<Tensor> operands, llvm::MutableArrayRef<Tensor> results)
      : op(op), operands(operands), results(results) {}

  /// The tensor of an operand; null where an optional operand is absent.
  const Tensor *operand(mlir::Value value) const;
  const Tensor &operand(unsigned index) const { return operands[index]; }
  unsigned operandCount() const { return operands.size(); }
  Tensor &result(unsigned index = 0) { return results[index]; }

private:
  mlir::Operation *op;
  llvm::ArrayRef<Tensor> operands;
  llvm::MutableArrayRef<Tensor> results;
};

/// Fails, with a diagnostic, where an op states other result types than its operands make, as far as types and
/// constants tell. Shape inference sees to that before kernels are formed; in a file of IR they may be anything.
mlir::LogicalResult checkInferredTypes(mlir::Operation *op);

/// Evaluates one op on host tensors. Fails, with a diagnostic, where the op has no reference, its result
/// types are not static, or its results would exceed `maxBytes`.
mlir::FailureOr<llvm::SmallVector<Tensor>> evaluateOp(mlir::Operation *op, llvm::ArrayRef<Tensor> operands,
                                                      size_t maxBytes = size_t(1) << 36);

/// Told of every op that was evaluated, those in nn.kernel regions included. It may put other results in place.
using EvaluationObserver = llvm::function_ref<void(mlir::Operation *op, llvm::ArrayRef<Tensor> operands,
                                                   llvm::MutableArrayRef<Tensor> results)>;

/// Evaluates a function of nn ops, nn.kernel regions included; tensors are dropped after their last use.
mlir::FailureOr<llvm::SmallVector<Tensor>> evaluateFunction(mlir::func::FuncOp function, llvm::ArrayRef<Tensor> inputs,
                                                            EvaluationObserver observer = {});

} // namespace sinter::nn
