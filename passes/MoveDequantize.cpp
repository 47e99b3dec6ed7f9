// nn-move-dequantize: what only moves or selects elements works on bytes. f(s*(x - z)) = s*(f(x) - z) for every f that
// copies elements, and for a maximum where s > 0.
#include "passes/Passes.h"
#include "passes/QuantisedValues.h"
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
        quantizeOperands(op);
      SmallVector<Operation *> ops;
      for (Operation &op : body)
        ops.push_back(&op);
      for (Operation *op : ops)
        if (movesElements(op))
          moveBytes(op);
        else if (auto quantize = dyn_cast<QuantizeOp>(op))
          dropQuantize(quantize);
      eraseUnused(body);
    }
  }

private:
  static bool movesElements(Operation *op) {
    if (auto pool = dyn_cast<MaxPoolOp>(op)) {
      // A window in the padding alone gives the least value of the type, of which floats have another than bytes.
      FailureOr<Window> window = pool.window();
      return succeeded(window) && llvm::all_of(*window, [](const WindowAxis &axis) {
               return axis.padBegin < axis.extent() && axis.taps(axis.out - 1).first < axis.taps(axis.out - 1).second;
             });
    }
    return isa<ReshapeOp, FlattenOp, SqueezeOp, UnsqueezeOp, TransposeOp, SliceOp, GatherOp, DepthToSpaceOp,
               SpaceToDepthOp>(op);
  }

  /// The op on bytes, and a dequantisation behind it.
  static void moveBytes(Operation *op) {
    std::optional<Bytes> x = bytesOf(op->getOperand(0));
    if (!x || op->getNumResults() != 1)
      return;
    auto dequantize = op->getOperand(0).getDefiningOp<DequantizeOp>();
    RankedTensorType type = rankedType(op->getResult(0));
    // Scale and zero point must broadcast to whatever rank there is.
    if (rankedType(dequantize.getScale()).getRank() > 0 || rankedType(dequantize.getZeroPoint()).getRank() > 0)
      return;
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
  }

  static bool equal(Value a, Value b) {
    std::optional<double> x = constantScalar(a), y = constantScalar(b);
    return a == b || (x && y && *x == *y);
  }

  /// round(s*(q - z) / s) + z = q: the error of the product and the quotient is far below a half, and no product of
  /// Bytes overflows.
  static void dropQuantize(QuantizeOp op) {
    std::optional<Bytes> x = bytesOf(op.getX());
    auto dequantize = op.getX().getDefiningOp<DequantizeOp>();
    if (!x || x->value.getType() != op.getY().getType() || !equal(dequantize.getScale(), op.getScale()) ||
        !equal(dequantize.getZeroPoint(), op.getZeroPoint()))
      return;
    rewrite(op, "drop-quantize", [&] {
      op.replaceAllUsesWith(x->value);
      op.erase();
    });
  }

  /// A quantised concatenation joins quantised operands.
  static void quantizeOperands(QuantizeOp op) {
    auto concat = op.getX().getDefiningOp<ConcatOp>();
    if (!concat || !concat->hasOneUse() || rankedType(op.getScale()).getRank() > 0 ||
        rankedType(op.getZeroPoint()).getRank() > 0)
      return;
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
  }
};

} // namespace
} // namespace sinter::nn
