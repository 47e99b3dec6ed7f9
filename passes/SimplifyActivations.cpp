// nn-simplify-activations: activations that value ranges prove to be identities, constants, or part of a
// neighbour. One analysis serves the whole pass: every rewrite keeps the values it bounds.
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "ir/ops/ConvolutionSums.h"
#include "mlir/IR/IRMapping.h"
#include "passes/ActivationRules.h"
#include "passes/Passes.h"
#include "passes/Report.h"
#include "passes/Rewrite.h"
#include "passes/Unused.h"

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_SIMPLIFYACTIVATIONS
#include "passes/Passes.h.inc"

namespace {

/// Larger results stay computed.
constexpr int64_t maxConstantElements = int64_t(1) << 24;

class Simplifier {
public:
  Simplifier(func::FuncOp function, Report &report)
      : body(function.getBody().front()), report(report), ranges(function) {}

  void run() {
    for (auto conv : body.getOps<ConvOp>())
      if (mayTakeDifferences(conv) && hasProductsOfOneSign(conv))
        conv->setAttr(directSumsAttr, UnitAttr::get(conv.getContext()));
    for (Operation &op : llvm::make_early_inc_range(body.without_terminator()))
      if (!activationKind(&op).empty())
        simplify(&op);
    // Only now: a new op at an old one's address would inherit its range.
    for (Operation *op : replaced)
      op->erase();
    eraseUnused(body, [&](Operation *op) { recordUnused(op); });
    for (Operation &op : llvm::make_early_inc_range(body.without_terminator()))
      if (isa<ElementwiseOpInterface>(op) && !activationKind(&op).empty())
        moveToProducer(&op);
  }

private:
  /// Are all products of some output channel of one sign, by the signs of the weights and of the channels that they
  /// read? Weights of one sign alone are seen without ranges.
  bool hasProductsOfOneSign(ConvOp conv) const {
    TensorRange x = ranges.rangeOf(conv.getX());
    if (x.axis != 1 || llvm::none_of(x.channels, [](Interval v) { return v.hi <= 0; }))
      return false;
    Tensor weights = *constantTensor(conv.getW());
    auto values = weights.as<float>();
    auto outputs = static_cast<size_t>(weights.shape()[0]), inputs = x.channels.size(),
         taps = values.size() / outputs / inputs;
    for (size_t o = 0; o < outputs; ++o) {
      bool positive = false, negative = false;
      for (size_t c = 0; c < inputs && !(positive && negative); ++c)
        for (float w : values.subspan((o * inputs + c) * taps, taps)) {
          positive |= (w > 0 && x.channels[c].hi > 0) || (w < 0 && x.channels[c].lo < 0);
          negative |= (w < 0 && x.channels[c].hi > 0) || (w > 0 && x.channels[c].lo < 0);
        }
      if (positive != negative)
        return true;
    }
    return false;
  }

  void simplify(Operation *op) {
    Value x = activationOperand(op);
    if (std::optional<Reason> proof = proveIdentity(op, ranges)) {
      rewrite(op, "drop-identity-activation", [&] {
        decide(op, RowOutcome::Removed, {}, *proof);
        replace(op, x);
      });
      return;
    }
    if (std::optional<Tensor> value = constantResult(op)) {
      rewrite(op, "activation-to-constant", [&] {
        bool isZero = ranges.rangeOf(op->getResult(0)).hull() == Interval::point(0);
        decide(op, RowOutcome::Constant, {},
               {isZero ? "ALWAYS_ZERO" : "ALWAYS_CONSTANT", "its operand lies in " + boundsOf(x)});
        OpBuilder builder(op);
        Value constant = ConstantOp::create(builder, op->getLoc(), *value);
        ranges.extend(constant.getDefiningOp());
        replace(op, constant);
      });
      return;
    }
    if (Operation *merged = mergeWithEarlier(op))
      op = merged;
    describeNeed(op);
  }

  /// The tensor that an op yields whatever its operands are, if ranges say so.
  std::optional<Tensor> constantResult(Operation *op) {
    TensorRange range = ranges.rangeOf(op->getResult(0));
    RankedTensorType type = rankedType(op->getResult(0));
    if (range.mayBeNaN || type.getNumElements() > maxConstantElements ||
        !llvm::all_of(range.channels, [](Interval v) { return v.isPoint() && v.isFinite(); }))
      return std::nullopt;
    if (range.hull().contains(0) && mayBeNegativeZero(op->getResult(0), ranges) && isZeroSignRead(op->getResult(0)))
      return std::nullopt;
    Tensor tensor(*toDType(type.getElementType()), Shape(type.getShape()));
    int64_t inner = tensor.size();
    if (!range.isUniform())
      inner = rowMajorStrides(type.getShape())[static_cast<size_t>(range.axis)];
    std::vector<double> values(static_cast<size_t>(tensor.size()));
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = range.channels[i / static_cast<size_t>(inner) % range.channels.size()].lo;
    storeDoubles(tensor, values);
    return tensor;
  }

  /// clamp(clamp(x)) is one clamp; an activation that only bends negative numbers vanishes under a clamp that
  /// cuts them off. Returns the op that does both.
  Operation *mergeWithEarlier(Operation *op) {
    std::optional<Clamp> outer = clampOf(op);
    Operation *earlier = activationOperand(op).getDefiningOp();
    if (!outer || !earlier || activationKind(earlier).empty() || !earlier->hasOneUse())
      return nullptr;
    std::optional<Clamp> inner = clampOf(earlier);
    // A product that underflows is -0 where the clamp alone gives +0.
    bool vanishes = outer->lo >= 0 && isAbsorbedByClamp(earlier, ranges) && !isZeroSignRead(op->getResult(0));
    if (!inner && !vanishes)
      return nullptr;
    Value x = activationOperand(earlier);
    if (x.getType() != op->getResult(0).getType())
      return nullptr;
    Value y;
    rewrite(op, "merge-clamps", [&] {
      decide(earlier, RowOutcome::Merged, namesOf(op->getLoc()),
             {"MERGED_WITH", "one clamp does the work of both: " + describe(op)});
      OpBuilder builder(op);
      y = buildClamp(builder, op->getLoc(), inner ? inner->then(*outer) : *outer, x);
      extendTo(y);
      replace(op, y);
      replace(earlier, x);
    });
    return y ? y.getDefiningOp() : nullptr;
  }

  /// An activation of one operand behind ops that only move elements goes in front of them, where it fuses
  /// into what computes its operand: once per operand of a concatenation.
  static void moveToProducer(Operation *op) {
    Value moved = op->getOperand(0);
    if (!isMovement(moved.getDefiningOp()) || !fusesInto(moved))
      return;
    for (Value bound : op->getOperands().drop_front())
      if (!bound.getDefiningOp<ConstantOp>() || rankedType(bound).getRank() != 0)
        return;
    rewrite(op, "move-activation-up", [&] {
      applyBehind(moved, op);
      op->getResult(0).replaceAllUsesWith(moved);
      op->erase();
    });
  }

  /// Whether the ops that compute the elements of a value, which nothing else reads, can all take up an
  /// activation.
  static bool fusesInto(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || !value.hasOneUse())
      return false;
    if (!isMovement(op))
      return isa<ContractionOpInterface, ElementwiseOpInterface>(op);
    return llvm::all_of(movedOperands(op), [](OpOperand &operand) { return fusesInto(operand.get()); });
  }

  /// Results hold elements of the operands and nothing else, each of them as often as before or more often.
  static bool isMovement(Operation *op) {
    if (auto resize = dyn_cast_or_null<ResizeOp>(op))
      return resize.getMode() == ResizeMode::Nearest && !resize.isCropped() &&
             rankedType(resize.getY()).getNumElements() >= rankedType(resize.getX()).getNumElements();
    return op && (permutesFirst(op) || isa<ConcatOp>(op));
  }

  static MutableArrayRef<OpOperand> movedOperands(Operation *op) {
    return isa<ConcatOp>(op) ? op->getOpOperands() : op->getOpOperands().take_front(1);
  }

  /// Applies the activation to the elements of `value`, in place. Its bounds, which are scalars, are read
  /// where it then stands.
  static void applyBehind(Value value, Operation *activation) {
    Operation *producer = value.getDefiningOp();
    if (isMovement(producer)) {
      for (OpOperand &operand : movedOperands(producer))
        applyBehind(operand.get(), activation);
      return;
    }
    OpOperand &use = *value.getUses().begin();
    OpBuilder builder(producer->getContext());
    builder.setInsertionPointAfter(producer);
    IRMapping mapping;
    mapping.map(activation->getOperand(0), value);
    for (Value bound : activation->getOperands().drop_front())
      builder.clone(*bound.getDefiningOp(), mapping);
    Operation *clone = builder.clone(*activation, mapping);
    clone->getResult(0).setType(cast<RankedTensorType>(value.getType()));
    use.set(clone->getResult(0));
  }

  //===- Records ----------------------------------------------------------===//

  void decide(Operation *op, RowOutcome outcome, ArrayRef<std::string> into, const Reason &proof) {
    recordBounds(op);
    report.decide(op->getLoc(), outcome, into, proof.code, proof.sentence);
  }

  void describeNeed(Operation *op) {
    recordBounds(op);
    Reason why = whyNeeded(op, ranges);
    for (const std::string &name : namesOf(op->getLoc()))
      if (ReportRow *row = report.find(name); row && row->outcome == RowOutcome::Undecided)
        row->code = why.code, row->reason = why.sentence;
  }

  /// Writes the proved bounds of the operand into the rows of the op.
  void recordBounds(Operation *op) {
    TensorRange range = ranges.rangeOf(activationOperand(op));
    Interval limits = limitsOf(elementTypeOf(activationOperand(op))), whole = range.hull();
    auto known = [&](double bound) {
      return limits.lo < bound && bound < limits.hi ? std::optional(bound) : std::nullopt;
    };
    for (const std::string &name : namesOf(op->getLoc()))
      if (ReportRow *row = report.find(name); row && !row->isBatchNorm()) {
        row->lo = known(whole.lo);
        row->hi = known(whole.hi);
        row->deadChannels = deadChannels(op, ranges);
      }
  }

  std::string boundsOf(Value x) {
    std::string text;
    llvm::raw_string_ostream out(text);
    ranges.rangeOf(x).print(out);
    return text;
  }

  //===- Surgery ----------------------------------------------------------===//

  void replace(Operation *op, Value value) {
    op->getResult(0).replaceAllUsesWith(value);
    op->dropAllReferences();
    replaced.push_back(op);
  }

  /// Ranges of a new op and of the constants made for it.
  void extendTo(Value value) {
    for (Value operand : value.getDefiningOp()->getOperands())
      if (auto constant = operand.getDefiningOp<ConstantOp>())
        ranges.extend(constant);
    ranges.extend(value.getDefiningOp());
  }

  void recordUnused(Operation *op) {
    for (const std::string &name : namesOf(op->getLoc()))
      if (ReportRow *row = report.find(name); row && row->outcome == RowOutcome::Undecided && !isa<ConstantOp>(op)) {
        row->outcome = RowOutcome::Removed;
        row->code = "UNUSED_RESULT";
        row->reason = "nothing reads its result any more";
      }
  }

  Block &body;
  Report &report;
  RangeAnalysis ranges;
  SmallVector<Operation *> replaced;
};

struct SimplifyActivationsPass : impl::SimplifyActivationsBase<SimplifyActivationsPass> {
  void runOnOperation() override {
    Report report(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>())
      Simplifier(function, report).run();
    report.save();
  }
};

} // namespace
} // namespace sinter::nn
