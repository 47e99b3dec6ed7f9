// Activations of ONNX.
#include "ir/ops/Activation.h"
#include "ir/onnx/Compose.h"
#include "ir/onnx/ValueCheck.h"
#include "ir/ops/View.h"

using namespace mlir;

namespace sinter::nn {

/// An activation without attributes.
template <typename Op> static LogicalResult importPlain(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  return n.finish({n.create<Op>(n.input(0))});
}

/// An activation with one float attribute, `alpha`.
template <typename Op> static LogicalResult importAlpha(NodeImporter &n, float fallback) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  return n.finish({n.create<Op>(n.input(0), n.builder.getF32FloatAttr(n.floatAttr("alpha", fallback)))});
}

static LogicalResult importLeakyRelu(NodeImporter &n) { return importAlpha<LeakyReluOp>(n, 0.01f); }
static LogicalResult importElu(NodeImporter &n) { return importAlpha<EluOp>(n, 1); }
static LogicalResult importThresholdedRelu(NodeImporter &n) { return importAlpha<ThresholdedReluOp>(n, 1); }
static LogicalResult importSwish(NodeImporter &n) { return importAlpha<SwishOp>(n, 1); }
static LogicalResult importQuickGelu(NodeImporter &n) { return importAlpha<SwishOp>(n, 1.702f); }
static LogicalResult importCelu(NodeImporter &n) { return importAlpha<CeluOp>(n, 1); }

static LogicalResult importSelu(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  FloatAttr alpha = n.builder.getF32FloatAttr(n.floatAttr("alpha", n.opset < 6 ? 1.6732f : 1.67326319217681884765625f));
  FloatAttr gamma = n.builder.getF32FloatAttr(n.floatAttr("gamma", n.opset < 6 ? 1.0507f : 1.05070102214813232421875f));
  return n.finish({n.create<SeluOp>(n.input(0), alpha, gamma)});
}

static LogicalResult importHardSigmoid(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  FloatAttr alpha = n.builder.getF32FloatAttr(n.floatAttr("alpha", 0.2f));
  FloatAttr beta = n.builder.getF32FloatAttr(n.floatAttr("beta", 0.5f));
  return n.finish({n.create<HardSigmoidOp>(n.input(0), alpha, beta)});
}

static LogicalResult importShrink(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  FloatAttr bias = n.builder.getF32FloatAttr(n.floatAttr("bias", 0));
  FloatAttr lambd = n.builder.getF32FloatAttr(n.floatAttr("lambd", 0.5f));
  return n.finish({n.create<ShrinkOp>(n.input(0), bias, lambd)});
}

static LogicalResult importGelu(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  return n.finish({n.create<GeluOp>(n.input(0), n.wordAttr("approximate", GeluApproximation::None))});
}

/// ONNX Runtime's Gelu of x plus a bias along the last axis.
static LogicalResult importGeluOfSum(NodeImporter &n, GeluApproximation approximate) {
  Compose c(n);
  Value x = n.input(0), bias = n.input(1);
  if (bias) {
    int64_t size = c.dim(x, -1), given = c.dim(bias, 0);
    if (c.rank(bias) != 1 || (!ShapedType::isDynamic(size) && !ShapedType::isDynamic(given) && size != given))
      return n.invalid("needs a bias with one value per element of the last axis");
    x = c.add(x, bias);
  }
  return n.finish({n.create<GeluOp>(x, approximate)});
}

static LogicalResult importBiasGelu(NodeImporter &n) {
  return success(succeeded(n.expectInputs(2, 2)) && succeeded(importGeluOfSum(n, GeluApproximation::None)));
}

static LogicalResult importFastGelu(NodeImporter &n) {
  return success(succeeded(n.expectInputs(1, 2)) && succeeded(importGeluOfSum(n, GeluApproximation::Tanh)));
}

static LogicalResult importPRelu(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  Value x = n.input(0), slope = n.input(1);
  // Up to opset 6 a vector of slopes is per channel; from 7 on it broadcasts, along the last axis.
  if (n.opset < 7) {
    RankedTensorType xType = rankedType(x), type = rankedType(slope);
    if (!xType || !type || !type.hasStaticShape())
      return n.unsupported("slope at opset " + Twine(n.opset) + " needs known shapes; convert the model to opset 7");
    if (type.getRank() == 1 && type.getNumElements() != 1 && xType.getRank() > 2) {
      SmallVector<int64_t> shape(static_cast<size_t>(xType.getRank() - 1), 1);
      shape[0] = type.getDimSize(0);
      slope = n.create<ReshapeOp>(slope, n.ints(shape), n.builder.getBoolAttr(false));
    }
  }
  return n.finish({n.create<PReluOp>(x, slope)});
}

/// Bounds were attributes up to opset 10, and are inputs from 11 on.
static LogicalResult importClip(NodeImporter &n) {
  if (failed(n.expectInputs(1, n.opset < 11 ? 1 : 3)))
    return failure();
  Value x = n.input(0), lower = n.input(1), upper = n.input(2);
  if (n.opset < 11) {
    std::optional<DType> type = toDType(elementTypeOf(x));
    if (!type)
      return n.unsupported("element type");
    if (n.hasAttr("min"))
      lower = n.scalar(n.floatAttr("min", 0), *type);
    if (n.hasAttr("max"))
      upper = n.scalar(n.floatAttr("max", 0), *type);
  }
  warnOfBounds(n, lower, upper);
  return n.finish({n.create<ClipOp>(x, lower, upper)});
}

void registerActivationImporters(ImporterTable &t) {
  t.add("Relu", importPlain<ReluOp>, {1, numbers});
  t.add("HardSwish", importPlain<HardSwishOp>, {14, floats});
  t.add("Sigmoid", importPlain<SigmoidOp>, {1, floats});
  t.add("Tanh", importPlain<TanhOp>, {1, floats});
  t.add("Softplus", importPlain<SoftplusOp>, {1, floats});
  t.add("Softsign", importPlain<SoftsignOp>, {1, floats});
  t.add("Mish", importPlain<MishOp>, {22, floats});
  t.add("LeakyRelu", importLeakyRelu, {1, floats});
  t.add("Elu", importElu, {1, floats});
  t.add("ThresholdedRelu", importThresholdedRelu, {10, floats});
  t.add("Swish", importSwish, {24, floats});
  t.add("com.microsoft.QuickGelu", importQuickGelu, {1, floats});
  t.add("com.microsoft.Gelu", importGelu, {1, floats});
  t.add("com.microsoft.BiasGelu", importBiasGelu, {1, floats});
  t.add("com.microsoft.FastGelu", importFastGelu, {1, floats});
  t.add("Celu", importCelu, {12, floats});
  t.add("Selu", importSelu, {1, floats});
  t.add("HardSigmoid", importHardSigmoid, {1, floats});
  t.add("Shrink", importShrink, {9, numbers});
  t.add("Gelu", importGelu, {20, floats});
  t.add("PRelu", importPRelu, {1, numbers, "up to opset 6 needs known shapes: convert the model to opset 7"});
  t.add("Clip", importClip, {1, numbers});
}

} // namespace sinter::nn
