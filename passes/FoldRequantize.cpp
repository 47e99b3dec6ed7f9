// nn-fold-requantize: round(x / s) needs no division where x has constants that can take 1/s, which is exact in real arithmetic; ReLUs whose
// zeros saturate go.
#include "passes/Journal.h"
#include "passes/Passes.h"
#include "passes/QuantisedValues.h"
#include "passes/Rewrite.h"
#include "passes/Unused.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_FOLDREQUANTIZE
#include "passes/Passes.h.inc"

namespace {

struct FoldRequantizePass : impl::FoldRequantizeBase<FoldRequantizePass> {
  void runOnOperation() override {
    Journal journal(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Block &body = function.getBody().front();
      for (auto op : llvm::make_early_inc_range(body.getOps<QuantizeOp>())) {
        dropRelu(op, journal);
        foldScale(op);
      }
      eraseUnused(body);
    }
    journal.save();
  }

private:
  static constexpr int deepest = 16;

  /// The constant times `factor`, rounded once; nothing where that is not finite or loses bits.
  static std::optional<Tensor> scaled(Value value, double factor) {
    std::optional<Tensor> tensor = constantTensor(value);
    if (!tensor || tensor->type() != DType::F32)
      return std::nullopt;
    std::vector<double> values = toDoubles(*tensor);
    for (double &v : values) {
      double before = v;
      v *= factor;
      if (before != 0 && !std::isnormal(static_cast<float>(v)))
        return std::nullopt;
    }
    Tensor result(DType::F32, Shape(tensor->shape()));
    storeDoubles(result, values);
    return result;
  }

  /// Whether the constants behind `value`, which only one op reads, can take a factor > 0.
  static bool canScale(Value value, double factor, int depth = 0) {
    Operation *op = value.getDefiningOp();
    if (!op || depth > deepest)
      return false;
    if (isa<ConstantOp>(op))
      return scaled(value, factor).has_value();
    if (auto dequantize = dyn_cast<DequantizeOp>(op)) // others may read it: there will be two
      return scaled(dequantize.getScale(), factor).has_value();
    if (!op->hasOneUse())
      return false;
    if (auto affine = dyn_cast<ChannelAffineOp>(op))
      return scaled(affine.getScale(), factor) && scaled(affine.getShift(), factor);
    if (auto product = dyn_cast<MulOp>(op))
      return scaled(product.getB(), factor).has_value() || scaled(product.getA(), factor).has_value();
    if (isa<ReluOp, AddOp, SubOp>(op))
      return llvm::all_of(op->getOperands(), [&](Value operand) { return canScale(operand, factor, depth + 1); });
    return false;
  }

  static Value scale(OpBuilder &b, Value value, double factor) {
    Operation *op = value.getDefiningOp();
    auto constant = [&](Value old) -> Value { return ConstantOp::create(b, old.getLoc(), *scaled(old, factor)); };
    if (isa<ConstantOp>(op))
      return constant(value);
    Operation *copy;
    if (auto dequantize = dyn_cast<DequantizeOp>(op)) {
      Value scale = constant(dequantize.getScale());
      copy = b.clone(*op);
      copy->setOperand(1, scale);
      return copy->getResult(0);
    }
    SmallVector<Value> operands(op->getOperands());
    if (isa<ChannelAffineOp>(op))
      operands[1] = constant(operands[1]), operands[2] = constant(operands[2]);
    else if (isa<MulOp>(op))
      operands[scaled(operands[1], factor) ? 1 : 0] = constant(operands[scaled(operands[1], factor) ? 1 : 0]);
    else
      for (Value &operand : operands)
        operand = scale(b, operand, factor);
    copy = b.clone(*op);
    copy->setOperands(operands);
    return copy->getResult(0);
  }

  static void foldScale(QuantizeOp op) {
    std::optional<double> s = constantScalar(op.getScale());
    if (!s || *s == 1 || !(*s > 0) || !std::isnormal(*s) || !canScale(op.getX(), 1 / *s))
      return;
    rewrite(op, "fold-requantize", [&] {
      OpBuilder b(op);
      Tensor one(DType::F32, {});
      storeDoubles(one, std::vector<double>{1});
      Value x = scale(b, op.getX(), 1 / *s);
      op.getXMutable().assign(x);
      op.getScaleMutable().assign(ConstantOp::create(b, op.getScale().getLoc(), one));
    });
  }

  /// Below its zero point the result saturates, if that is the lowest value of the type.
  static void dropRelu(QuantizeOp op, Journal &journal) {
    auto relu = op.getX().getDefiningOp<ReluOp>();
    std::optional<double> zero = constantScalar(op.getZeroPoint()), s = constantScalar(op.getScale());
    if (!relu || !zero || !s || !(*s > 0) || *zero != limitsOf(elementTypeOf(op.getY())).lo)
      return;
    rewrite(op, "drop-saturated-relu", [&] {
      if (relu->hasOneUse())
        journal.decide(relu.getLoc(), "merged", namesOf(op.getLoc()), "SATURATES",
                       "the quantisation after it gives its zero for everything below");
      op.getXMutable().assign(relu.getX());
      if (relu->use_empty())
        relu->erase();
    });
  }
};

} // namespace
} // namespace sinter::nn
