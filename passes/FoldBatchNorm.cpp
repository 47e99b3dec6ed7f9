// nn-fold-batch-norm: an inference BatchNorm is the affine y = s*x + t with s = gamma/sqrt(var+eps), t = beta
// - mean*s (Ioffe and Szegedy, arXiv 1502.03167, section 3.1). It moves to where it costs nothing, up or down
// the graph, or stays as nn.channel_affine and fuses.
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "passes/AffineMover.h"
#include "passes/Journal.h"
#include "passes/Passes.h"
#include "passes/RangeAnalysis.h"
#include "passes/Rewrite.h"
#include "passes/Unused.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_FOLDBATCHNORM
#include "passes/Passes.h.inc"

namespace {

struct FoldBatchNormPass : impl::FoldBatchNormBase<FoldBatchNormPass> {
  void runOnOperation() override {
    journal.emplace(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Block &body = function.getBody().front();
      eraseUnused(body);
      // An affine that stayed may move once its neighbours have.
      while (sweep(body))
        eraseUnused(body);
      for (auto op : llvm::make_early_inc_range(function.getOps<BatchNormOp>()))
        replaceByAffine(op);
    }
    journal->save();
  }

private:
  /// Tries every affine once, in order; whether one moved.
  bool sweep(Block &body) {
    bool changed = false;
    SmallVector<Operation *> candidates;
    for (Operation &op : body)
      if (isAffineLike(&op))
        candidates.push_back(&op);
    // Moving an affine erases ops that took it up: candidates after it may be gone.
    DenseSet<Operation *> alive(candidates.begin(), candidates.end());
    for (Operation *op : candidates)
      if (alive.contains(op) && process(op)) {
        changed = true;
        alive.clear();
        for (Operation &left : body)
          alive.insert(&left);
      }
    return changed;
  }

  static bool isAffineLike(Operation *op) {
    return isa<BatchNormOp, ChannelAffineOp, MulOp, AddOp, SubOp, DivOp, NegOp>(op);
  }

  /// Moves one affine if it can; whether it did.
  bool process(Operation *op) {
    auto [found, verdict] = affineOf(op);
    if (!found) {
      if (isa<BatchNormOp>(op))
        journal->note(op->getLoc(), verdict.code, verdict.reason);
      return false;
    }
    const ChannelAffine affine = found->affine.simplified();
    Value result = op->getResult(0);
    auto largest = [&](Value v) { return largestOf(v); };
    AffineMover mover(largest);
    if (affine.isIdentity())
      return rewrite(op, "drop-identity-affine", [&] {
        journal->decide(op->getLoc(), "removed", {}, "IDENTITY", "scale 1 and shift 0 in every channel");
        result.replaceAllUsesWith(found->x);
        op->erase();
      });
    if (verdict = mover.canMoveUp(found->x, affine); verdict)
      return rewrite(op, "move-affine-up", [&] {
        result.replaceAllUsesWith(mover.moveUp(found->x, affine, op->getLoc()));
        finishFolded(op, mover);
      });
    AffineVerdict down = canMoveDown(mover, *found, result, affine);
    if (down)
      return rewrite(op, "move-affine-down", [&] {
        mover.moveDown(result, found->x, affine, op->getLoc());
        finishFolded(op, mover);
      });
    // Behind a graph input there is but one way to go.
    journal->note(op->getLoc(), verdict.code == "NO_PRODUCER" ? down.code : verdict.code,
                  verdict.reason + "; after it: " + down.reason);
    return false;
  }

  /// By the bounds that are proved; they are not kept, since rewrites change what they are of.
  double largestOf(Value v) {
    auto function = v.getParentRegion()->getParentOfType<func::FuncOp>();
    Interval bounds = RangeAnalysis(function).rangeOf(v).hull();
    return std::max(std::fabs(bounds.lo), std::fabs(bounds.hi));
  }

  /// A constant tensor at the borders is worth it only where the affine has no kernel to join for free.
  AffineVerdict canMoveDown(AffineMover &mover, const AffineOf &found, Value result,
                            const ChannelAffine &affine) {
    AffineVerdict plain = mover.canMoveDown(result, affine, /*borders=*/false);
    bool isAlone = !found.x.getDefiningOp() || !found.x.hasOneUse();
    return plain || !isAlone ? plain : mover.canMoveDown(result, affine, /*borders=*/true);
  }

  void finishFolded(Operation *op, const AffineMover &mover) {
    journal->decide(op->getLoc(), "folded", mover.takers(), "", "");
    op->erase();
  }

  /// What could not move, as a multiplication and an addition.
  void replaceByAffine(BatchNormOp op) {
    std::optional<AffineOf> found = affineOf(op).first;
    if (!found)
      return;
    OpBuilder builder(op);
    RankedTensorType type = rankedType(op.getX());
    ChannelAffine affine = found->affine;
    // x - mean is exact near the mean, s*x - s*mean is not.
    std::optional<Tensor> mean;
    if (!keepsDigits(affine, type.getElementType())) {
      mean = constantTensor(op.getMean());
      affine.shift = toDoubles(*constantTensor(op.getBias()));
    }
    auto [scale, shift] = makeParameters(builder, op.getLoc(), type, affine);
    if (!scale) {
      journal->note(op.getLoc(), "NONFINITE_FOLD",
                    "its combined constants would not be finite in their storage type");
      return;
    }
    rewrite(op, "batch-norm-to-affine", [&] {
      Value x = op.getX();
      if (mean) {
        ChannelAffine means = affine;
        means.shift = toDoubles(*mean);
        auto [unused, c] = makeParameters(builder, op.getLoc(), type, means);
        x = SubOp::create(builder, op.getLoc(), x.getType(), x, c);
      }
      Value y = ChannelAffineOp::create(builder, op.getLoc(), op.getY().getType(), x, scale, shift);
      op->replaceAllUsesWith(ValueRange(y));
      op->erase();
    });
  }

  std::optional<Journal> journal;
};

} // namespace
} // namespace sinter::nn
