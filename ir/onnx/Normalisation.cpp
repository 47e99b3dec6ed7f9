// Normalisations and softmaxes of ONNX.
#include "ir/ops/Normalisation.h"
#include "ir/Diagnostics.h"
#include "ir/onnx/Compose.h"
#include "ir/onnx/ValueCheck.h"
#include "ir/ops/Arithmetic.h"
#include "ir/ops/Constant.h"
#include "ir/ops/Math.h"
#include "ir/ops/View.h"

using namespace mlir;

namespace sinter::nn {

static FloatAttr f32(NodeImporter &n, StringRef name, float fallback) {
  return n.builder.getF32FloatAttr(n.floatAttr(name, fallback));
}

static IntegerAttr i64(NodeImporter &n, StringRef name, int64_t fallback) {
  return n.builder.getI64IntegerAttr(n.intAttr(name, fallback));
}

/// Computing more precisely than asked is allowed: a stash type only says how much is enough.
static LogicalResult checkStashType(NodeImporter &n) {
  int64_t stash = n.intAttr("stash_type", 1);
  if (stash != onnx::TensorProto::FLOAT && stash != onnx::TensorProto::BFLOAT16 &&
      stash != onnx::TensorProto::FLOAT16 && stash != onnx::TensorProto::DOUBLE)
    return n.invalid("stash_type is not a floating-point type");
  return success();
}

//===- BatchNormalization ------------------------------------------------===//

/// spatial=0: parameters are [C, D1, ...] and broadcast over the batch.
static LogicalResult importElementwise(NodeImporter &n, FloatAttr epsilon) {
  Type element = elementTypeOf(n.input(4));
  std::optional<DType> type = toDType(element);
  if (!type || !isFloat(*type))
    return n.invalid("has a variance that is not floating-point");
  Value offset = n.scalar(epsilon.getValueAsDouble(), *type);
  Value deviation = n.create<SqrtOp>(n.create<AddOp>(n.input(4), offset));
  Value centred = n.create<SubOp>(n.input(0), n.input(3));
  Value scaled = n.create<MulOp>(n.create<DivOp>(centred, deviation), n.input(1));
  Value y = n.create<AddOp>(scaled, n.input(2));
  y.getDefiningOp()->setAttr(nodeKindAttr, n.builder.getStringAttr("BatchNormalization"));
  return n.finish({y});
}

static LogicalResult importBatchNorm(NodeImporter &n) {
  if (failed(n.expectInputs(5, 5)))
    return failure();
  FloatAttr epsilon = f32(n, "epsilon", 1e-5f), momentum = f32(n, "momentum", 0.9f);
  warnOfEpsilon(n, epsilon.getValueAsDouble());
  warnOfNonFinite(n, n.input(1), "scale");
  warnOfNonFinite(n, n.input(2), "bias");
  warnOfNonFinite(n, n.input(3), "mean");
  bool training = n.opset >= 14 && n.intAttr("training_mode", 0);
  // Until opset 13 naming more outputs than one is what asks for training.
  if (n.opset < 14)
    training = n.hasOutput(1) || n.hasOutput(2);
  if (n.opset < 7)
    n.ignoreAttr("is_test");
  if (!training)
    warnOfVariance(n, n.input(4), epsilon.getValueAsDouble());
  // Before opset 9 statistics per element were possible.
  if (n.opset < 9 && n.intAttr("spatial", 1) == 0)
    return training ? n.unsupported("training with statistics per element (spatial=0)") : importElementwise(n, epsilon);
  if (training) {
    if (n.hasOutput(3) || n.hasOutput(4))
      return n.unsupported("a training BatchNormalization with the outputs saved_mean and saved_var");
    auto op = n.createN<BatchNormTrainingOp>(3, n.input(0), n.input(1), n.input(2), n.input(3), n.input(4), epsilon,
                                             momentum);
    return n.finish(op->getResults());
  }
  return n.finish({n.create<BatchNormOp>(n.input(0), n.input(1), n.input(2), n.input(3), n.input(4), epsilon)});
}

//===- Norms -------------------------------------------------------------===//

/// The epsilon of a norm; scale and bias are inputs 1 and 2, of which either may be absent.
static FloatAttr epsilonOf(NodeImporter &n, float fallback = 1e-5f) {
  FloatAttr epsilon = f32(n, "epsilon", fallback);
  warnOfEpsilon(n, epsilon.getValueAsDouble());
  warnOfNonFinite(n, n.input(1), "scale");
  warnOfNonFinite(n, n.input(2), "bias");
  return epsilon;
}

static LogicalResult importInstanceNorm(NodeImporter &n) {
  if (failed(n.expectInputs(3, 3)))
    return failure();
  return n.finish({n.create<InstanceNormOp>(n.input(0), n.input(1), n.input(2), epsilonOf(n))});
}

/// One value per group to one per channel, which is what opset 21 takes.
static Value repeatPerChannel(Compose &c, Value value, int64_t groups, int64_t channels) {
  Value column = c.reshape(value, {groups, 1});
  return c.reshape(c.expand(column, {groups, channels / groups}), {channels});
}

static LogicalResult importGroupNorm(NodeImporter &n) {
  if (failed(n.expectInputs(3, 3)))
    return failure();
  int64_t groups = n.intAttr("num_groups", 0);
  Value scale = n.input(1), bias = n.input(2);
  FloatAttr epsilon = epsilonOf(n);
  if (n.opset >= 21) {
    if (failed(checkStashType(n)))
      return failure();
  } else {
    RankedTensorType x = rankedType(n.input(0));
    if (groups < 1)
      return n.invalid("num_groups must be at least 1");
    if (!x || x.getRank() < 2 || x.isDynamicDim(1) || x.getDimSize(1) % groups != 0)
      return n.unsupported("before opset 21 the number of channels must be known and divide into num_groups");
    Compose c(n);
    for (Value parameter : {scale, bias})
      if (c.rank(parameter) != 1 || c.dim(parameter, 0) != groups)
        return n.invalid("before opset 21 scale and bias have one value per group");
    scale = repeatPerChannel(c, scale, groups, x.getDimSize(1));
    bias = repeatPerChannel(c, bias, groups, x.getDimSize(1));
  }
  return n.finish({n.create<GroupNormOp>(n.input(0), scale, bias, n.builder.getI64IntegerAttr(groups), epsilon)});
}

static LogicalResult importLayerNorm(NodeImporter &n) {
  if (failed(n.expectInputs(2, 3)) || failed(checkStashType(n)))
    return failure();
  IntegerAttr axis = i64(n, "axis", -1);
  FloatAttr epsilon = epsilonOf(n);
  if (!n.hasOutput(1) && !n.hasOutput(2))
    return n.finish({n.create<LayerNormOp>(n.input(0), n.input(1), n.input(2), axis, epsilon)});
  Builder &b = n.builder;
  int64_t stash = n.intAttr("stash_type", 1);
  Type stats = stash == onnx::TensorProto::BFLOAT16  ? Type(b.getBF16Type())
               : stash == onnx::TensorProto::FLOAT16 ? Type(b.getF16Type())
               : stash == onnx::TensorProto::DOUBLE  ? Type(b.getF64Type())
                                                     : Type(b.getF32Type());
  auto op = n.createN<LayerNormStatsOp>(3, n.input(0), n.input(1), n.input(2), axis, epsilon, TypeAttr::get(stats));
  return n.finish(op->getResults());
}

static LogicalResult importRmsNorm(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)) || failed(checkStashType(n)))
    return failure();
  return n.finish({n.create<RmsNormOp>(n.input(0), n.input(1), i64(n, "axis", -1), epsilonOf(n))});
}

/// ONNX Runtime's norm of input + skip + bias, which is its fourth output.
template <typename Norm> static LogicalResult importSkipNorm(NodeImporter &n) {
  constexpr bool hasBeta = std::is_same_v<Norm, LayerNormOp>;
  if (failed(n.expectInputs(3, hasBeta ? 5 : 4)))
    return failure();
  if (n.hasOutput(1) || n.hasOutput(2))
    return n.unsupported("the outputs mean and inv_std_var are not implemented: leave them out");
  Compose c(n);
  Value x = n.input(0), bias = n.input(hasBeta ? 4 : 3), sum = c.add(x, n.input(1));
  if (bias)
    sum = c.add(sum, bias);
  RankedTensorType type = rankedType(x);
  if (type && type.hasStaticShape() && sum.getType() != type)
    return n.invalid("has a skip or bias that does not fit its input");
  FloatAttr epsilon = f32(n, "epsilon", 1e-12f);
  warnOfEpsilon(n, epsilon.getValueAsDouble());
  Value y;
  if constexpr (hasBeta)
    y = n.create<Norm>(sum, n.input(2), n.input(3), n.builder.getI64IntegerAttr(-1), epsilon);
  else
    y = n.create<Norm>(sum, n.input(2), n.builder.getI64IntegerAttr(-1), epsilon);
  return n.hasOutput(3) ? n.finish({y, Value(), Value(), sum}) : n.finish({y});
}

static LogicalResult importMeanVarianceNorm(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  SmallVector<int64_t> axes = n.intsAttr("axes").value_or(SmallVector<int64_t>{0, 2, 3});
  return n.finish({n.create<MeanVarianceNormOp>(n.input(0), n.builder.getDenseI64ArrayAttr(axes))});
}

static LogicalResult importLpNorm(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  return n.finish({n.create<LpNormOp>(n.input(0), i64(n, "axis", -1), i64(n, "p", 2))});
}

static LogicalResult importLrn(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  if (!n.hasAttr("size"))
    return n.invalid("has no size");
  return n.finish({n.create<LrnOp>(n.input(0), i64(n, "size", 1), f32(n, "alpha", 1e-4f), f32(n, "beta", 0.75f),
                                   f32(n, "bias", 1))});
}

//===- Softmax -----------------------------------------------------------===//

template <typename Op> static LogicalResult importSoftmax(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Value x = n.input(0);
  if (n.opset >= 13)
    return n.finish({n.create<Op>(x, i64(n, "axis", -1))});
  // Before opset 13 everything from the axis on is one line.
  int64_t axis = n.intAttr("axis", 1);
  RankedTensorType type = rankedType(x);
  std::optional<int64_t> normal = type ? normaliseAxis(axis, type.getRank()) : std::nullopt;
  if (type && !normal)
    return n.invalid("axis " + Twine(axis) + " is not an axis of its input");
  if (normal && llvm::all_of(type.getShape().drop_front(*normal + 1), [](int64_t dim) { return dim == 1; }))
    return n.finish({n.create<Op>(x, n.builder.getI64IntegerAttr(*normal))});
  Value flat = n.create<FlattenOp>(x, n.builder.getI64IntegerAttr(axis));
  Value line = n.create<Op>(flat, n.builder.getI64IntegerAttr(1));
  Value shape = n.create<ShapeOp>(x, n.builder.getI64IntegerAttr(0), IntegerAttr());
  return n.finish({n.create<ReshapeOp>(line, shape, n.builder.getBoolAttr(true))});
}

void registerNormalisationImporters(ImporterTable &table) {
  table.add(
      "BatchNormalization", importBatchNorm,
      {1, floats, "in training mode: statistics per element (spatial=0), and the outputs saved_mean and saved_var"});
  table.add("InstanceNormalization", importInstanceNorm, {1, floats});
  table.add("GroupNormalization", importGroupNorm,
            {18, floats, "before opset 21 the number of channels must be known"});
  table.add("LayerNormalization", importLayerNorm, {17, floats});
  table.add("RMSNormalization", importRmsNorm, {23, floats});
  table.add("com.microsoft.SkipLayerNormalization", importSkipNorm<LayerNormOp>,
            {1, floats, "the outputs mean and inv_std_var: leave them out"});
  table.add("com.microsoft.SkipSimplifiedLayerNormalization", importSkipNorm<RmsNormOp>,
            {1, floats, "the outputs mean and inv_std_var: leave them out"});
  table.add("MeanVarianceNormalization", importMeanVarianceNorm, {9, floats});
  table.add("LpNormalization", importLpNorm, {1, floats});
  table.add("LRN", importLrn, {1, floats});
  table.add("Softmax", importSoftmax<SoftmaxOp>, {1, floats});
  table.add("LogSoftmax", importSoftmax<LogSoftmaxOp>, {1, floats});
  table.add("Hardmax", importSoftmax<HardmaxOp>, {1, floats});
}

} // namespace sinter::nn
