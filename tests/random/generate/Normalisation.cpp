// BatchNorms, norms by statistics of their operand over any axes, softmaxes, and norms spelled in primitives as
// exporters do.
#include "tests/random/Generators.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::random_graphs {

static bool batchNorm(Graph &g) {
  Value x = g.anyFloat(1);
  if (!x)
    return false;
  int64_t c = g.rankOf(x) > 1 ? rankedType(x).getDimSize(1) : 1;
  DType type = g.typeOf(x);
  std::vector<double> variance = g.numbers(c, 0.3, 3);
  for (double &value : variance) // a negative one is refused
    value = std::fabs(value);
  return g.make<BatchNormOp>(x, g.numbers(type, {c}, -1.5, 1.5), g.numbers(type, {c}, -1, 1),
                             g.numbers(type, {c}, -1, 1), g.constant(type, {c}, variance),
                             g.f32(g.chance(80) ? 1e-5 : 1e-3)) != nullptr;
}

static bool batchNormTraining(Graph &g) {
  Value x = g.anyFloat(2);
  if (!x)
    return false;
  int64_t c = rankedType(x).getDimSize(1);
  DType type = g.typeOf(x);
  return g.makeOp<BatchNormTrainingOp>(3, x, g.numbers(type, {c}, -1.5, 1.5), g.numbers(type, {c}, -1, 1),
                                       g.numbers(type, {c}, -1, 1), g.numbers(type, {c}, 0.3, 3), g.f32(1e-3),
                                       g.f32(0.9)) != nullptr;
}

static bool channelAffine(Graph &g) {
  Value x = g.anyFloat();
  if (!x)
    return false;
  Shape shape = g.constantShape(g.shapeOf(x));
  return g.make<ChannelAffineOp>(x, g.numbers(g.typeOf(x), shape, -1.5, 1.5), g.numbers(g.typeOf(x), shape, -1, 1)) !=
         nullptr;
}

static bool instanceNorm(Graph &g) {
  Value x = g.anyFloat(3);
  if (!x)
    return false;
  int64_t c = rankedType(x).getDimSize(1);
  return g.make<InstanceNormOp>(x, g.numbers(g.typeOf(x), {c}, -1.5, 1.5), g.numbers(g.typeOf(x), {c}, -1, 1),
                                g.f32(1e-3)) != nullptr;
}

static bool groupNorm(Graph &g) {
  Value x = g.anyFloat(3);
  if (!x)
    return false;
  int64_t c = rankedType(x).getDimSize(1), groups = c % 2 == 0 && g.chance(60) ? 2 : g.chance(50) ? 1 : c;
  return g.make<GroupNormOp>(x, g.numbers(g.typeOf(x), {c}, -1.5, 1.5), g.numbers(g.typeOf(x), {c}, -1, 1),
                             g.i64(groups), g.f32(1e-3)) != nullptr;
}

/// The dimensions from `axis` on: what scale and bias of a layer norm have, as a rule.
static Shape tail(Graph &g, Value x, int64_t axis) {
  Shape shape = g.shapeOf(x);
  shape.erase(shape.begin(), shape.begin() + (axis < 0 ? axis + g.rankOf(x) : axis));
  return g.chance(80) ? shape : g.constantShape(shape);
}

static int64_t normAxis(Graph &g, Value x) { return g.chance(60) ? -1 : g.axis(x); }

static bool layerNorm(Graph &g) {
  Value x = g.anyFloat(1);
  if (!x)
    return false;
  int64_t axis = normAxis(g, x);
  Value bias = g.chance(70) ? g.numbers(g.typeOf(x), tail(g, x, axis), -1, 1) : Value();
  return g.make<LayerNormOp>(x, g.numbers(g.typeOf(x), tail(g, x, axis), -1.5, 1.5), bias, g.i64(axis), g.f32(1e-3)) !=
         nullptr;
}

static bool layerNormStats(Graph &g) {
  Value x = g.anyFloat(1);
  if (!x)
    return false;
  int64_t axis = normAxis(g, x);
  Value bias = g.chance(50) ? g.numbers(g.typeOf(x), tail(g, x, axis), -1, 1) : Value();
  return g.makeOp<LayerNormStatsOp>(3, x, g.numbers(g.typeOf(x), tail(g, x, axis), -1.5, 1.5), bias, g.i64(axis),
                                    g.f32(1e-3), g.typeAttr(g.chance(70) ? DType::F32 : g.typeOf(x))) != nullptr;
}

static bool rmsNorm(Graph &g) {
  Value x = g.anyFloat(1);
  if (!x)
    return false;
  int64_t axis = normAxis(g, x);
  return g.make<RmsNormOp>(x, g.numbers(g.typeOf(x), tail(g, x, axis), -1.5, 1.5), g.i64(axis), g.f32(1e-3)) != nullptr;
}

static bool meanVarianceNorm(Graph &g) {
  Value x = g.anyFloat(1);
  if (!x)
    return false;
  SmallVector<int64_t> axes;
  for (int64_t axis = 0; axis < g.rankOf(x); ++axis)
    if (g.rankOf(x) == 4 && g.chance(70) ? axis != 1 : g.chance(60))
      axes.push_back(axis);
  return !axes.empty() && g.make<MeanVarianceNormOp>(x, g.array(axes));
}

static bool lpNorm(Graph &g) {
  Value x = g.anyFloat(1);
  return x && g.make<LpNormOp>(x, g.i64(g.axis(x)), g.i64(g.between(1, 2)));
}

static bool lrn(Graph &g) {
  Value x = g.anyFloat(3);
  return x && g.make<LrnOp>(x, g.i64(g.between(1, 5)), g.f32(g.chance(50) ? 1e-4 : 0.1),
                            g.f32(g.chance(70) ? 0.75 : 0.5), g.f32(g.chance(70) ? 1 : 2));
}

template <typename Op> static bool alongAxis(Graph &g) {
  Value x = g.anyFloat(1);
  return x && g.make<Op>(x, g.i64(g.chance(50) ? -1 : g.axis(x)));
}

//===- Norms in primitives ------------------------------------------------===//

/// (x - mean) / sqrt(mean((x - mean)^2) + eps) * gamma + beta in the orders and forms of exporters, with statistics
/// over one axis or several; without the mean it is an RMS norm.
static bool spelledNorm(Graph &g) {
  Value x = g.anyFloat(2, 4);
  if (!x)
    return false;
  DType type = g.typeOf(x);
  SmallVector<int64_t> axes{-1};
  if (g.rankOf(x) > 2 && g.chance(35))
    axes = g.chance(50) ? SmallVector<int64_t>{-2, -1} : SmallVector<int64_t>{1};
  auto mean = [&](Value v) { return v ? g.make<ReduceMeanOp>(v, g.ints(axes), g.boolean(true), UnitAttr()) : Value(); };
  bool rms = g.chance(30);
  // f16 networks compute norms in f32 between casts, or forget to.
  bool widened = (type == DType::F16 || type == DType::BF16) && g.chance(50);
  if (widened)
    x = g.make<CastOp>(x, g.typeAttr(DType::F32), g.boolean(true), g.string("up"));
  DType inner = widened ? DType::F32 : type;
  Value m = rms ? Value() : mean(x);
  Value d = rms ? x : m ? g.make<SubOp>(x, m) : Value();
  if (!d)
    return false;
  Value square = g.chance(50) ? g.make<PowOp>(d, g.scalar(g.chance(70) ? inner : DType::F32, 2)) : g.make<MulOp>(d, d);
  Value variance = mean(square);
  Value root = variance ? g.make<AddOp>(variance, g.scalar(inner, g.pick<double>({1e-5, 1e-3}))) : Value();
  root = root ? g.make<SqrtOp>(root) : Value();
  Value y;
  if (root && g.chance(25)) {
    Value inverse = g.chance(50) ? g.make<ReciprocalOp>(root) : g.make<DivOp>(g.scalar(inner, 1), root);
    y = inverse ? g.make<MulOp>(d, inverse) : Value();
  } else if (root) {
    y = g.make<DivOp>(d, root);
  }
  if (y && widened)
    y = g.make<CastOp>(y, g.typeAttr(type), g.boolean(true), g.string("up"));
  Shape parameters = g.chance(80) ? Shape{rankedType(x).getShape().back()} : g.constantShape(g.shapeOf(x));
  if (y && g.chance(80))
    y = g.chance(50) ? g.make<MulOp>(y, g.numbers(type, parameters, -1.5, 1.5))
                     : g.make<MulOp>(g.numbers(type, parameters, -1.5, 1.5), y);
  if (y && g.chance(70))
    y = g.make<AddOp>(y, g.numbers(type, parameters, -1, 1));
  return y != nullptr;
}

/// GELU as exporters spell it: 0.5*x*(1 + erf(x/sqrt(2))), in any order, and its approximation by tanh.
static bool spelledGelu(Graph &g) {
  Value x = g.anyFloat();
  if (!x)
    return false;
  DType type = g.typeOf(x);
  auto number = [&](double value) { return g.scalar(type, value); };
  Value inside, y;
  if (g.chance(65)) {
    inside = g.chance(60) ? g.make<DivOp>(x, number(1.4142135623730951)) : g.make<MulOp>(x, number(0.7071067811865476));
    inside = inside ? g.make<ErfOp>(inside) : Value();
  } else {
    Value square = g.chance(50) ? Value() : g.make<MulOp>(x, x),
          cube = square ? g.make<MulOp>(square, x) : g.make<PowOp>(x, number(3));
    cube = cube ? g.make<MulOp>(cube, number(0.044715)) : Value();
    inside = cube ? g.make<AddOp>(x, cube) : Value();
    inside = inside ? g.make<MulOp>(inside, number(0.7978845608028654)) : Value();
    inside = inside ? g.make<TanhOp>(inside) : Value();
  }
  Value sum = inside ? g.make<AddOp>(inside, number(g.chance(90) ? 1 : 0.9)) : Value();
  if (!sum)
    return false;
  switch (g.upTo(2)) {
  case 0:
    y = g.make<MulOp>(x, sum);
    return y && g.make<MulOp>(y, number(0.5));
  case 1:
    y = g.make<MulOp>(x, number(0.5));
    return y && g.make<MulOp>(y, sum);
  default:
    y = g.make<MulOp>(sum, number(0.5));
    return y && g.make<MulOp>(x, y);
  }
}

/// x * sigmoid(x), x * clip(x + 3, 0, 6) / 6 and the like, as they come apart in exports.
static bool spelledActivation(Graph &g) {
  Value x = g.anyFloat();
  if (!x)
    return false;
  DType type = g.typeOf(x);
  if (g.chance(50)) {
    Value s = g.chance(70) ? g.make<SigmoidOp>(x) : g.make<HardSigmoidOp>(x, g.f32(1.0 / 6), g.f32(0.5));
    return s && g.make<MulOp>(x, s);
  }
  Value y = g.make<AddOp>(x, g.scalar(type, 3));
  y = y ? g.make<ClipOp>(y, g.scalar(type, 0), g.scalar(type, 6)) : Value();
  y = y ? g.make<DivOp>(y, g.scalar(type, 6)) : Value();
  return y && g.make<MulOp>(x, y);
}

#define OP(op, make) {op::getOperationName(), make}

ArrayRef<OpGenerator> normalisationGenerators() {
  static const OpGenerator table[] = {
      OP(BatchNormOp, batchNorm),
      OP(BatchNormTrainingOp, batchNormTraining),
      OP(ChannelAffineOp, channelAffine),
      OP(InstanceNormOp, instanceNorm),
      OP(GroupNormOp, groupNorm),
      OP(LayerNormOp, layerNorm),
      OP(LayerNormStatsOp, layerNormStats),
      OP(RmsNormOp, rmsNorm),
      OP(MeanVarianceNormOp, meanVarianceNorm),
      OP(LpNormOp, lpNorm),
      OP(LrnOp, lrn),
      OP(SoftmaxOp, alongAxis<SoftmaxOp>),
      OP(LogSoftmaxOp, alongAxis<LogSoftmaxOp>),
      OP(HardmaxOp, alongAxis<HardmaxOp>),
  };
  return table;
}

ArrayRef<Motif> normMotifs() {
  static const Motif table[] = {
      {"spelled-norm", spelledNorm, 2}, {"spelled-gelu", spelledGelu}, {"spelled-activation", spelledActivation}};
  return table;
}

} // namespace sinter::random_graphs
