// nn-fold-batch-norm: an inference BatchNorm is the affine y = s*x + t with s = gamma/sqrt(var+eps), t = beta
// - mean*s (Ioffe and Szegedy, arXiv 1502.03167, section 3.1). Its producer absorbs it, or it stays as
// nn.channel_affine.
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "passes/Passes.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_FOLDBATCHNORM
#include "passes/Passes.h.inc"

namespace {

/// The affine of a BatchNorm, or why it has none.
std::pair<ChannelAffine, AffineVerdict> affineOf(BatchNormOp op) {
  SmallVector<std::vector<double>> parameters;
  for (Value operand : op->getOperands().drop_front()) {
    std::optional<Tensor> tensor = constantTensor(operand);
    if (!tensor) {
      bool overridable = isa<BlockArgument>(operand);
      return {{},
              AffineVerdict::no(
                  "NON_CONST_PARAM",
                  overridable
                      ? "a parameter is a graph input; --freeze-inputs makes overridable ones constant"
                      : "a parameter is computed at run time")};
    }
    parameters.push_back(toDoubles(*tensor));
  }
  ChannelAffine affine;
  const std::vector<double> &gamma = parameters[0], &beta = parameters[1], &mean = parameters[2],
                            &variance = parameters[3];
  double epsilon = op.getEpsilon().convertToDouble();
  for (size_t c = 0; c < gamma.size(); ++c) {
    double s = gamma[c] / std::sqrt(variance[c] + epsilon);
    affine.scale.push_back(s);
    affine.shift.push_back(beta[c] - mean[c] * s);
  }
  if (!affine.isFinite())
    return {affine, AffineVerdict::no("NONFINITE_FOLD", "gamma/sqrt(var+eps) or the shift is not finite")};
  return {affine, AffineVerdict::yes()};
}

struct FoldBatchNormPass : impl::FoldBatchNormBase<FoldBatchNormPass> {
  void runOnOperation() override {
    SmallVector<Attribute> rows;
    for (auto function : getOperation().getOps<func::FuncOp>())
      for (auto op : llvm::make_early_inc_range(function.getOps<BatchNormOp>()))
        rows.push_back(process(op));
    getOperation()->setAttr("nn.batch_norms", ArrayAttr::get(&getContext(), rows));
  }

private:
  DictionaryAttr row(BatchNormOp op, StringRef outcome, StringRef into, const AffineVerdict &verdict) {
    Builder b(&getContext());
    int64_t channels = rankedType(op.getScale()).getNumElements();
    return b.getDictionaryAttr({b.getNamedAttr("name", b.getStringAttr(nameOf(op.getLoc()))),
                                b.getNamedAttr("channels", b.getI64IntegerAttr(channels)),
                                b.getNamedAttr("outcome", b.getStringAttr(outcome)),
                                b.getNamedAttr("into", b.getStringAttr(into)),
                                b.getNamedAttr("code", b.getStringAttr(verdict.code)),
                                b.getNamedAttr("reason", b.getStringAttr(verdict.reason))});
  }

  Attribute process(BatchNormOp op) {
    auto [affine, verdict] = affineOf(op);
    if (!verdict)
      return row(op, "kept", "", verdict);
    Operation *producer = op.getX().getDefiningOp();
    if (verdict = canFold(op, producer, affine); verdict) {
      DictionaryAttr folded = row(op, "folded", nameOf(producer->getLoc()), verdict);
      OpBuilder builder(op);
      Value value = cast<AffineOpInterface>(producer).absorbAtOutput(builder, affine);
      value.setLoc(builder.getFusedLoc({producer->getLoc(), op.getLoc()}));
      op->replaceAllUsesWith(ValueRange(value));
      op->erase();
      producer->erase();
      return folded;
    }
    DictionaryAttr kept = row(op, "kept", "", verdict);
    replaceByAffine(op, affine);
    return kept;
  }

  AffineVerdict canFold(BatchNormOp op, Operation *producer, const ChannelAffine &affine) {
    if (!producer)
      return AffineVerdict::no("NO_PRODUCER", "it reads a graph input: nothing before it can take it up");
    auto interface = dyn_cast<AffineOpInterface>(producer);
    if (!interface)
      return AffineVerdict::no("OP_CANNOT_ABSORB",
                               describe(producer) + " before it has no constants to take it up");
    for (Operation *user : op.getX().getUsers()) {
      if (user == op)
        continue;
      return isa<func::ReturnOp>(user)
                 ? AffineVerdict::no("GRAPH_OUTPUT", "the value before it is a graph output")
                 : AffineVerdict::no("MULTI_CONSUMER", describe(user) + " reads the value before it too");
    }
    return interface.canAbsorbAtOutput(affine);
  }

  /// s and t as constants that broadcast along axis 1 of x.
  void replaceByAffine(BatchNormOp op, const ChannelAffine &affine) {
    OpBuilder builder(op);
    RankedTensorType type = rankedType(op.getX());
    auto constant = [&](const std::vector<double> &values) -> Value {
      Shape shape(std::max<int64_t>(type.getRank() - 1, 1), 1);
      shape[0] = affine.channels();
      Tensor tensor(*toDType(type.getElementType()), shape);
      storeDoubles(tensor, values);
      return ConstantOp::create(builder, op.getLoc(), tensor, nameOf(op.getLoc()));
    };
    Value y = ChannelAffineOp::create(builder, op.getLoc(), op.getY().getType(), op.getX(),
                                      constant(affine.scale), constant(affine.shift));
    op->replaceAllUsesWith(ValueRange(y));
    op->erase();
  }
};

} // namespace
} // namespace sinter::nn
