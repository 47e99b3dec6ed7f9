// nn-recognise-norms: layer norms and RMS norms that a model spells in primitives become one op each, and one kernel:
// (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon) * scale + bias (Ba et al., arXiv:1607.06450), and
// x / sqrt(mean(x^2) + epsilon) * scale (Zhang and Sennrich, arXiv:1910.07467).
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "ir/ops/Reduction.h"
#include "passes/InnerValues.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/Rewrite.h"
#include "passes/Unused.h"

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_RECOGNISENORMS
#include "passes/Passes.h.inc"

namespace {

/// One norm as it is found, from the quotient that standardises x on.
class NormMatcher {
public:
  /// Whether `op` is the quotient of a norm whose inner values nothing else reads. What divides by no root of a sum
  /// does not look like one: that no has no words.
  Legality match(Operation *op);
  /// Puts the norm in the place of the last of its ops.
  void replace();

private:
  Value rootOf(Value v, bool isInverse);
  Legality matchQuotient(Operation *op, Value top, Value under);
  Legality isVariance(Value mean, Value top);
  Value meanOf(Value v, int64_t &from);
  Value squareOf(Value v);
  void takeParameters();
  template <typename Op> Op take(Value v) {
    auto op = v.getDefiningOp<Op>();
    if (op)
      ops.push_back(op);
    return op;
  }

  SmallVector<Operation *> ops;
  Operation *last = nullptr;
  Value x, scale, bias;
  int64_t axis = 0;
  double epsilon = 0;
  bool isCentred = false;
};

/// The value of which v (or 1/v) is the square root.
Value NormMatcher::rootOf(Value v, bool isInverse) {
  if (auto power = v.getDefiningOp<PowOp>(); power && constantScalar(power.getB()) == (isInverse ? -0.5 : 0.5))
    return take<PowOp>(v).getA();
  if (!isInverse) {
    auto root = take<SqrtOp>(v);
    return root ? root.getX() : Value();
  }
  if (auto reciprocal = take<ReciprocalOp>(v))
    return rootOf(reciprocal.getX(), false);
  if (auto quotient = v.getDefiningOp<DivOp>(); quotient && constantScalar(quotient.getA()) == 1.0)
    return rootOf(take<DivOp>(v).getB(), false);
  return {};
}

/// The operand of a mean over the axes from `from` to the last one, which stay with size 1.
Value NormMatcher::meanOf(Value v, int64_t &from) {
  auto mean = v.getDefiningOp<ReduceMeanOp>();
  std::optional<SmallVector<int64_t>> axes = mean && mean.getAxes() ? constantInts(mean.getAxes()) : std::nullopt;
  if (!axes || axes->empty() || !mean.getKeepdims())
    return {};
  std::optional<SmallVector<bool>> reduced = reducedAxes(*axes, rankedType(mean.getX()).getRank(), false);
  auto first = reduced ? llvm::find(*reduced, true) : nullptr;
  if (!reduced || std::find(first, reduced->end(), false) != reduced->end())
    return {};
  from = first - reduced->begin();
  return take<ReduceMeanOp>(v).getX();
}

Value NormMatcher::squareOf(Value v) {
  if (auto power = v.getDefiningOp<PowOp>(); power && constantScalar(power.getB()) == 2.0)
    return take<PowOp>(v).getA();
  if (auto product = v.getDefiningOp<MulOp>(); product && product.getA() == product.getB())
    return take<MulOp>(v).getA();
  return {};
}

static bool isSum(Operation *op) { return isa_and_nonnull<ReduceSumOp, ReduceSumSquareOp, ReduceL2Op>(op); }

/// Whether `mean`, with a number added to it, is the mean of the squares of `top` over last axes.
Legality NormMatcher::isVariance(Value mean, Value top) {
  Operation *op = mean.getDefiningOp();
  if (Value square = meanOf(mean, axis))
    return squareOf(square) == top
               ? Legality::yes()
               : Legality::no("OTHER_FORM", "what it divides is not what " + describe(op) + " has the mean square of");
  if (isa_and_nonnull<ReduceMeanOp>(op))
    return Legality::no("OTHER_AXES", describe(op) + " is not over the last axes, or does not keep their number");
  if (isSum(op) || (isa_and_nonnull<MulOp, DivOp>(op) && isSum(op->getOperand(0).getDefiningOp())))
    return Legality::no("OTHER_FORM",
                        describe(op) + " under its root is a sum, and norms are looked for by ReduceMean");
  return Legality::noCandidate();
}

Legality NormMatcher::match(Operation *op) {
  if (!isa<DivOp, MulOp>(op) || !isa<FloatType>(elementTypeOf(op->getResult(0))))
    return Legality::noCandidate();
  Legality looksLike = matchQuotient(op, op->getOperand(0), op->getOperand(1));
  if (last || isa<DivOp>(op))
    return looksLike;
  Legality turned = matchQuotient(op, op->getOperand(1), op->getOperand(0));
  return last || !turned.sentence.empty() ? turned : looksLike;
}

/// Matches `top` divided by the root of a sum, or times its inverse: `under` is that root or inverse. `last` is set
/// where it is a norm but for its readers.
Legality NormMatcher::matchQuotient(Operation *op, Value top, Value under) {
  ops.clear();
  Value root = rootOf(under, isa<MulOp>(op));
  auto sum = root ? take<AddOp>(root) : AddOp();
  // 1 / root is the inverse that a product is looked for with.
  if (!sum || constantScalar(top))
    return Legality::noCandidate();
  std::optional<double> a = constantScalar(sum.getA()), b = constantScalar(sum.getB());
  if (!a && !b)
    return Legality::no("NON_CONST_PARAM", isa_and_nonnull<ReduceMeanOp>(sum.getA().getDefiningOp()) ||
                                                   isa_and_nonnull<ReduceMeanOp>(sum.getB().getDefiningOp())
                                               ? "what " + describe(sum) + " adds to the mean square is no constant"
                                               : "");
  if (Legality hasVariance = isVariance(a ? sum.getB() : sum.getA(), top); !hasVariance)
    return hasVariance;
  if (top.getType() != op->getResult(0).getType())
    return Legality::no("OTHER_FORM", "what it divides is broadcast to another shape");
  if (Type element = elementTypeOf(op->getResult(0)); !element.isF32())
    return Legality::no("F32_ONLY",
                        "it looks like a norm of " + typeText(element) + ", and those of f32 alone are known");
  epsilon = a ? *a : *b;
  x = top;
  last = op;
  ops.push_back(op);
  int64_t centreAxis = -1;
  if (auto centred = top.getDefiningOp<SubOp>()) {
    size_t before = ops.size();
    isCentred = meanOf(centred.getB(), centreAxis) == centred.getA() && centreAxis == axis;
    if (isCentred) {
      x = centred.getA();
      ops.push_back(centred);
    } else {
      ops.resize(before);
    }
  }
  takeParameters();
  return readInsideAlone(ops, last);
}

/// The constants that the quotient is multiplied with, and that are added to it.
void NormMatcher::takeParameters() {
  auto parameterOf = [&](Operation *user) -> Value {
    for (Value operand : user->getOperands())
      if (operand.getDefiningOp<ConstantOp>() && user->getResult(0).getType() == x.getType())
        return operand;
    return {};
  };
  auto onlyUser = [&]() { return last->hasOneUse() ? *last->user_begin() : nullptr; };
  auto product = dyn_cast_or_null<MulOp>(onlyUser());
  scale = product ? parameterOf(product) : Value();
  if (!scale)
    return;
  ops.push_back(last = product);
  auto sum = dyn_cast_or_null<AddOp>(onlyUser());
  bias = sum && isCentred ? parameterOf(sum) : Value();
  if (bias)
    ops.push_back(last = sum);
}

void NormMatcher::replace() {
  OpBuilder builder(last);
  llvm::sort(ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  Location loc =
      FusedLoc::get(builder.getContext(), llvm::map_to_vector(ops, [](Operation *op) { return op->getLoc(); }));
  if (!scale) {
    Tensor one(DType::F32, {1});
    one.as<float>()[0] = 1;
    scale = ConstantOp::create(builder, loc, one);
  }
  auto axisAttr = builder.getI64IntegerAttr(axis);
  auto epsilonAttr = builder.getF32FloatAttr(static_cast<float>(epsilon));
  Value y = isCentred ? LayerNormOp::create(builder, loc, x.getType(), x, scale, bias, axisAttr, epsilonAttr).getY()
                      : RmsNormOp::create(builder, loc, x.getType(), x, scale, axisAttr, epsilonAttr).getY();
  last->getResult(0).replaceAllUsesWith(y);
}

struct RecogniseNormsPass : impl::RecogniseNormsBase<RecogniseNormsPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Block &body = function.getBody().front();
      for (Operation &op : llvm::make_early_inc_range(body.without_terminator()))
        if (NormMatcher matcher; Legality isNorm = matcher.match(&op))
          rewrite(&op, "recognise-norm", [&] { matcher.replace(); });
        else
          remarkMissed(&op, getArgument(), isNorm);
      eraseUnused(body);
    }
  }
};

} // namespace
} // namespace sinter::nn
