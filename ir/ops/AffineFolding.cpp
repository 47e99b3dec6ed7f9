// Scales a few rows at a time in double, rounds once, and says no where a value is not finite or loses digits.
#include "ir/ops/AffineFolding.h"
#include "ir/ops/Constant.h"
#include <cfloat>
#include <cmath>

using namespace mlir;

namespace sinter::nn {

/// The smallest magnitude that kernels keep. Subnormal weights slow every multiplication down; f16 is widened
/// before it computes, so its subnormals do not.
static double smallestKept(DType type) { return type == DType::F64 ? DBL_MIN : type == DType::F16 ? 0 : FLT_MIN; }

/// The largest relative error of one rounding to a type, away from subnormals.
static double unitRoundoff(DType type) {
  switch (type) {
  case DType::F64:
    return 0x1p-53;
  case DType::F16:
    return 0x1p-11;
  case DType::BF16:
    return 0x1p-8;
  default:
    return 0x1p-24;
  }
}

namespace {
/// The outcome of rounding values.
struct Rounding {
  bool isFinite = true;
  bool losesDigits = false; ///< some value lost more than a rounding: it is subnormal, or flushed
};
} // namespace

/// Rounds `values` into `to`, which has as many elements, and flushes what kernels do not keep.
static Rounding roundInto(Tensor to, MutableArrayRef<double> values) {
  const double least = smallestKept(to.type()), least16 = to.type() == DType::F16 ? 0x1p-14 : least;
  Rounding rounding;
  for (double &v : values) {
    rounding.isFinite &= std::isfinite(v);
    rounding.losesDigits |= v != 0 && std::fabs(v) < least16;
    v = std::fabs(v) < least ? 0 : v;
  }
  if (!rounding.isFinite)
    return rounding;
  storeDoubles(to, values);
  rounding.isFinite = llvm::all_of(toDoubles(to), [](double v) { return std::isfinite(v); });
  return rounding;
}

std::optional<Tensor> roundFolded(DType type, Shape shape, ArrayRef<double> values) {
  Tensor result(type, std::move(shape));
  std::vector<double> rounded(values.begin(), values.end());
  if (!roundInto(result, rounded).isFinite)
    return std::nullopt;
  return result;
}

std::optional<Tensor> roundScales(DType type, Shape shape, ArrayRef<double> values) {
  std::optional<Tensor> result = roundFolded(type, std::move(shape), values);
  if (!result)
    return std::nullopt;
  for (auto [stored, exact] : llvm::zip_equal(toDoubles(*result), values))
    if (std::fabs(stored - exact) > 2 * unitRoundoff(type) * std::fabs(exact))
      return std::nullopt;
  return result;
}

//===- Weights ------------------------------------------------------------===//

/// How the elements of a weight follow each other along the axis of a layout; nothing where they do not.
namespace {
struct ChannelsOfWeight {
  int64_t channels = 0, inner = 1, perGroup = 0;

  static std::optional<ChannelsOfWeight> of(const Tensor &w, WeightLayout layout) {
    if (layout.axis >= w.rank() || layout.groups < 1)
      return std::nullopt;
    ChannelsOfWeight result;
    result.channels = w.shape()[static_cast<size_t>(layout.axis)];
    for (size_t d = static_cast<size_t>(layout.axis) + 1; d < w.shape().size(); ++d)
      result.inner *= w.shape()[d];
    if (layout.groups > 1 && w.shape()[0] % layout.groups != 0)
      return std::nullopt;
    result.perGroup = w.size() / layout.groups;
    return result;
  }

  /// The channel of the element at a place, counted over all groups.
  size_t at(int64_t place) const { return static_cast<size_t>(place / perGroup * channels + place / inner % channels); }
};
} // namespace

/// Gives `use` factor * w * scale[channel], a few rows at a time: weights are large, and in double precision twice as
/// large. The first element's place comes with them. False if `use` says so or the sizes do not fit.
static bool eachScaledPart(const Tensor &w, WeightLayout layout, ArrayRef<double> scale, double factor,
                           function_ref<bool(int64_t first, MutableArrayRef<double> values)> use) {
  std::optional<ChannelsOfWeight> order = ChannelsOfWeight::of(w, layout);
  if (!order || static_cast<int64_t>(scale.size()) != order->channels * layout.groups)
    return false;
  int64_t row = order->channels * order->inner, outer = row > 0 ? w.size() / row : 0;
  constexpr int64_t elementsAtATime = 4096;
  int64_t step = row > 0 ? std::max<int64_t>(elementsAtATime / row, 1) : 1;
  for (int64_t first = 0; first < outer; first += step) {
    int64_t last = std::min(first + step, outer);
    std::vector<double> values = toDoubles(w.part(first * row, (last - first) * row));
    double *value = values.data();
    for (int64_t o = first; o < last; ++o) {
      const double *scales = scale.data() + (layout.groups > 1 ? o * layout.groups / outer : 0) * order->channels;
      for (int64_t c = 0; c < order->channels; ++c)
        for (int64_t i = 0; i < order->inner; ++i)
          *value++ *= factor * scales[c];
    }
    if (!use(first * row, values))
      return false;
  }
  return true;
}

/// Whether underflowing weights are small beside each output channel's largest weight, both as the weights are and
/// as they become: inputs are as large as the scales are small. Weights that kernels flush as they are do not
/// count.
static bool losesLittle(const Tensor &w, WeightLayout layout, WeightLayout outputs, ArrayRef<double> scale,
                        double factor) {
  struct Size {
    double lost = 0, largest = 0;
  };
  std::optional<ChannelsOfWeight> channels = ChannelsOfWeight::of(w, outputs);
  if (!channels)
    return false;
  const double least = smallestKept(w.type()), unit = unitRoundoff(w.type());
  const auto count = static_cast<size_t>(channels->channels * outputs.groups);
  std::vector<Size> before(count), after(count);
  eachScaledPart(w, layout, scale, factor, [&](int64_t first, MutableArrayRef<double> values) {
    auto size = static_cast<int64_t>(values.size());
    std::vector<double> old = toDoubles(w.part(first, size)), exact(values.begin(), values.end());
    Tensor rounded(w.type(), {size});
    roundInto(rounded, values);
    for (auto [i, x, y, stored] : llvm::enumerate(old, exact, toDoubles(rounded))) {
      size_t c = channels->at(first + static_cast<int64_t>(i));
      before[c].largest = std::max(before[c].largest, std::fabs(x));
      after[c].largest = std::max(after[c].largest, std::fabs(y));
      double lost = std::fabs(stored - y) - unit * std::fabs(y);
      if (lost <= 0 || std::fabs(x) < least)
        continue;
      after[c].lost += lost;
      before[c].lost += lost * std::fabs(x / y);
    }
    return true;
  });
  double bound = std::max(unit / 2, w.type() == DType::F64 ? 0 : 0x1p-25);
  auto isSmall = [&](const Size &size) { return size.lost <= bound * size.largest; };
  return llvm::all_of(before, isSmall) && llvm::all_of(after, isSmall);
}

std::optional<Tensor> scaleWeight(const Tensor &w, WeightLayout layout, WeightLayout outputs, ArrayRef<double> scale,
                                  double factor) {
  Tensor result(w.type(), w.shape());
  bool losesDigits = false;
  auto store = [&](int64_t first, MutableArrayRef<double> values) {
    Rounding rounding = roundInto(result.part(first, static_cast<int64_t>(values.size())), values);
    losesDigits |= rounding.losesDigits;
    return rounding.isFinite;
  };
  if (!eachScaledPart(w, layout, scale, factor, store) ||
      (losesDigits && !losesLittle(w, layout, outputs, scale, factor)))
    return std::nullopt;
  return result;
}

bool canScaleWeight(const Tensor &w, WeightLayout layout, WeightLayout outputs, ArrayRef<double> scale, double factor) {
  bool losesDigits = false;
  auto check = [&](int64_t, MutableArrayRef<double> values) {
    Rounding rounding = roundInto(Tensor(w.type(), {static_cast<int64_t>(values.size())}), values);
    losesDigits |= rounding.losesDigits;
    return rounding.isFinite;
  };
  return eachScaledPart(w, layout, scale, factor, check) &&
         (!losesDigits || losesLittle(w, layout, outputs, scale, factor));
}

Legality illegalNonFinite() {
  return Legality::no("NONFINITE_FOLD",
                      "the folded weights or bias would not be finite in their storage type, or lose digits "
                      "to underflow");
}

Legality illegalComputed(llvm::StringRef what) {
  return Legality::no("NON_CONST_PARAM", (llvm::Twine(what) + " is not a constant").str());
}

Legality illegalAxis(const ChannelAffine &affine, int64_t axis, int64_t channels) {
  return Legality::no("AXIS_MISMATCH", (llvm::Twine("the affine runs over ") + llvm::Twine(affine.channels()) +
                                        " channels of axis " + llvm::Twine(affine.axis) + ", the weights over " +
                                        llvm::Twine(channels) + " of axis " + llvm::Twine(axis))
                                           .str());
}

/// b*s + t, or t without a bias.
static std::optional<Tensor> foldedBias(const std::optional<Tensor> &b, DType type, const ChannelAffine &affine) {
  std::vector<double> values = affine.shift;
  if (b) {
    std::vector<double> bias = toDoubles(*b);
    for (size_t c = 0; c < values.size(); ++c)
      values[c] = bias[c] * affine.scale[c] + affine.shift[c];
  }
  return roundFolded(type, {affine.channels()}, values);
}

Legality canFoldIntoWeights(Value w, Value b, RankedTensorType y, const ChannelAffine &affine, WeightLayout layout) {
  std::optional<ChannelAffine> mine = affine.along(1, y.getDimSize(1));
  if (!mine)
    return illegalAxis(affine, 1, y.getDimSize(1));
  std::optional<Tensor> weight = constantTensor(w), bias = constantTensor(b);
  if (!weight)
    return illegalComputed("the weight");
  if (b && !bias)
    return illegalComputed("the bias");
  if (bias && bias->size() != mine->channels())
    return illegalAxis(affine, 0, bias->size());
  if (!mine->isFinite() || !canScaleWeight(*weight, layout, layout, mine->scale) ||
      !foldedBias(bias, weight->type(), *mine))
    return illegalNonFinite();
  return Legality::yes();
}

std::pair<Value, Value> foldIntoWeights(OpBuilder &builder, Location loc, Value w, Value b, int64_t channels,
                                        const ChannelAffine &affine, WeightLayout layout) {
  Tensor weight = *constantTensor(w);
  ChannelAffine mine = *affine.along(1, channels);
  std::optional<Tensor> scaled = scaleWeight(weight, layout, layout, mine.scale);
  std::optional<Tensor> bias = foldedBias(constantTensor(b), weight.type(), mine);
  assert(scaled && bias && "foldIntoWeights comes after a yes of canFoldIntoWeights");
  Value newW = ConstantOp::create(builder, loc, *scaled, "weight");
  Value newB = ConstantOp::create(builder, loc, *bias, "bias");
  return {newW, newB};
}

} // namespace sinter::nn
