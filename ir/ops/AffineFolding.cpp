// See the header.
#include "ir/ops/AffineFolding.h"
#include "ir/ops/Constant.h"
#include <cfloat>
#include <cmath>

using namespace mlir;

namespace sinter::nn {

std::optional<Tensor> roundFolded(DType type, Shape shape, ArrayRef<double> values) {
  if (!llvm::all_of(values, [](double v) { return std::isfinite(v); }))
    return std::nullopt;
  // Subnormal weights slow every multiplication down; f16 is widened before it computes, so its subnormals do
  // not.
  double least = type == DType::F64 ? DBL_MIN : type == DType::F16 ? 0 : FLT_MIN;
  std::vector<double> rounded(values.begin(), values.end());
  for (double &v : rounded)
    if (std::fabs(v) < least)
      v = 0;
  Tensor result(type, std::move(shape));
  storeDoubles(result, rounded);
  for (double v : toDoubles(result))
    if (!std::isfinite(v))
      return std::nullopt;
  return result;
}

std::optional<Tensor> scaleWeight(const Tensor &w, WeightLayout layout, ArrayRef<double> scale,
                                  double factor) {
  if (layout.axis >= w.rank() || layout.groups < 1)
    return std::nullopt;
  int64_t channels = w.shape()[static_cast<size_t>(layout.axis)], inner = 1;
  for (size_t d = static_cast<size_t>(layout.axis) + 1; d < w.shape().size(); ++d)
    inner *= w.shape()[d];
  int64_t rows = layout.groups > 1 ? w.shape()[0] : layout.groups;
  if (static_cast<int64_t>(scale.size()) != channels * layout.groups || rows % layout.groups != 0)
    return std::nullopt;
  std::vector<double> values = toDoubles(w);
  int64_t row = channels * inner, outer = row > 0 ? w.size() / row : 0;
  double *value = values.data();
  for (int64_t o = 0; o < outer; ++o) {
    int64_t group = layout.groups > 1 ? o * layout.groups / outer : 0;
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < inner; ++i)
        *value++ *= factor * scale[static_cast<size_t>(group * channels + c)];
  }
  return roundFolded(w.type(), w.shape(), values);
}

AffineVerdict refuseNonFinite() {
  return AffineVerdict::no("NONFINITE_FOLD",
                           "the folded weights or bias would not be finite in their storage type");
}

AffineVerdict refuseComputed(llvm::StringRef what) {
  return AffineVerdict::no("NON_CONST_PARAM", (llvm::Twine(what) + " is not a constant").str());
}

AffineVerdict refuseAxis(const ChannelAffine &affine, int64_t axis, int64_t channels) {
  return AffineVerdict::no("AXIS_MISMATCH",
                           (llvm::Twine("the affine runs over ") + llvm::Twine(affine.channels()) +
                            " channels of axis " + llvm::Twine(affine.axis) + ", the weights over " +
                            llvm::Twine(channels) + " of axis " + llvm::Twine(axis))
                               .str());
}

/// b*s + t, or t without a bias.
static std::optional<Tensor> foldedBias(const std::optional<Tensor> &b, DType type,
                                        const ChannelAffine &affine) {
  std::vector<double> values = affine.shift;
  if (b) {
    std::vector<double> bias = toDoubles(*b);
    for (size_t c = 0; c < values.size(); ++c)
      values[c] = bias[c] * affine.scale[c] + affine.shift[c];
  }
  return roundFolded(type, {affine.channels()}, values);
}

AffineVerdict canFoldIntoWeights(Value w, Value b, RankedTensorType y, const ChannelAffine &affine,
                                 WeightLayout layout) {
  std::optional<ChannelAffine> mine = affine.along(1, y.getDimSize(1));
  if (!mine)
    return refuseAxis(affine, 1, y.getDimSize(1));
  std::optional<Tensor> weight = constantTensor(w), bias = constantTensor(b);
  if (!weight)
    return refuseComputed("the weight");
  if (b && !bias)
    return refuseComputed("the bias");
  if (bias && bias->size() != mine->channels())
    return refuseAxis(affine, 0, bias->size());
  if (!mine->isFinite() || !scaleWeight(*weight, layout, mine->scale) ||
      !foldedBias(bias, weight->type(), *mine))
    return refuseNonFinite();
  return AffineVerdict::yes();
}

std::pair<Value, Value> foldIntoWeights(OpBuilder &builder, Location loc, Value w, Value b, int64_t channels,
                                        const ChannelAffine &affine, WeightLayout layout) {
  Tensor weight = *constantTensor(w);
  ChannelAffine mine = *affine.along(1, channels);
  Value newW = ConstantOp::create(builder, loc, *scaleWeight(weight, layout, mine.scale), "weight");
  Value newB = ConstantOp::create(builder, loc, *foldedBias(constantTensor(b), weight.type(), mine), "bias");
  return {newW, newB};
}

} // namespace sinter::nn
