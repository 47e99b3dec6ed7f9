// Quantised networks: pairs of nn.quantize and nn.dequantize around products, sums, pools and activations, per tensor
// and per channel.
#include "tests/random/Generators.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::random_graphs {

static DType quantisedType(Graph &g) {
  return g.pick<DType>({DType::I8, DType::U8, DType::I8, DType::U8, DType::I16, DType::U16});
}

/// Scale and zero point for x, along one axis or none.
static std::pair<Value, Value> parameters(Graph &g, Value x, DType type) {
  Shape shape;
  if (g.chance(35) && g.rankOf(x) > 0) {
    int64_t axis = g.rankOf(x) > 1 && g.chance(60) ? 1 : g.upTo(g.rankOf(x) - 1);
    shape.assign(static_cast<size_t>(g.rankOf(x) - axis), 1);
    shape[0] = rankedType(x).getDimSize(axis);
  }
  auto count = static_cast<size_t>(*elementCount(shape));
  std::vector<double> scale(count), zero(count, 0);
  for (double &value : scale)
    value = g.chance(30) ? g.pick<double>({0.5, 0.25, 1, 0.0625}) : g.uniform(0.005, 0.1);
  if (g.chance(50))
    for (double &value : zero)
      value = static_cast<double>(isUnsigned(type) ? g.pick<int64_t>({0, 128, 3, 255})
                                                   : g.pick<int64_t>({0, -128, 5, 127}));
  return {g.constant(DType::F32, shape, scale), g.constant(type, shape, zero)};
}

static Value quantize(Graph &g, Value x) {
  if (!x || g.typeOf(x) != DType::F32)
    return {};
  auto [scale, zero] = parameters(g, x, quantisedType(g));
  return g.make<QuantizeOp>(x, scale, zero);
}

static Value dequantize(Graph &g, Value x) {
  if (!x)
    return {};
  auto [scale, zero] = parameters(g, x, g.typeOf(x));
  return g.make<DequantizeOp>(x, scale, zero);
}

static bool quantizeOp(Graph &g) { return quantize(g, g.ofType(DType::F32)) != nullptr; }
static bool dequantizeOp(Graph &g) { return dequantize(g, g.ofType(quantisedType(g))) != nullptr; }

/// Quantised and back, with the same parameters or others.
static Value fake(Graph &g, Value x) {
  auto [scale, zero] = parameters(g, x, quantisedType(g));
  Value y = g.make<QuantizeOp>(x, scale, zero);
  return y && g.chance(75) ? g.make<DequantizeOp>(y, scale, zero) : dequantize(g, y);
}

/// A constant as a quantised one that is dequantised.
static Value quantisedWeight(Graph &g, Shape shape, int64_t channelAxis, DType type) {
  std::vector<double> content(static_cast<size_t>(*elementCount(shape)));
  for (double &value : content)
    value = static_cast<double>(isUnsigned(type) ? g.upTo(255) : g.between(-128, 127));
  Shape scales;
  if (g.chance(50)) {
    scales.assign(shape.size() - static_cast<size_t>(channelAxis), 1);
    scales[0] = shape[static_cast<size_t>(channelAxis)];
  }
  std::vector<double> scale(static_cast<size_t>(*elementCount(scales))), zero(scale.size(), g.chance(80) ? 0 : 3);
  for (double &value : scale)
    value = g.uniform(0.001, 0.02);
  return g.make<DequantizeOp>(g.constant(type, shape, content), g.constant(DType::F32, scales, scale),
                              g.constant(type, scales, zero));
}

/// Dequantised operands, a convolution or product, maybe an activation or a sum, and quantised again.
static bool quantisedLayer(Graph &g) {
  DType type = g.chance(50) ? DType::U8 : DType::I8;
  bool image = g.chance(60);
  Value x = g.ofType(type, image ? 4 : 2, image ? 4 : 2);
  if (!x)
    return false;
  x = dequantize(g, x);
  DType weightType = g.chance(80) ? DType::I8 : DType::U8;
  Value y;
  if (x && image) {
    Shape shape = g.shapeOf(x);
    int64_t group = g.chance(25) ? shape[1] : 1, outputs = group > 1 ? group : g.between(1, 9),
            k = std::min<int64_t>({g.pick<int64_t>({1, 3}), shape[2], shape[3]});
    Value w = quantisedWeight(g, {outputs, shape[1] / group, k, k}, 0, weightType);
    y = w ? g.make<ConvOp>(x, w, g.chance(60) ? g.numbers(DType::F32, {outputs}, -1, 1) : Value(), DenseI64ArrayAttr(),
                           DenseI64ArrayAttr(), g.array(SmallVector<int64_t>(4, g.chance(60) ? k / 2 : 0)),
                           g.string("NOTSET"), g.i64(group))
          : Value();
  } else if (x) {
    int64_t k = rankedType(x).getDimSize(1), n = g.between(1, 9);
    Value w = quantisedWeight(g, {k, n}, 1, weightType);
    y = w ? g.make<MatmulOp>(x, w) : Value();
  }
  if (y && g.chance(25))
    y = makeAffine(g, y);
  if (y && g.chance(50))
    y = makeActivation(g, y);
  if (y && g.chance(25))
    if (Value other = g.any([&](RankedTensorType t) { return t == y.getType(); }); other)
      y = g.make<AddOp>(y, other);
  if (y && g.chance(80))
    y = quantize(g, y);
  return y != nullptr;
}

/// Quantisation pairs around whatever passes through them: views, pools, activations, concatenations; pairs behind
/// pairs.
static bool quantisedPath(Graph &g) {
  Value x = g.ofType(DType::F32);
  x = x ? fake(g, x) : Value();
  if (x && g.chance(50))
    if (Value y = g.chance(50) ? makeMovement(g, x) : makeActivation(g, x))
      x = y;
  if (x && g.chance(25) && g.rankOf(x) >= 3)
    if (Value y = makePool(g, x))
      x = y;
  x = x && g.typeOf(x) == DType::F32 ? fake(g, x) : Value();
  return x && (!g.chance(50) || makeActivation(g, x));
}

#define OP(op, make) {op::getOperationName(), make}

ArrayRef<OpGenerator> quantisationGenerators() {
  static const OpGenerator table[] = {OP(QuantizeOp, quantizeOp), OP(DequantizeOp, dequantizeOp)};
  return table;
}

ArrayRef<Motif> quantisationMotifs() {
  static const Motif table[] = {{"quantised-layer", quantisedLayer, 2}, {"quantised-path", quantisedPath}};
  return table;
}

} // namespace sinter::random_graphs
