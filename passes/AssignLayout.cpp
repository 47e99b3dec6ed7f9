// nn-assign-layout: which values lie in memory in channel blocks. Convolutions compute blocks of channels in
// vectors, so a blocked layout starts at the first of them and lasts as long as ops can work on it; reorders
// stand where it ends (NeoCPU, Liu et al., arXiv 1809.02697, section 3.2, with one block size throughout).
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "ir/analysis/ConvolutionLayout.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/Rewrite.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_ASSIGNLAYOUT
#include "passes/Passes.h.inc"

namespace {

constexpr int64_t channelAxis = 1;

/// The layout of an op: a blocked result with these operands blocked too, or nothing blocked, and why.
struct Decision {
  Legality isBlocked;
  SmallVector<unsigned> blockedOperands = {};

  static Decision plain(StringRef code, const Twine &sentence) { return {Legality::no(code, sentence)}; }
  static Decision blocked(SmallVector<unsigned> operands) { return {Legality::yes(), std::move(operands)}; }
};

struct AssignLayoutPass : impl::AssignLayoutBase<AssignLayoutPass> {
  using AssignLayoutBase::AssignLayoutBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Block &body = function.getBody().front();
      if (!body.getOps<KernelOp>().empty())
        continue;
      makePlain(body);
      if (block < 2)
        continue;
      layout = BlockedAttr::get(&getContext(), channelAxis, block);
      converted.clear();
      for (Operation &op : llvm::make_early_inc_range(body.without_terminator()))
        assign(&op);
      for (OpOperand &output : body.getTerminator()->getOpOperands())
        setLayout(output, {}, [] { return "the model's outputs lie plain"; });
    }
    converted.clear();
  }

private:
  /// Forgets the layouts of a dump.
  static void makePlain(Block &body) {
    for (Operation &op : llvm::make_early_inc_range(body)) {
      for (Value result : op.getResults())
        result.setType(withoutLayout(result.getType()));
      if (isa<ReorderOp>(op)) {
        op.replaceAllUsesWith(op.getOperands());
        op.erase();
      }
    }
  }

  void assign(Operation *op) {
    Decision decision = decide(op);
    if (!decision.isBlocked) {
      bool wasBlocked = llvm::any_of(op->getOperands(), [&](Value operand) { return isBlocked(operand); });
      if (wasBlocked || isa<ConvOp, ConvTransposeOp, ConvIntegerOp>(op))
        remarkMissed(op, getArgument(), decision.isBlocked);
      apply(op, decision);
    } else if (!rewrite(op, "block-channels", [&] { apply(op, decision); })) {
      apply(op, Decision{Legality::noCandidate()});
    }
  }

  void apply(Operation *op, const Decision &decision) {
    for (OpOperand &operand : op->getOpOperands()) {
      bool isBlocked = llvm::is_contained(decision.blockedOperands, operand.getOperandNumber());
      // A convolution reads either layout; every other op reads what it asked for.
      if (decision.isBlocked && isa<ConvOp, ConvIntegerOp>(op) && !isBlocked)
        continue;
      setLayout(operand, isBlocked ? layout : BlockedAttr(), [&] {
        return describe(op) +
               (isBlocked ? " works in blocks" : " works on plain values: " + decision.isBlocked.sentence);
      });
    }
    if (decision.isBlocked)
      op->getResult(0).setType(withLayout(rankedType(op->getResult(0)), layout));
  }

  /// `why` completes "reordered into ..., as ".
  void setLayout(OpOperand &operand, BlockedAttr wanted, llvm::function_ref<std::string()> why) {
    Value value = operand.get();
    if (layoutOf(value.getType()) == wanted)
      return;
    if (auto reorder = value.getDefiningOp<ReorderOp>())
      if (layoutOf(reorder.getX().getType()) == wanted)
        return operand.set(reorder.getX());
    if (wantsRemarks(&getContext()))
      remarkAnalysis(
          value, getArgument(),
          {"REORDERED",
           (wanted ? "reordered into blocks of channels, as " : "reordered into the plain layout, as ") + why()});
    Value &twin = converted[value];
    if (!twin) {
      OpBuilder builder(value.getContext());
      builder.setInsertionPointAfterValue(value);
      // A name of its own: it is a pass over memory that no node of the model asked for.
      auto name = StringAttr::get(&getContext(), "reorder of " + nameOf(value.getLoc()));
      twin =
          ReorderOp::create(builder, NameLoc::get(name, value.getLoc()), withLayout(rankedType(value), wanted), value);
    }
    operand.set(twin);
  }

  //===- What ops can do --------------------------------------------------===//

  Decision decide(Operation *op) {
    if (op->getNumResults() != 1 || !isa<ConvOp, ConvTransposeOp, ConvIntegerOp, ConcatOp, MaxPoolOp, AveragePoolOp,
                                         GlobalAveragePoolOp, ElementwiseOpInterface>(op))
      return Decision::plain("NO_BLOCKED_FORM", "it has no blocked form");
    if (!canLieInBlocks(op->getResult(0)))
      return unsuited("its result");
    return TypeSwitch<Operation *, Decision>(op)
        .Case<ConvOp, ConvTransposeOp, ConvIntegerOp>([&](auto conv) { return decideConvolution(conv); })
        .Case([&](ConcatOp concat) { return decideConcat(concat); })
        .Case<MaxPoolOp, AveragePoolOp, GlobalAveragePoolOp>(
            [&](auto pool) { return isBlocked(pool.getX()) ? Decision::blocked({0}) : plainInput(); })
        .Case([&](ElementwiseOpInterface elementwise) { return decideElementwise(elementwise); })
        .DefaultUnreachable("ops without a blocked form were taken out");
  }

  static Decision unsuited(const Twine &what) {
    return Decision::plain("NOT_SPATIAL", what + " is not of three to five dimensions and a type that is blocked");
  }
  static Decision plainInput() { return Decision::plain("INPUT_PLAIN", "what it reads lies plain"); }

  bool isBlocked(Value value) const { return layoutOf(value.getType()) == layout; }

  Decision decideConvolution(Operation *conv) {
    ConvolutionLayout suiting = suitingLayout(conv, {block, isBlocked(conv->getOperand(0)), pairs});
    switch (suiting.kind) {
    case ConvolutionLayout::Planes:
      return {std::move(suiting.isBlocked)};
    case ConvolutionLayout::FromPlanes:
      return Decision::blocked({});
    case ConvolutionLayout::Blocks:
      return Decision::blocked({0});
    }
    llvm_unreachable("all layouts are listed");
  }

  /// Blocks must not be cut: only the last operand may end within one.
  Decision decideConcat(ConcatOp concat) {
    int64_t axis = concat.getAxis(), rank = rankedType(concat.getY()).getRank(), blockedElements = 0;
    SmallVector<unsigned> all;
    for (OpOperand &operand : concat->getOpOperands()) {
      RankedTensorType type = rankedType(operand.get());
      bool isLast = operand.getOperandNumber() + 1 == concat->getNumOperands();
      bool isCut = type.getDimSize(channelAxis) % block != 0 && !isLast;
      if (!canLieInBlocks(operand.get()))
        return unsuited("an operand");
      if ((axis + rank) % rank == channelAxis && isCut)
        return Decision::plain("BLOCKS_CUT", "its operand " + Twine(operand.getOperandNumber()) + " has " +
                                                 Twine(type.getDimSize(channelAxis)) +
                                                 " channels, which end within a block of " + Twine(block.getValue()));
      blockedElements += isBlocked(operand.get()) ? type.getNumElements() : 0;
      all.push_back(operand.getOperandNumber());
    }
    return 2 * blockedElements >= rankedType(concat.getY()).getNumElements()
               ? Decision::blocked(all)
               : Decision::plain("INPUT_PLAIN", "more than half of what it reads lies plain");
  }

  /// Computed operands must have the result's channels, at the same place, or none; constants are laid out to
  /// fit.
  Decision decideElementwise(ElementwiseOpInterface op) {
    RankedTensorType result = rankedType(op->getResult(0));
    SmallVector<unsigned> blockedOperands;
    bool anyBlocked = false;
    for (OpOperand &operand : op->getOpOperands()) {
      RankedTensorType type = rankedType(operand.get());
      if (!type || !canBeBlocked(type.getElementType()))
        return Decision::plain("NO_BLOCKED_FORM", "an operand is of a type that is not blocked");
      if (constantTensor(operand.get()))
        continue;
      SmallVector<int64_t> follows = op.resultDims(operand.getOperandNumber());
      auto at = llvm::find(follows, channelAxis);
      if (at == follows.end() || type.getDimSize(at - follows.begin()) == 1)
        continue;
      if (type.getRank() != result.getRank())
        return Decision::plain("OTHER_RANK", "an operand has another number of dimensions than the result");
      blockedOperands.push_back(operand.getOperandNumber());
      anyBlocked |= isBlocked(operand.get());
    }
    return anyBlocked ? Decision::blocked(blockedOperands) : plainInput();
  }

  BlockedAttr layout;
  DenseMap<Value, Value> converted;
};

} // namespace
} // namespace sinter::nn
