// Without FMA, a product and a sum; without rounding instructions, (|x| + 2^m) - 2^m, which rounds x to an integer.
#include "codegen/target/ExpandForTarget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace sinter::codegen {
namespace {

Value number(ImplicitLocOpBuilder &b, Type type, double value) {
  TypedAttr attribute = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attribute = DenseElementsAttr::get(vector, Attribute(attribute));
  return arith::ConstantOp::create(b, attribute);
}

Value select(ImplicitLocOpBuilder &b, arith::CmpFPredicate predicate, Value left, Value right, Value yes, Value no) {
  return arith::SelectOp::create(b, arith::CmpFOp::create(b, predicate, left, right), yes, no);
}

/// To the nearest integer, ties to even: (|x| + 2^m) - 2^m, m the mantissa's bits, for |x| < 2^m; larger x and NaN are
/// integers already.
Value roundEven(ImplicitLocOpBuilder &b, Value x) {
  bool isDouble = getElementTypeOrSelf(x.getType()).isF64();
  Value large = number(b, x.getType(), isDouble ? 0x1p52 : 0x1p23);
  Value magnitude = math::AbsFOp::create(b, x);
  Value sum = arith::AddFOp::create(b, magnitude, large);
  Value rounded = math::CopySignOp::create(b, arith::SubFOp::create(b, sum, large), x);
  return select(b, arith::CmpFPredicate::OLT, magnitude, large, rounded, x);
}

/// The rounded value, one down (up) where rounding went up (down).
Value floorOrCeil(ImplicitLocOpBuilder &b, Value x, bool isFloor) {
  Value rounded = roundEven(b, x);
  Value moved = arith::AddFOp::create(b, rounded, number(b, x.getType(), isFloor ? -1 : 1));
  Value result = select(b, isFloor ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT, rounded, x, moved, rounded);
  return math::CopySignOp::create(b, result, x);
}

struct ExpandForTarget : PassWrapper<ExpandForTarget, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ExpandForTarget)

  explicit ExpandForTarget(const Target &target) : hasFma(target.hasFma), hasRounding(target.hasRounding) {}
  StringRef getArgument() const override { return "expand-for-target"; }

  void runOnOperation() override {
    if (hasFma && hasRounding)
      return;
    getOperation().walk([&](Operation *op) {
      ImplicitLocOpBuilder b(op->getLoc(), op);
      Value result;
      if (!hasFma && isa<math::FmaOp, vector::FMAOp>(op)) {
        Value product = arith::MulFOp::create(b, op->getOperand(0), op->getOperand(1));
        result = arith::AddFOp::create(b, product, op->getOperand(2));
      } else if (!hasRounding) {
        result = expandRounding(b, op);
      }
      if (!result)
        return;
      op->replaceAllUsesWith(ValueRange(result));
      op->erase();
    });
  }

private:
  static Value expandRounding(ImplicitLocOpBuilder &b, Operation *op) {
    if (isa<math::RoundEvenOp>(op))
      return roundEven(b, op->getOperand(0));
    if (isa<math::FloorOp, math::CeilOp>(op))
      return floorOrCeil(b, op->getOperand(0), isa<math::FloorOp>(op));
    if (isa<math::TruncOp>(op)) {
      Value x = op->getOperand(0);
      Value magnitude = floorOrCeil(b, math::AbsFOp::create(b, x), true);
      return math::CopySignOp::create(b, magnitude, x);
    }
    return {};
  }

  bool hasFma, hasRounding;
};

} // namespace

std::unique_ptr<Pass> createExpandForTarget(const Target &target) { return std::make_unique<ExpandForTarget>(target); }

} // namespace sinter::codegen
