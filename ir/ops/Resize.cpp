// nn.resize: verify, shape, taps, reference. Formulas are those of ONNX's Resize-19 and its reference
// implementation.
#include "ir/ops/Resize.h"
#include "ir/Limits.h"
#include "ir/Reference.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Resize.cpp.inc"

LogicalResult ResizeOp::verify() {
  if (getMode() != ResizeMode::Nearest && elementTypeOf(getX()).isInteger(1))
    return emitOpError("cannot interpolate bools; mode nearest can resize them");
  if (!getScales() && !getSizes())
    return emitOpError("has neither scales nor sizes");
  return success();
}

/// The elements of an operand; nothing where it is absent or, as older models write that, empty. `known`
/// turns false where the operand is there but its value is not.
static std::optional<std::vector<double>> valuesOf(Value value, ResizeOp::TensorOf tensors, bool &known) {
  if (!value || vectorLength(value) == 0)
    return std::nullopt;
  std::optional<Tensor> tensor = tensors(value);
  known &= tensor.has_value();
  if (!tensor || tensor->size() == 0)
    return std::nullopt;
  return toDoubles(*tensor);
}

FailureOr<std::optional<std::vector<ResizeOp::Axis>>> ResizeOp::resolveAxes(TensorOf tensors) {
  using Result = std::optional<std::vector<Axis>>;
  bool known = true;
  auto scales = valuesOf(getScales(), tensors, known), sizes = valuesOf(getSizes(), tensors, known);
  auto roi = isCropped() ? valuesOf(getRoi(), tensors, known) : std::nullopt;
  RankedTensorType x = rankedType(getX());
  if (!known || !x || !x.hasStaticShape())
    return Result();
  Dims dims(x.getRank());
  std::iota(dims.begin(), dims.end(), 0);
  FailureOr<Dims> chosen = nn::resolveAxes(*this, getAxes() ? *getAxes() : ArrayRef<int64_t>(dims), x.getRank());
  if (failed(chosen))
    return failure();
  size_t count = chosen->size();
  if (scales.has_value() == sizes.has_value())
    return emitOpError("needs either scales or sizes");
  if ((scales && scales->size() != count) || (sizes && sizes->size() != count) || (roi && roi->size() != 2 * count))
    return emitOpError("needs a scale or size for each of ") << count << " axes, and a start and an end in roi";

  std::vector<Axis> axes(x.getRank());
  for (auto [axis, dim] : llvm::zip_equal(axes, x.getShape()))
    axis = {dim, dim, 1, static_cast<double>(dim)};
  // Under not_larger and not_smaller one scale serves all axes, and sizes are rounded.
  AspectRatioPolicy policy = getKeepAspectRatioPolicy();
  bool stretch = policy == AspectRatioPolicy::Stretch, notLarger = policy == AspectRatioPolicy::NotLarger;
  double common = notLarger ? HUGE_VAL : 0;
  for (size_t i = 0; i < count && sizes; ++i) {
    double scale = (*sizes)[i] / static_cast<double>(axes[(*chosen)[i]].in);
    common = notLarger ? std::min(common, scale) : std::max(common, scale);
  }
  for (auto [i, d] : llvm::enumerate(*chosen)) {
    Axis &axis = axes[d];
    double in = static_cast<double>(axis.in), out;
    if (sizes) {
      axis.scale = stretch ? (*sizes)[i] / in : common;
      out = stretch ? (*sizes)[i] : std::floor(common * in + 0.5);
      axis.outWidth = stretch ? out : common * in;
    } else {
      axis.scale = (*scales)[i];
      // Counted in float, as ONNX infers shapes: 10 * 0.7f is 7.
      out = std::floor(static_cast<float>(in) * static_cast<float>(axis.scale));
      axis.outWidth = axis.scale * in;
    }
    if (!(out >= 0 && out < 9e15) || (out > 0 && !(axis.scale > 0 && axis.scale < HUGE_VAL)))
      return emitOpError("cannot make ") << llvm::formatv("{0:F0}", out).str() << " of " << axis.in
                                         << " elements along dimension " << d;
    axis.out = static_cast<int64_t>(out);
    if (roi) {
      axis.roiStart = (*roi)[i];
      axis.roiEnd = (*roi)[count + i];
    }
  }
  return Result(std::move(axes));
}

LogicalResult ResizeOp::inferShapes(SmallVectorImpl<Type> &types) {
  Type element = elementTypeOf(getX());
  FailureOr<std::optional<std::vector<Axis>>> axes = resolveAxes(constantTensor);
  if (failed(axes))
    return failure();
  if (!*axes) {
    RankedTensorType x = rankedType(getX());
    types.push_back(tensorType(x ? std::optional(Dims(x.getRank(), ShapedType::kDynamic)) : std::nullopt, element));
    return success();
  }
  Dims shape;
  for (const Axis &axis : **axes)
    shape.push_back(axis.out);
  return pushShape(*this, shape, element, types);
}

/// The coordinate in the operand of result coordinate i; NaN where it is outside and must be extrapolated.
static double sourceCoordinate(CoordinateTransformation mode, const ResizeOp::Axis &axis, double i) {
  double in = static_cast<double>(axis.in), halfPixel = (i + 0.5) / axis.scale - 0.5;
  switch (mode) {
  case CoordinateTransformation::HalfPixel:
    return halfPixel;
  case CoordinateTransformation::HalfPixelSymmetric:
    return halfPixel + in / 2 * (1 - static_cast<double>(axis.out) / axis.outWidth);
  case CoordinateTransformation::PytorchHalfPixel:
    return axis.outWidth == 1 ? -0.5 : halfPixel;
  case CoordinateTransformation::AlignCorners:
    return axis.outWidth == 1 ? 0 : i * (in - 1) / (axis.outWidth - 1);
  case CoordinateTransformation::Asymmetric:
    return i / axis.scale;
  case CoordinateTransformation::TfCropAndResize: {
    double extent = (axis.roiEnd - axis.roiStart) * (in - 1);
    double at = axis.roiStart * (in - 1) + (axis.outWidth == 1 ? extent / 2 : i * extent / (axis.outWidth - 1));
    return at >= 0 && at <= in - 1 ? at : NAN;
  }
  case CoordinateTransformation::TfHalfPixelForNn:
    return (i + 0.5) / axis.scale;
  }
  llvm_unreachable("all transformations are above");
}

/// Keys' cubic convolution kernel with coefficient a.
static double cubicKernel(double x, double a) {
  x = std::abs(x);
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/// Which of two neighbours stands at a coordinate `ratio` in (0, 1] beyond the first: 0 or 1.
static int64_t nearestOf(NearestMode mode, double ratio) {
  if (ratio == 1)
    return 1;
  switch (mode) {
  case NearestMode::RoundPreferFloor:
    return ratio > 0.5;
  case NearestMode::RoundPreferCeil:
    return ratio >= 0.5;
  case NearestMode::Floor:
    return 0;
  case NearestMode::Ceil:
    return 1;
  }
  llvm_unreachable("all modes are above");
}

ResizeOp::Taps ResizeOp::makeTaps(const Axis &axis) {
  Taps taps;
  CoordinateTransformation coordinates = getCoordinateTransformationMode();
  NearestMode nearestMode = getNearestMode();
  taps.isIdentity = axis.in == axis.out && axis.scale == 1 && !isCropped() &&
                    coordinates != CoordinateTransformation::TfHalfPixelForNn;
  bool nearest = getMode() == ResizeMode::Nearest, linear = getMode() == ResizeMode::Linear;
  // A filter of radius 1 (linear) or 2 (cubic), wider by the factor of a reduction under antialias.
  double shrink = getAntialias() ? std::min(axis.scale, 1.0) : 1.0;
  // A result of at least one element needs no filter wider than four operands.
  double reach = std::min(std::ceil((linear ? 1 : 2) / shrink), 4.0 * static_cast<double>(axis.in) + 4);
  int64_t half = static_cast<int64_t>(reach);
  double a = getCubicCoeffA().convertToFloat(), last = static_cast<double>(axis.in - 1);
  for (int64_t i = 0; i < axis.out; ++i) {
    taps.first.push_back(static_cast<int64_t>(taps.index.size()));
    double at = sourceCoordinate(coordinates, axis, static_cast<double>(i));
    if (std::isnan(at) || axis.in == 0)
      continue;
    // Beyond the filter's reach all coordinates read the border alone.
    at = std::clamp(at, -2.0 * static_cast<double>(half), last + 2.0 * static_cast<double>(half));
    // at = base + ratio, ratio in (0, 1].
    int64_t base = static_cast<int64_t>(std::ceil(at)) - 1;
    double ratio = at - static_cast<double>(base);
    if (nearest) {
      taps.index.push_back(std::clamp<int64_t>(base + nearestOf(nearestMode, ratio), 0, axis.in - 1));
      taps.weight.push_back(1);
      continue;
    }
    double sum = 0;
    size_t begin = taps.weight.size();
    for (int64_t k = 1 - half; k <= half; ++k) {
      double distance = (static_cast<double>(k) - ratio) * shrink;
      double weight = linear ? std::max(0.0, 1 - std::abs(distance)) : cubicKernel(distance, a);
      int64_t index = base + k;
      if (weight == 0 || (getExcludeOutside() && (index < 0 || index >= axis.in)))
        continue;
      sum += weight;
      taps.index.push_back(std::clamp<int64_t>(index, 0, axis.in - 1));
      taps.weight.push_back(weight);
    }
    if (getAntialias() || getExcludeOutside())
      for (size_t k = begin; k < taps.weight.size(); ++k)
        taps.weight[k] /= sum;
  }
  taps.first.push_back(static_cast<int64_t>(taps.index.size()));
  return taps;
}

IndexTables ResizeOp::nearestTables(const std::vector<Axis> &axes) {
  IndexTables tables;
  Dims shape;
  for (const Axis &axis : axes)
    shape.push_back(axis.in);
  Dims strides = rowMajorStrides(shape);
  for (auto [axis, stride] : llvm::zip_equal(axes, strides)) {
    Taps taps = makeTaps(axis);
    std::vector<int64_t> &offsets = tables.offsets.emplace_back();
    for (int64_t i = 0; i < axis.out; ++i)
      offsets.push_back(taps.first[i] == taps.first[i + 1] ? -1 : taps.index[taps.first[i]] * stride);
  }
  return tables;
}

/// One dimension resampled: `values` of shape (outer, axis.in, inner) to (outer, axis.out, inner).
static std::vector<double> resample(const std::vector<double> &values, const ResizeOp::Taps &taps,
                                    const ResizeOp::Axis &axis, int64_t inner, double fill) {
  int64_t outer = static_cast<int64_t>(values.size()) / (axis.in * inner);
  std::optional<int64_t> size = product(outer * inner, axis.out);
  if (!size)
    throw std::bad_alloc();
  std::vector<double> out(static_cast<size_t>(*size), 0.0);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < axis.out; ++i) {
      double *to = out.data() + (o * axis.out + i) * inner;
      if (taps.first[i] == taps.first[i + 1])
        std::fill(to, to + inner, fill);
      for (int64_t t = taps.first[i]; t < taps.first[i + 1]; ++t) {
        const double *from = values.data() + (o * axis.in + taps.index[t]) * inner;
        for (int64_t j = 0; j < inner; ++j)
          to[j] += taps.weight[t] * from[j];
      }
    }
  return out;
}

LogicalResult ResizeOp::evaluate(Evaluation &io) {
  auto tensors = [&](Value value) -> std::optional<Tensor> {
    const Tensor *tensor = io.operand(value);
    return tensor ? std::optional(*tensor) : std::nullopt;
  };
  FailureOr<std::optional<std::vector<Axis>>> axes = resolveAxes(tensors);
  if (failed(axes))
    return failure();
  if (!*axes)
    return emitOpError("cannot be evaluated: its scales, sizes or operand are not known");
  const Tensor &x = io.operand(0u);
  Tensor &y = io.result();
  Dims shape;
  for (const Axis &axis : **axes)
    shape.push_back(axis.out);
  if (!llvm::equal(shape, y.shape()) || x.type() != y.type())
    return emitOpError("makes the shape ") << toString(shape) << " of the values of its operands, not " << getType();
  if (y.size() == 0)
    return success();
  if (x.size() == 0)
    return emitOpError("cannot sample an empty tensor");
  double fill = getExtrapolationValue().convertToFloat();
  if (getMode() == ResizeMode::Nearest) {
    Tensor fillTensor(x.type(), {});
    storeDoubles(fillTensor, std::array{fill});
    if (!readThroughTables(nearestTables(**axes), x, y, fillTensor.data()))
      return emitOpError("would read outside its operand");
    return success();
  }
  std::vector<double> values = toDoubles(x);
  int64_t inner = 1;
  for (size_t d = (*axes)->size(); d-- > 0; inner *= (**axes)[d].out) {
    Taps taps = makeTaps((**axes)[d]);
    if (!taps.isIdentity)
      values = resample(values, taps, (**axes)[d], inner, fill);
  }
  storeDoubles(y, values);
  return success();
}

std::optional<ChannelFlow> ResizeOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  FailureOr<std::optional<std::vector<Axis>>> axes = resolveAxes(constantTensor);
  if (from != to || failed(axes) || !*axes)
    return std::nullopt;
  const Axis &axis = (**axes)[static_cast<size_t>(from)];
  if (axis.in != axis.out || axis.scale != 1 || !makeTaps(axis).isIdentity)
    return std::nullopt;
  // The weights of taps add up to 1, except outside the operand, where there are none.
  ChannelFlow flow = ChannelFlow::straight(axis.in);
  if (isCropped())
    flow.besides = getExtrapolationValue().convertToDouble();
  flow.isSum = getMode() != ResizeMode::Nearest;
  return flow;
}
