// Linked into a `sinter` of the tests alone: a pass with a right rule, tanh(-x) = -tanh(x), and a wrong one,
// "BatchNorm squeezes values, so a ReLU after an affine does nothing". The search has to tell them apart.
#include "ir/Ops.h"
#include "mlir/Pass/Pass.h"
#include "passes/Pipeline.h"
#include "passes/Rewrite.h"
#include <cstdlib>

using namespace mlir;
using namespace sinter::nn;

void addFaults(OpPassManager &passes); // Faults.cpp

namespace {

struct WrongRulePass : PassWrapper<WrongRulePass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(WrongRulePass)
  StringRef getArgument() const override { return "test-wrong-rule"; }

  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : ops) {
      if (auto tanh = dyn_cast<TanhOp>(op))
        if (auto neg = tanh.getX().getDefiningOp<NegOp>())
          rewrite(op, "tanh-is-odd", [&] {
            OpBuilder builder(op);
            Value inner = TanhOp::create(builder, op->getLoc(), tanh.getType(), neg.getX());
            tanh.replaceAllUsesWith(NegOp::create(builder, op->getLoc(), tanh.getType(), inner).getResult());
          });
      if (auto relu = dyn_cast<ReluOp>(op))
        if (isa_and_nonnull<ChannelAffineOp, AddOp>(relu.getX().getDefiningOp()))
          rewrite(op, "squeezed-by-batch-norm", [&] { relu.replaceAllUsesWith(relu.getX()); });
    }
  }
};

[[maybe_unused]] const bool added = [] {
  addExtraPasses = [](OpPassManager &passes) {
    if (std::getenv("SINTER_FAULT"))
      addFaults(passes);
    else
      passes.addPass(std::make_unique<WrongRulePass>());
  };
  return true;
}();

} // namespace
