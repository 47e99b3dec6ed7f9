// nn-fold-requantize: round(x / s) needs no division where x has constants that can take 1/s, which is exact in real
// arithmetic; ReLUs whose zeros saturate go.
#include "ir/Diagnostics.h"
#include "passes/Passes.h"
#include "passes/QuantisedValues.h"
#include "passes/Remarks.h"
#include "passes/Report.h"
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
    Report report(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Block &body = function.getBody().front();
      for (auto op : llvm::make_early_inc_range(body.getOps<QuantizeOp>())) {
        if (auto relu = op.getX().getDefiningOp<ReluOp>())
          remarkMissed(relu, getArgument(), dropRelu(relu, op, report));
        remarkMissed(op, getArgument(), foldScale(op));
      }
      eraseUnused(body);
    }
    report.save();
  }

private:
  static constexpr int deepest = 16;

  /// Constants this large could cancel what overflows.
  static constexpr double largest = 0x1p100;

  /// The constant times `factor`, rounded once; nothing where that loses bits, or is too large on either side.
  static std::optional<Tensor> scaled(Value value, double factor) {
    std::optional<Tensor> tensor = constantTensor(value);
    if (!tensor || tensor->type() != DType::F32)
      return std::nullopt;
    std::vector<double> values = toDoubles(*tensor);
    for (double &v : values) {
      double before = v;
      v *= factor;
      if (before != 0 &&
          (!std::isnormal(static_cast<float>(v)) || std::fabs(before) > largest || std::fabs(v) > largest))
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

  /// A bound of |value|, with the constants behind it times `factor`; infinity where none is known.
  static double boundOf(Value value, double factor, int depth = 0) {
    Operation *op = value.getDefiningOp();
    if (!op || depth > deepest)
      return HUGE_VAL;
    auto largestOf = [](Value constant) {
      std::optional<Tensor> tensor = constantTensor(constant);
      double most = tensor ? 0 : HUGE_VAL;
      for (double v : tensor ? toDoubles(*tensor) : std::vector<double>())
        most = std::max(most, std::fabs(v));
      return most;
    };
    auto bound = [&](Value operand, double times) { return boundOf(operand, times, depth + 1); };
    if (isa<ConstantOp>(op))
      return largestOf(value) * factor;
    if (auto dequantize = dyn_cast<DequantizeOp>(op)) {
      Interval limits = limitsOf(elementTypeOf(dequantize.getX()));
      return largestOf(dequantize.getScale()) * (limits.hi - limits.lo) * factor;
    }
    if (auto cast = dyn_cast<CastOp>(op); cast && isa<IntegerType>(elementTypeOf(cast.getX())))
      return std::ldexp(factor, static_cast<int>(elementTypeOf(cast.getX()).getIntOrFloatBitWidth()));
    if (auto affine = dyn_cast<ChannelAffineOp>(op))
      return (bound(affine.getX(), 1) * largestOf(affine.getScale()) + largestOf(affine.getShift())) * factor;
    if (auto product = dyn_cast<MulOp>(op))
      return bound(product.getA(), 1) * bound(product.getB(), 1) * factor;
    if (isa<AddOp, SubOp>(op))
      return bound(op->getOperand(0), factor) + bound(op->getOperand(1), factor);
    return isa<ReluOp>(op) ? bound(op->getOperand(0), factor) : HUGE_VAL;
  }

  /// How many of the values that are added up may be infinite.
  static int unbounded(Value value, double factor, int depth = 0) {
    if (boundOf(value, 1) < largest && boundOf(value, factor) < largest)
      return 0;
    Operation *op = value.getDefiningOp();
    if (!op || depth > deepest || !isa<AddOp, SubOp, ReluOp>(op))
      return 1;
    int count = 0;
    for (Value operand : op->getOperands())
      count += unbounded(operand, factor, depth + 1);
    return count;
  }

  /// Whether the quotient saturates where values of the model overflow, and the other way round. One value that
  /// overflows outweighs the rest by 2^27 before and after; two may cancel in one of the computations and not in the
  /// other.
  static bool keepsInfinities(Value x, double s) { return s < largest && unbounded(x, 1 / s) <= 1; }

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

  static Legality foldScale(QuantizeOp op) {
    std::optional<double> s = constantScalar(op.getScale());
    if (!s)
      return Legality::no("NON_CONST_PARAM", "its scale is computed at run time, or not one for all elements");
    if (*s == 1)
      return Legality::yes();
    if (!(*s > 0) || !std::isnormal(*s))
      return Legality::no("SCALE_LOST", "its scale is not above 0, or subnormal");
    if (!canScale(op.getX(), 1 / *s))
      return Legality::no("OP_CANNOT_ABSORB",
                          "no constants before it, which nothing else reads, can take up its scale");
    if (!keepsInfinities(op.getX(), *s))
      return Legality::no("MAY_OVERFLOW", "what it quantises may overflow, and would not where its scale is folded");
    rewrite(op, "fold-requantize", [&] {
      OpBuilder b(op);
      Tensor one(DType::F32, {});
      storeDoubles(one, std::vector<double>{1});
      Value x = scale(b, op.getX(), 1 / *s);
      op.getXMutable().assign(x);
      op.getScaleMutable().assign(ConstantOp::create(b, op.getScale().getLoc(), one));
    });
    return Legality::yes();
  }

  /// Below its zero point the result saturates, if that is the lowest value of the type.
  static Legality dropRelu(ReluOp relu, QuantizeOp op, Report &report) {
    std::optional<double> zero = constantScalar(op.getZeroPoint()), s = constantScalar(op.getScale());
    if (!zero || !s || !(*s > 0))
      return Legality::no("NON_CONST_PARAM",
                          "the scale or zero point of " + describe(op) + " behind it is not one number above 0");
    if (*zero != limitsOf(elementTypeOf(op.getY())).lo)
      return Legality::no("ZERO_ABOVE_LOWEST",
                          "the zero point of " + describe(op) +
                              " behind it is not the lowest value of its type, so negatives do not saturate there");
    rewrite(op, "drop-saturated-relu", [&] {
      if (relu->hasOneUse())
        report.decide(relu.getLoc(), RowOutcome::Merged, namesOf(op.getLoc()), "SATURATES",
                      "the quantisation after it gives its zero for everything below");
      op.getXMutable().assign(relu.getX());
      if (relu->use_empty())
        relu->erase();
    });
    return Legality::yes();
  }
};

} // namespace
} // namespace sinter::nn
