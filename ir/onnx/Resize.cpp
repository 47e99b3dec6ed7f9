// Resize and Upsample of ONNX. What opset 10 and Upsample leave open is read as ONNX's own version converter
// does: coordinates asymmetric, nearest rounded down.
#include "ir/ops/Resize.h"
#include "ir/onnx/NodeImporter.h"

using namespace mlir;

namespace sinter::nn {

namespace {
struct ResizeAttributes {
  ResizeMode mode = ResizeMode::Nearest;
  CoordinateTransformation coordinates = CoordinateTransformation::Asymmetric;
  NearestMode nearest = NearestMode::Floor;
  AspectRatioPolicy policy = AspectRatioPolicy::Stretch;
  float cubicA = -0.75f, extrapolation = 0;
  bool excludeOutside = false, antialias = false;
  DenseI64ArrayAttr axes;
};
} // namespace

static LogicalResult createResize(NodeImporter &n, const ResizeAttributes &a, Value roi, Value scales, Value sizes) {
  return n.finish(
      {n.create<ResizeOp>(n.input(0), roi, scales, sizes, a.mode, a.coordinates, a.nearest, llvm::APFloat(a.cubicA),
                          a.excludeOutside, llvm::APFloat(a.extrapolation), a.antialias, a.axes, a.policy)});
}

static LogicalResult importResize(NodeImporter &n) {
  ResizeAttributes a;
  a.mode = n.wordAttr("mode", ResizeMode::Nearest);
  if (n.opset < 11) {
    if (failed(n.expectInputs(2, 2)))
      return failure();
    return createResize(n, a, Value(), n.input(1), Value());
  }
  if (failed(n.expectInputs(1, 4)))
    return failure();
  a.coordinates = n.wordAttr("coordinate_transformation_mode", CoordinateTransformation::HalfPixel);
  a.nearest = n.wordAttr("nearest_mode", NearestMode::RoundPreferFloor);
  a.cubicA = n.floatAttr("cubic_coeff_a", -0.75f);
  a.extrapolation = n.floatAttr("extrapolation_value", 0);
  a.excludeOutside = n.intAttr("exclude_outside", 0) != 0;
  if (n.opset >= 18) {
    a.antialias = n.intAttr("antialias", 0) != 0;
    a.policy = n.wordAttr("keep_aspect_ratio_policy", AspectRatioPolicy::Stretch);
    if (std::optional<Dims> axes = n.intsAttr("axes"))
      a.axes = n.builder.getDenseI64ArrayAttr(*axes);
  }
  // One of the two; exporters write the other as an empty tensor.
  auto isGiven = [&](int i) {
    RankedTensorType type = n.input(i) ? rankedType(n.input(i)) : RankedTensorType();
    return type && type.hasStaticShape() && type.getNumElements() > 0;
  };
  if (isGiven(2) && isGiven(3))
    return n.invalid("has both scales and sizes, and they may differ: leave one of them out");
  return createResize(n, a, n.input(1), n.input(2), n.input(3));
}

static LogicalResult importUpsample(NodeImporter &n) {
  bool isInput = n.opset >= 9;
  if (failed(n.expectInputs(isInput ? 2 : 1, isInput ? 2 : 1)))
    return failure();
  ResizeAttributes a;
  bool isBilinear = n.opset < 7 && n.stringAttr("mode", "nearest") == "bilinear";
  a.mode = isBilinear ? ResizeMode::Linear : n.wordAttr("mode", ResizeMode::Nearest);
  Value scales = n.input(1);
  if (!isInput) {
    std::optional<SmallVector<float>> values = n.floatsAttr("scales");
    if (n.opset < 7)
      values = SmallVector<float>{1, 1, n.floatAttr("height_scale", 0), n.floatAttr("width_scale", 0)};
    if (!values)
      return n.invalid("has no scales");
    Tensor tensor(DType::F32, {static_cast<int64_t>(values->size())});
    llvm::copy(*values, tensor.as<float>().begin());
    scales = n.constant(tensor);
  }
  return createResize(n, a, Value(), scales, Value());
}

void registerResizeImporters(ImporterTable &table) {
  table.add("Resize", importResize, {10, anyType});
  table.add("Upsample", importUpsample, {1, "f32"});
}

} // namespace sinter::nn
