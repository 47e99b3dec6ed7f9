// nn-prune-channels: a channel with one value that the ranges prove leaves the network. What it adds to the
// convolution or matrix product after it goes into that op's bias, where no border makes it depend on the
// position; the ops before it lose the weights that made it.
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "ir/ops/ConvolutionSums.h"
#include "passes/ChannelSelection.h"
#include "passes/Passes.h"
#include "passes/RangeAnalysis.h"
#include "passes/Remarks.h"
#include "passes/Rewrite.h"
#include "passes/Unused.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_PRUNECHANNELS
#include "passes/Passes.h.inc"

namespace {

/// The axis of the first operand that a contraction with constant weights sums over; nothing for other ops.
std::optional<int64_t> summedAxis(Operation *op) {
  if (auto conv = dyn_cast<ConvOp>(op); conv && conv.getGroup() == 1 && constantTensor(conv.getW()))
    return 1;
  if (auto conv = dyn_cast<ConvTransposeOp>(op); conv && conv.getGroup() == 1 && constantTensor(conv.getW()))
    return 1;
  if (auto gemm = dyn_cast<GemmOp>(op); gemm && constantTensor(gemm.getB()))
    return gemm.getTransA() ? 0 : 1;
  if (auto matmul = dyn_cast<MatmulOp>(op); matmul && constantTensor(matmul.getB()))
    return rankedType(matmul.getA()).getRank() - 1;
  return std::nullopt;
}

/// The op's weight, and the axis of it that matches the summed one.
std::pair<OpOperand *, int64_t> weightOf(Operation *op) {
  OpOperand *weight = &op->getOpOperand(1);
  if (isa<ConvOp>(op))
    return {weight, 1};
  if (isa<ConvTransposeOp>(op))
    return {weight, 0};
  if (auto gemm = dyn_cast<GemmOp>(op))
    return {weight, gemm.getTransB() ? 1 : 0};
  return {weight, std::max<int64_t>(rankedType(weight->get()).getRank() - 2, 0)};
}

struct PruneChannelsPass : impl::PruneChannelsBase<PruneChannelsPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      // Values that a round has changed have bounds in the next one, and may leave other channels without readers.
      while (pruneAll(function))
        eraseUnused(function.getBody().front());
    if (removed > 0)
      getOperation()->setAttr("nn.constant_channels_removed",
                              IntegerAttr::get(IntegerType::get(&getContext(), 64), removed));
  }

private:
  /// Removes the constant channels of every value that has any, later ones first; whether there was one. The
  /// bounds of a value hold as long as its op stands.
  bool pruneAll(func::FuncOp function) {
    RangeAnalysis ranges(function);
    bool changed = false;
    llvm::MapVector<Operation *, Legality> missed;
    SmallVector<Operation *> ops(llvm::make_pointer_range(function.getBody().front().without_terminator()));
    for (Operation *op : llvm::reverse(ops))
      if (op->getBlock() && summedAxis(op)) {
        Legality isPruned = prune(op->getOperand(0), ranges);
        changed |= static_cast<bool>(isPruned);
        if (Operation *producer = op->getOperand(0).getDefiningOp();
            producer && !isPruned && !isa<ConstantOp>(producer))
          missed[producer] = isPruned;
      }
    // Channels that the last round leaves stay.
    if (!changed)
      for (const auto &[op, why] : missed)
        remarkMissed(op, getArgument(), why);
    // Only now: a new op at an old one's address would inherit its range.
    for (Operation *op : replaced)
      op->destroy();
    replaced.clear();
    return changed;
  }

  /// How many channels of the range have one value.
  static int64_t countConstants(const TensorRange &range) {
    return llvm::count_if(range.channels,
                          [](const Interval &channel) { return channel.isPoint() && channel.isFinite(); });
  }

  /// Removes the constant channels of a value that only contractions read; a no if there were none to remove.
  Legality prune(Value value, const RangeAnalysis &ranges) {
    SmallVector<Operation *> readers(value.getUsers());
    TensorRange range = ranges.rangeOf(value);
    int64_t constants = range.isUniform() ? 0 : countConstants(range);
    if (readers.empty() || constants == 0)
      return Legality::noCandidate();
    std::string some =
        llvm::itostr(constants) + " of its " + llvm::itostr(range.channels.size()) + " channels are constant, but ";
    if (range.mayBeNaN)
      return Legality::no("MAY_BE_NAN", some + "may be NaN");
    for (Operation *reader : readers)
      if (summedAxis(reader).value_or(-1) != range.axis || reader->getOperand(0) != value ||
          llvm::count(reader->getOperands(), value) != 1)
        return Legality::no(
            "READ_OTHERWISE",
            some + (isa<func::ReturnOp>(reader)
                        ? "they are a graph output"
                        : describe(reader) + " reads them, which does not sum over them with constant weights"));
    // All constants if the readers can take them, else those that are zero.
    Legality all = prune(value, range, readers, false);
    if (all || prune(value, range, readers, true))
      return Legality::yes();
    return all.sentence.empty() ? all : Legality::no(all.code, some + all.sentence);
  }

  Legality prune(Value value, const TensorRange &range, ArrayRef<Operation *> readers, bool onlyZeros) {
    KeptChannels kept{range.axis, {}};
    ChannelAffine constants = ChannelAffine::identity(static_cast<int64_t>(range.channels.size()), range.axis);
    for (auto [c, interval] : llvm::enumerate(range.channels)) {
      bool goes = interval.isPoint() && interval.isFinite() && (!onlyZeros || interval.lo == 0);
      // At least one stays: tensors without elements help nobody.
      if (!goes || (kept.channels.empty() && c + 1 == range.channels.size())) {
        kept.channels.push_back(static_cast<int64_t>(c));
        continue;
      }
      constants.scale[c] = 0;
      constants.shift[c] = interval.lo;
    }
    if (kept.channels.size() == range.channels.size())
      return Legality::noCandidate();
    for (Operation *reader : readers)
      if (Legality takes = cast<AffineOpInterface>(reader).canAbsorbAtInput(0, constants, /*borders=*/false); !takes)
        return Legality::no(takes.code, describe(reader) + ": " + takes.sentence);
    ChannelSelection selection(value, kept, readers);
    if (!selection.isPossible())
      return Legality::no("CHANNELS_BOUND", "what computes them, or what else reads that, cannot do without them");
    bool isMade = rewrite(readers.front(), "remove-constant-channels", [&] {
      Value smaller = selection.apply();
      for (Operation *reader : readers)
        shrink(reader, smaller, constants, kept);
      removed += static_cast<int64_t>(range.channels.size() - kept.channels.size());
    });
    return isMade ? Legality::yes() : Legality::noCandidate();
  }

  /// The reader takes the constants into its bias, and loses their weights.
  void shrink(Operation *reader, Value smaller, const ChannelAffine &constants, const KeptChannels &kept) {
    OpBuilder builder(reader);
    Value whole = cast<AffineOpInterface>(reader).absorbAtInput(builder, 0, reader->getOperand(0), constants);
    // A batched product may come with an addition behind it.
    Operation *changed = whole.getDefiningOp();
    while (changed->getOperand(0) != reader->getOperand(0))
      changed = changed->getOperand(0).getDefiningOp();
    auto [weight, axis] = weightOf(changed);
    builder.setInsertionPoint(changed);
    Tensor less = selectChannels(*constantTensor(weight->get()), {axis, kept.channels});
    weight->set(ConstantOp::create(builder, reader->getLoc(), less, "weight"));
    changed->setOperand(0, smaller);
    if (reader->hasAttr(directSumsAttr))
      changed->setAttr(directSumsAttr, builder.getUnitAttr());
    changed->setLoc(reader->getLoc());
    reader->getResult(0).replaceAllUsesWith(whole);
    reader->dropAllReferences();
    reader->remove();
    replaced.push_back(reader);
  }

  int64_t removed = 0;
  SmallVector<Operation *> replaced;
};

} // namespace
} // namespace sinter::nn
