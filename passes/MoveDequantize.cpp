// nn-move-dequantize: what only moves or selects elements works on bytes. f(s*(x - z)) = s*(f(x) - z) for every f that
// copies elements, and for a maximum where s > 0.
#include "ir/Diagnostics.h"
#include "passes/Passes.h"
#include "passes/QuantisedValues.h"
#include "passes/Remarks.h"
#include "passes/Rewrite.h"
#include "passes/Unused.h"

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_MOVEDEQUANTIZE
#include "passes/Passes.h.inc"

namespace {

struct MoveDequantizePass : impl::MoveDequantizeBase<MoveDequantizePass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Block &body = function.getBody().front();
      for (auto op : llvm::make_early_inc_range(body.getOps<QuantizeOp>()))
        remarkMissed(op, getArgument(), quantizeOperands(op));
      SmallVector<Operation *> ops;
      for (Operation &op : body)
        ops.push_back(&op);
      for (Operation *op : ops)
        if (movesElements(op))
          remarkMissed(op, getArgument(), moveBytes(op));
        else if (auto quantize = dyn_cast<QuantizeOp>(op))
          remarkMissed(op, getArgument(), dropQuantize(quantize));
      eraseUnused(body);
    }
  }

private:
  static bool movesElements(Operation *op) {
    // Behind an Expand or a Tile each element would be dequantised as often as it is repeated.
    return isa<MaxPoolOp>(op) || (copiesFirst(op) && !isa<ExpandOp, TileOp>(op));
  }

  /// A window in the padding alone gives the least value of the type, of which floats have another than bytes.
  static Legality readsElements(MaxPoolOp pool) {
    FailureOr<Window> window = pool.window();
    bool isFull =
        succeeded(window) && llvm::all_of(*window, [](const WindowAxis &axis) {
          return axis.padBegin < axis.extent() && axis.taps(axis.out - 1).first < axis.taps(axis.out - 1).second;
        });
    return isFull ? Legality::yes() : Legality::no("WINDOW_IN_PADDING", "one of its windows lies in the padding alone");
  }

  static bool isPerTensor(Value scale, Value zeroPoint) {
    return rankedType(scale).getRank() == 0 && rankedType(zeroPoint).getRank() == 0;
  }

  /// The op on bytes, and a dequantisation behind it.
  static Legality moveBytes(Operation *op) {
    // First, as it refuses sizes that no pass must count with.
    auto pool = dyn_cast<MaxPoolOp>(op);
    Legality isFull = pool ? readsElements(pool) : Legality::yes();
    auto dequantize = op->getOperand(0).getDefiningOp<DequantizeOp>();
    if (!dequantize || op->getNumResults() != 1)
      return Legality::noCandidate();
    Legality why;
    std::optional<Bytes> x = bytesOf(op->getOperand(0), &why);
    if (!x)
      return why;
    if (!isFull)
      return isFull;
    RankedTensorType type = rankedType(op->getResult(0));
    // Scale and zero point must broadcast to whatever rank there is.
    if (!isPerTensor(dequantize.getScale(), dequantize.getZeroPoint()))
      return Legality::no("INPUT_PER_CHANNEL", "the scale or zero point of what it reads is no scalar");
    rewrite(op, "move-bytes", [&] {
      OpBuilder b(op);
      Operation *moved = b.clone(*op);
      moved->setOperand(0, x->value);
      moved->getResult(0).setType(RankedTensorType::get(type.getShape(), elementTypeOf(x->value)));
      Value y = DequantizeOp::create(b, dequantize.getLoc(), type, moved->getResult(0), dequantize.getScale(),
                                     dequantize.getZeroPoint());
      op->replaceAllUsesWith(ValueRange(y));
      op->erase();
    });
    return Legality::yes();
  }

  static bool equal(Value a, Value b) {
    std::optional<double> x = constantScalar(a), y = constantScalar(b);
    return a == b || (x && y && *x == *y);
  }

  /// round(s*(q - z) / s) + z = q: the error of the product and the quotient is far below a half, and no product of
  /// Bytes overflows.
  static Legality dropQuantize(QuantizeOp op) {
    auto dequantize = op.getX().getDefiningOp<DequantizeOp>();
    if (!dequantize)
      return Legality::noCandidate();
    Legality why;
    std::optional<Bytes> x = bytesOf(op.getX(), &why);
    if (!x)
      return why;
    if (x->value.getType() != op.getY().getType() || !equal(dequantize.getScale(), op.getScale()) ||
        !equal(dequantize.getZeroPoint(), op.getZeroPoint()))
      return Legality::no("OTHER_QUANTISATION",
                          describe(dequantize) + " before it has another scale, zero point or type");
    rewrite(op, "drop-quantize", [&] {
      op.replaceAllUsesWith(x->value);
      op.erase();
    });
    return Legality::yes();
  }

  /// A quantised concatenation joins quantised operands.
  static Legality quantizeOperands(QuantizeOp op) {
    auto concat = op.getX().getDefiningOp<ConcatOp>();
    if (!concat)
      return Legality::noCandidate();
    if (!concat->hasOneUse())
      return Legality::no("MULTI_CONSUMER",
                          "more reads " + describe(concat) + " before it, which has to stay of floats");
    if (!isPerTensor(op.getScale(), op.getZeroPoint()))
      return Legality::no("INPUT_PER_CHANNEL", "its scale or zero point is no scalar");
    rewrite(op, "quantize-operands", [&] {
      OpBuilder b(op);
      SmallVector<Value> operands;
      for (Value operand : concat.getInputs()) {
        auto type = RankedTensorType::get(rankedType(operand).getShape(), elementTypeOf(op.getY()));
        operands.push_back(QuantizeOp::create(b, op.getLoc(), type, operand, op.getScale(), op.getZeroPoint()));
      }
      op.replaceAllUsesWith(
          ConcatOp::create(b, concat.getLoc(), op.getY().getType(), operands, concat.getAxisAttr()).getResult());
      op.erase();
      concat.erase();
    });
    return Legality::yes();
  }
};

} // namespace
} // namespace sinter::nn
