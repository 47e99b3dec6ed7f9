// nn-fold-batch-norm: an inference BatchNorm is the affine y = s*x + t with s = gamma/sqrt(var+eps), t = beta
// - mean*s (Ioffe and Szegedy, arXiv 1502.03167, section 3.1). It moves to where it costs nothing, up or down
// the graph, or stays as nn.channel_affine and fuses.
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "passes/AffineMover.h"
#include "passes/Explain.h"
#include "passes/FeedsRounding.h"
#include "passes/Passes.h"
#include "passes/RangeAnalysis.h"
#include "passes/Remarks.h"
#include "passes/Report.h"
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
    report.emplace(getOperation());
    borderBytes = 0;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Block &body = function.getBody().front();
      eraseUnused(body);
      // An affine that stayed may move once its neighbours have.
      while (sweep(body))
        eraseUnused(body);
      for (const auto &[op, why] : stayed)
        remarkMissed(op, getArgument(), why);
      if (wantsRemarks(&getContext()))
        remarkRoundings(body);
      for (auto op : llvm::make_early_inc_range(function.getOps<BatchNormOp>()))
        replaceByAffine(op);
    }
    report->save();
    if (borderBytes)
      getOperation()->setAttr(borderConstantBytesAttr, Builder(&getContext()).getI64IntegerAttr(borderBytes));
  }

private:
  /// Tries every affine once, in order; whether one moved.
  bool sweep(Block &body) {
    bool changed = false;
    SmallVector<Operation *> candidates;
    // A product or sum of its own costs next to nothing; a last bit that becomes a step of a quantisation does.
    DenseSet<Operation *> beforeRoundings = findOpsBeforeRoundings(body);
    for (Operation &op : body)
      if (isAffineLike(&op) && !beforeRoundings.contains(&op))
        candidates.push_back(&op);
    // Moving an affine erases ops that took it up: candidates after it may be gone. What was made since may stand at
    // the address of one that is gone; the next sweep looks at it.
    gone.clear();
    stayed.clear();
    for (Operation *op : candidates)
      changed |= !gone.contains(op) && process(op);
    return changed;
  }

  /// Affines that are no candidates.
  void remarkRoundings(Block &body) {
    DenseSet<Operation *> beforeRoundings = findOpsBeforeRoundings(body);
    for (Operation &op : body)
      if (isAffineLike(&op) && beforeRoundings.contains(&op) && affineOf(&op).first)
        remarkMissed(
            &op, getArgument(),
            Legality::no("FEEDS_ROUNDING", "an op behind it rounds to steps, where a last bit would become one"));
  }

  static bool isAffineLike(Operation *op) {
    return isa<BatchNormOp, ChannelAffineOp, MulOp, AddOp, SubOp, DivOp, NegOp>(op);
  }

  /// Moves one affine if it can; whether it did.
  bool process(Operation *op) {
    auto [found, verdict] = affineOf(op);
    if (!found) {
      if (isa<BatchNormOp>(op))
        report->note(op->getLoc(), verdict.code, verdict.sentence);
      return false;
    }
    const ChannelAffine affine = found->affine.simplified();
    Value result = op->getResult(0);
    auto largest = [&](Value v) { return largestOf(v); };
    AffineMover mover(largest);
    if (affine.isIdentity())
      return rewrite(op, "drop-identity-affine", [&] {
        report->decide(op->getLoc(), RowOutcome::Removed, {}, "IDENTITY", "scale 1 and shift 0 in every channel");
        result.replaceAllUsesWith(found->x);
        erase(op);
      });
    if (verdict = mover.canMoveUp(found->x, affine); verdict)
      return rewrite(op, "move-affine-up", [&] {
        result.replaceAllUsesWith(mover.moveUp(found->x, affine, op->getLoc()));
        finishFolded(op, mover);
      });
    Legality down = canMoveDown(mover, *found, result, affine);
    if (down)
      return rewrite(op, "move-affine-down", [&] {
        int64_t added = 0;
        for (RankedTensorType type : mover.borderedResults())
          added += bytesOf(type) / type.getDimSize(0);
        mover.moveDown(result, found->x, affine, op->getLoc());
        finishFolded(op, mover, added);
      });
    // Behind a graph input there is but one way to go.
    const std::string &code = verdict.code == "NO_PRODUCER" ? down.code : verdict.code;
    std::string sentence = verdict.sentence + "; after it: " + down.sentence;
    report->note(op->getLoc(), code, sentence);
    // BatchNorms have rows in the report. A bias costs nothing in the kernel that it joins: nobody asks.
    if (reportKind(op).empty() && !affine.isShiftOnly())
      stayed.emplace_back(op, Legality::no(code, sentence));
    return false;
  }

  /// By the bounds that are proved; they are not kept, since rewrites change what they are of.
  double largestOf(Value v) {
    auto function = v.getParentRegion()->getParentOfType<func::FuncOp>();
    Interval bounds = RangeAnalysis(function).rangeOf(v).hull();
    return std::max(std::fabs(bounds.lo), std::fabs(bounds.hi));
  }

  /// Constant tensors at the borders are worth it only where reading them takes fewer bytes a run than the affine does
  /// where it is.
  static Legality canMoveDown(AffineMover &mover, const AffineOf &found, Value result, const ChannelAffine &affine) {
    Legality plain = mover.canMoveDown(result, affine, /*borders=*/false);
    int64_t staying = bytesOfStaying(found.x);
    if (plain || staying == 0)
      return plain;
    Legality bordered = mover.canMoveDown(result, affine, /*borders=*/true);
    int64_t reading = 0;
    for (RankedTensorType type : mover.borderedResults())
      reading += bytesOf(type);
    if (!bordered || reading < staying)
      return bordered;
    return Legality::no("ZERO_PAD_SHIFT", plain.sentence + ": a constant tensor that mends it would be " +
                                              std::to_string(reading) + " bytes to read a run, and staying moves " +
                                              std::to_string(staying));
  }

  static int64_t bytesOf(RankedTensorType type) {
    return type.getNumElements() * static_cast<int64_t>(sizeOf(*toDType(type.getElementType())));
  }

  /// The bytes that an affine of x moves where it stays: none in the kernel that computes x; a second result
  /// where other ops read x too; a pass of its own over an input.
  static int64_t bytesOfStaying(Value x) {
    if (!x.getDefiningOp())
      return 2 * bytesOf(rankedType(x));
    return x.hasOneUse() ? 0 : bytesOf(rankedType(x));
  }

  /// `added`: bytes of the constant tensors that borders need.
  void finishFolded(Operation *op, const AffineMover &mover, int64_t added = 0) {
    std::string reason = "a constant tensor of " + std::to_string(added) +
                         " bytes is added, because the padding behind it meets zeros and not its shift";
    report->decide(op->getLoc(), RowOutcome::Folded, mover.takers(), added ? "BORDER_CONSTANT" : "",
                   added ? reason : "");
    borderBytes += added;
    gone.insert(mover.erasedOps().begin(), mover.erasedOps().end());
    erase(op);
  }

  void erase(Operation *op) {
    gone.insert(op);
    op->erase();
  }

  /// Replaces a BatchNorm that could not move by a multiplication and an addition.
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
    if (!canMakeParameters(type, affine)) {
      report->note(op.getLoc(), "NONFINITE_FOLD", "its combined constants would not be finite in their storage type");
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
      auto [scale, shift] = makeParameters(builder, op.getLoc(), type, affine);
      Value y = ChannelAffineOp::create(builder, op.getLoc(), op.getY().getType(), x, scale, shift);
      op->replaceAllUsesWith(ValueRange(y));
      op->erase();
    });
  }

  std::optional<Report> report;
  int64_t borderBytes = 0;
  DenseSet<Operation *> gone;                           ///< of this sweep
  std::vector<std::pair<Operation *, Legality>> stayed; ///< the same
};

} // namespace
} // namespace sinter::nn
