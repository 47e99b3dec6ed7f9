// Per-channel affines at the output of the norms that scale and shift by constants.
#include "ir/ops/AffineFolding.h"
#include "ir/ops/Constant.h"
#include "ir/ops/Normalisation.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

/// scale' = scale*s and bias' = bias*s + t of a norm whose parameters run along `axis` of its result; null
/// where the affine does not fit, with the reason in `verdict`.
static std::optional<std::pair<Tensor, Tensor>> foldedParameters(Value scale, Value bias, RankedTensorType y,
                                                                 int64_t axis, const ChannelAffine &affine,
                                                                 Legality &verdict) {
  int64_t channels = y.getDimSize(axis);
  std::optional<ChannelAffine> mine = affine.along(axis, channels);
  std::optional<Tensor> gamma = constantTensor(scale), beta = constantTensor(bias);
  if (!mine) {
    verdict = illegalAxis(affine, axis, channels);
  } else if (!gamma || (bias && !beta)) {
    verdict = illegalComputed(gamma ? "the bias" : "the scale");
  } else if (gamma->shape() != Shape{channels} || (beta && beta->shape() != Shape{channels})) {
    verdict = Legality::no("AXIS_MISMATCH", "scale and bias do not run along the affine's axis");
  } else {
    std::vector<double> s = toDoubles(*gamma), t = beta ? toDoubles(*beta) : std::vector<double>(s.size(), 0.0);
    for (size_t c = 0; c < s.size(); ++c) {
      s[c] *= mine->scale[c];
      t[c] = t[c] * mine->scale[c] + mine->shift[c];
    }
    std::optional<Tensor> newScale = roundScales(gamma->type(), {channels}, s),
                          newBias = roundFolded(gamma->type(), {channels}, t);
    if (newScale && newBias) {
      verdict = Legality::yes();
      return std::pair(*newScale, *newBias);
    }
    verdict = illegalNonFinite();
  }
  return std::nullopt;
}

/// The axis along which the parameters run: channels, or the last one of a layer norm over that alone.
static int64_t parameterAxis(InstanceNormOp) { return 1; }
static int64_t parameterAxis(GroupNormOp) { return 1; }
static int64_t parameterAxis(LayerNormOp op) { return rankedType(op.getY()).getRank() - 1; }

template <typename Op> static Legality canAbsorb(Op op, const ChannelAffine &affine) {
  Legality verdict;
  foldedParameters(op.getScale(), op.getBias(), rankedType(op.getY()), parameterAxis(op), affine, verdict);
  return verdict;
}

template <typename Op> static Value absorb(Op op, OpBuilder &builder, const ChannelAffine &affine) {
  Legality verdict;
  auto [scale, bias] =
      *foldedParameters(op.getScale(), op.getBias(), rankedType(op.getY()), parameterAxis(op), affine, verdict);
  Value newScale = ConstantOp::create(builder, op.getLoc(), scale, "scale");
  Value newBias = ConstantOp::create(builder, op.getLoc(), bias, "bias");
  auto changed = cast<Op>(builder.clone(*op));
  changed.getScaleMutable().assign(newScale);
  changed.getBiasMutable().assign(newBias);
  return changed.getY();
}

Legality InstanceNormOp::canAbsorbAtOutput(const ChannelAffine &affine) { return canAbsorb(*this, affine); }
Value InstanceNormOp::absorbAtOutput(OpBuilder &builder, const ChannelAffine &affine) {
  return absorb(*this, builder, affine);
}

Legality GroupNormOp::canAbsorbAtOutput(const ChannelAffine &affine) { return canAbsorb(*this, affine); }
Value GroupNormOp::absorbAtOutput(OpBuilder &builder, const ChannelAffine &affine) {
  return absorb(*this, builder, affine);
}

Legality LayerNormOp::canAbsorbAtOutput(const ChannelAffine &affine) { return canAbsorb(*this, affine); }
Value LayerNormOp::absorbAtOutput(OpBuilder &builder, const ChannelAffine &affine) {
  return absorb(*this, builder, affine);
}
