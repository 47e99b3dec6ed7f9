// See the header.
#include "ir/ops/AffineFolding.h"
#include "ir/ops/Constant.h"
#include <cfloat>
#include <cmath>

using namespace mlir;

namespace sinter::nn {

/// Rounds `values` into `to`, which has as many elements; false if one is not finite there.
static bool roundInto(Tensor to, MutableArrayRef<double> values) {
  // Subnormal weights slow every multiplication down; f16 is widened before it computes, so its subnormals do
  // not.
  double least = to.type() == DType::F64 ? DBL_MIN : to.type() == DType::F16 ? 0 : FLT_MIN;
  bool isFinite = true;
  for (double &v : values) {
    isFinite &= std::isfinite(v);
    v = std::fabs(v) < least ? 0 : v;
  }
  if (!isFinite)
    return false;
  storeDoubles(to, values);
  return llvm::all_of(toDoubles(to), [](double v) { return std::isfinite(v); });
}

std::optional<Tensor> roundFolded(DType type, Shape shape, ArrayRef<double> values) {
  Tensor result(type, std::move(shape));
  std::vector<double> rounded(values.begin(), values.end());
  if (!roundInto(result, rounded))
    return std::nullopt;
  return result;
}

/// Gives `use` factor * w * scale[channel], a few rows at a time: weights are large, and in double precision twice as large. The
/// first element's place comes with them. False if `use` says so or the sizes do not fit.
static bool eachScaledPart(const Tensor &w, WeightLayout layout, ArrayRef<double> scale, double factor,
                           function_ref<bool(int64_t first, MutableArrayRef<double> values)> use) {
  if (layout.axis >= w.rank() || layout.groups < 1)
    return false;
  int64_t channels = w.shape()[static_cast<size_t>(layout.axis)], inner = 1;
  for (size_t d = static_cast<size_t>(layout.axis) + 1; d < w.shape().size(); ++d)
    inner *= w.shape()[d];
  int64_t rows = layout.groups > 1 ? w.shape()[0] : layout.groups;
  if (static_cast<int64_t>(scale.size()) != channels * layout.groups || rows % layout.groups != 0)
    return false;
  int64_t row = channels * inner, outer = row > 0 ? w.size() / row : 0;
  constexpr int64_t elementsAtATime = 4096;
  int64_t step = row > 0 ? std::max<int64_t>(elementsAtATime / row, 1) : 1;
  for (int64_t first = 0; first < outer; first += step) {
    int64_t last = std::min(first + step, outer);
    std::vector<double> values = toDoubles(w.part(first * row, (last - first) * row));
    double *value = values.data();
    for (int64_t o = first; o < last; ++o) {
      int64_t group = layout.groups > 1 ? o * layout.groups / outer : 0;
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t i = 0; i < inner; ++i)
          *value++ *= factor * scale[static_cast<size_t>(group * channels + c)];
    }
    if (!use(first * row, values))
      return false;
  }
  return true;
}

std::optional<Tensor> scaleWeight(const Tensor &w, WeightLayout layout, ArrayRef<double> scale,
                                  double factor) {
  Tensor result(w.type(), w.shape());
  auto store = [&](int64_t first, MutableArrayRef<double> values) {
    return roundInto(result.part(first, static_cast<int64_t>(values.size())), values);
  };
  if (!eachScaledPart(w, layout, scale, factor, store))
    return std::nullopt;
  return result;
}

bool canScaleWeight(const Tensor &w, WeightLayout layout, ArrayRef<double> scale, double factor) {
  return eachScaledPart(w, layout, scale, factor, [&](int64_t, MutableArrayRef<double> values) {
    return roundInto(Tensor(w.type(), {static_cast<int64_t>(values.size())}), values);
  });
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
  if (!mine->isFinite() || !canScaleWeight(*weight, layout, mine->scale) ||
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
