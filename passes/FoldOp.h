// Evaluation of an op at compile time, shared by the passes that fold constants.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Operation.h"

namespace sinter::nn {

class Report;

/// The budget of one pass for constant folding: the limits fold-work and fold-bytes (ir/Limits.h), or for models with
/// large weights the cost of a few passes over them. An op beyond it stays, and is computed when the model runs.
class FoldBudget {
public:
  explicit FoldBudget(mlir::ModuleOp module);

  /// Whether an op with static types can be evaluated.
  bool covers(mlir::Operation *op) const;
  /// The same, and then it is paid for.
  bool take(mlir::Operation *op);

private:
  /// The share of both limits that evaluating an op takes.
  struct Cost {
    double steps;
    int64_t growth;
  };
  static Cost costOf(mlir::Operation *op);
  bool fits(const Cost &cost) const { return cost.steps <= work && cost.growth <= bytes; }

  double work;   ///< steps that are left (ir/analysis/Cost.h)
  int64_t bytes; ///< by which results may outgrow operands
};

/// Replaces the op by constants if its results follow from constants (or, for shape and size, from its
/// operand's type), none has more than `maxElements` elements, and `budget` covers it. Erases the op then, and tells
/// the report. Fails only if the evaluation finds the op invalid.
mlir::LogicalResult foldOp(mlir::Operation *op, int64_t maxElements, Report &report, FoldBudget &budget);

} // namespace sinter::nn
