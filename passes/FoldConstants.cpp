// nn-fold-constants, and foldOp, which nn-specialise-shapes uses for shape arithmetic.
#include "ir/Ops.h"
#include "passes/FoldOp.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/Report.h"
#include "passes/Rewrite.h"
#include "passes/Splats.h"
#include "passes/Unused.h"

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_FOLDCONSTANTS
#include "passes/Passes.h.inc"

/// The report's word on a node whose operands are constants.
static void recordFolded(Report &report, Operation *op) {
  StringRef kind = reportKind(op);
  if (kind.empty())
    return;
  report.decide(op->getLoc(), kind == "BatchNormalization" ? RowOutcome::Folded : RowOutcome::Constant, {},
                "CONSTANT_OPERAND", "its operand is a constant, so it was computed at compile time");
}

/// The operand that a constant condition takes everywhere, if it is the result as it stands.
static Value alwaysTaken(WhereOp where) {
  std::optional<Tensor> condition = constantTensor(where.getCondition());
  if (!condition || condition->size() == 0)
    return {};
  std::span<const uint8_t> bits = std::as_const(*condition).as<uint8_t>();
  bool first = bits.front() != 0;
  Value taken = first ? where.getA() : where.getB();
  bool isAll = llvm::all_of(bits, [&](uint8_t bit) { return (bit != 0) == first; });
  return isAll && taken.getType() == where.getY().getType() ? taken : Value();
}

LogicalResult foldOp(Operation *op, int64_t maxElements, Report &report, FoldBudget &budget) {
  if (isa<ConstantOp>(op) || !isa<ReferenceOpInterface>(op) || op->getNumRegions())
    return success();
  for (Type type : op->getResultTypes()) {
    auto ranked = dyn_cast<RankedTensorType>(type);
    if (!ranked || !ranked.hasStaticShape() || ranked.getNumElements() > maxElements)
      return success();
  }
  if (auto select = dyn_cast<SelectOp>(op))
    if (std::optional<double> taken = constantScalar(select.getCondition())) {
      rewrite(op, "take-branch", [&] {
        op->replaceAllUsesWith(ValueRange(*taken != 0 ? select.getA() : select.getB()));
        op->erase();
      });
      return success();
    }
  if (auto where = dyn_cast<WhereOp>(op))
    if (Value taken = alwaysTaken(where)) {
      rewrite(op, "take-branch", [&] {
        op->replaceAllUsesWith(ValueRange(taken));
        op->erase();
      });
      return success();
    }
  // These depend on the operand's type alone: an empty tensor of that shape stands for it.
  bool needsTypeOnly = isa<EyeLikeOp, ShapeOp, SizeOp>(op);
  SmallVector<Tensor> operands;
  for (Value operand : op->getOperands()) {
    std::optional<Tensor> tensor = constantTensor(operand);
    if (!tensor && needsTypeOnly) {
      RankedTensorType type = rankedType(operand);
      if (!type || !type.hasStaticShape() || !toDType(type.getElementType()))
        return success();
      tensor = Tensor::view(*toDType(type.getElementType()), Shape(type.getShape()), nullptr);
    }
    if (!tensor)
      return success();
    operands.push_back(*tensor);
  }
  if (!budget.take(op))
    return success();
  FailureOr<SmallVector<Tensor>> results = evaluateOp(op, operands);
  if (failed(results))
    return failure();
  rewrite(op, "fold-constant", [&] {
    recordFolded(report, op);
    OpBuilder builder(op);
    for (auto [result, tensor] : llvm::zip_equal(op->getResults(), *results))
      result.replaceAllUsesWith(ConstantOp::create(builder, op->getLoc(), tensor));
    op->erase();
  });
  return success();
}

namespace {

constexpr int64_t foldedElements = int64_t(1) << 26;

struct FoldConstantsPass : impl::FoldConstantsBase<FoldConstantsPass> {
  using FoldConstantsBase::FoldConstantsBase;

  void runOnOperation() override {
    Report report(getOperation());
    FoldBudget budget(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Block &body = function.getBody().front();
      for (Operation &op : llvm::make_early_inc_range(body.without_terminator()))
        if (auto copy = dyn_cast<IdentityOp>(op); copy && copy.getX().getType() == copy.getType())
          rewrite(copy, "drop-copy", [&] { copy.replaceAllUsesWith(copy.getX()); });
        else if (!dequantise && isa<DequantizeOp>(op))
          continue;
        else if (foldSplat(&op))
          continue;
        else if (failed(foldOp(&op, foldedElements, report, budget)))
          return signalPassFailure();
      eraseUnused(body, [&](Operation *op) {
        if (!reportKind(op).empty())
          report.decide(op->getLoc(), RowOutcome::Removed, {}, "UNUSED_RESULT", "no output of the model depends on it");
      });
      if (wantsRemarks(&getContext()))
        for (Operation &op : body.without_terminator())
          remarkMissed(&op, getArgument(), isWorthFolding(&op, budget));
    }
    report.save();
  }

private:
  /// Whether an op that is left would have been folded, were it not for its cost.
  static Legality isWorthFolding(Operation *op, const FoldBudget &budget) {
    bool isConstant = op->getNumOperands() > 0 && llvm::all_of(op->getOperands(), [](Value operand) {
                        return static_cast<bool>(operand.getDefiningOp<ConstantOp>());
                      });
    if (!isConstant || !isa<ReferenceOpInterface>(op))
      return Legality::noCandidate();
    for (Type type : op->getResultTypes())
      if (auto ranked = dyn_cast<RankedTensorType>(type); ranked && ranked.getNumElements() > foldedElements)
        return Legality::no("RESULT_TOO_LARGE", "its operands are constant, and its result has " +
                                                    llvm::Twine(ranked.getNumElements()) + " elements");
    return budget.covers(op) ? Legality::noCandidate()
                             : Legality::no("FOLD_TOO_COSTLY", "its operands are constant, and computing it takes more "
                                                               "work or memory than compiling may");
  }
};

} // namespace
} // namespace sinter::nn
