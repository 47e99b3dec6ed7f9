// Convolutions of one to three spatial dimensions, transposed ones, and those of bytes.
#include "tests/random/Generators.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::random_graphs {

namespace {
/// The window of a convolution or pool over `axes` dimensions of these sizes.
struct RandomWindow {
  SmallVector<int64_t> kernel, strides, dilations, pads;
};
} // namespace

static RandomWindow randomWindow(Graph &g, ArrayRef<int64_t> sizes) {
  RandomWindow window;
  int64_t k = g.pick<int64_t>({1, 1, 2, 3, 3, 3, 5}), stride = g.chance(25) ? 2 : 1;
  bool padded = g.chance(55), uneven = g.chance(15);
  window.pads.resize(2 * sizes.size(), 0);
  for (size_t i = 0; i < sizes.size(); ++i) {
    int64_t size = std::min(g.chance(85) ? k : g.between(1, 3), sizes[i]);
    window.kernel.push_back(size);
    window.strides.push_back(g.chance(90) ? stride : g.between(1, 3));
    window.dilations.push_back(g.chance(12) && size > 1 && sizes[i] > 2 * (size - 1) ? 2 : 1);
    for (size_t end : {i, i + sizes.size()})
      window.pads[end] = padded ? (uneven ? g.upTo(2) : window.dilations[i] * (size - 1) / 2) : 0;
  }
  return window;
}

static Value convolution(Graph &g, Value x) {
  DType type = g.typeOf(x);
  Shape shape = g.shapeOf(x);
  int64_t inputs = shape[1], group = 1, outputs = g.pick<int64_t>({1, 2, 3, 4, 6, 8, 12, 16, 17});
  if (g.chance(20)) {
    group = inputs;
    outputs = inputs * (g.chance(80) ? 1 : 2);
  } else if (inputs % 2 == 0 && g.chance(15)) {
    group = 2;
    outputs += outputs % 2;
  }
  RandomWindow window = randomWindow(g, ArrayRef(shape).drop_front(2));
  Shape weights{outputs, inputs / group};
  weights.insert(weights.end(), window.kernel.begin(), window.kernel.end());
  int64_t summands = *elementCount(weights) / outputs;
  Value w = g.weight(type, weights, summands), b = g.chance(50) ? g.numbers(type, {outputs}, -1, 1) : Value();
  bool automatic = g.chance(6);
  return g.make<ConvOp>(x, w, b, g.array(window.strides), automatic ? DenseI64ArrayAttr() : g.array(window.dilations),
                        automatic ? DenseI64ArrayAttr() : g.array(window.pads),
                        g.string(automatic ? g.pick<const char *>({"SAME_UPPER", "SAME_LOWER", "VALID"}) : "NOTSET"),
                        g.i64(group));
}

static Value transposed(Graph &g, Value x) {
  DType type = g.typeOf(x);
  Shape shape = g.shapeOf(x);
  int64_t inputs = shape[1], group = inputs % 2 == 0 && g.chance(20) ? 2 : g.chance(8) ? inputs : 1;
  RandomWindow window = randomWindow(g, ArrayRef(shape).drop_front(2));
  Shape weights{inputs, g.between(1, 6)};
  weights.insert(weights.end(), window.kernel.begin(), window.kernel.end());
  SmallVector<int64_t> outputPadding(window.kernel.size(), 0);
  for (size_t i = 0; i < outputPadding.size(); ++i)
    outputPadding[i] = g.chance(20) && window.strides[i] > 1 ? 1 : 0;
  Value w = g.weight(type, weights, *elementCount(weights) / weights[1] / group),
        b = g.chance(50) ? g.numbers(type, {weights[1] * group}, -1, 1) : Value();
  return g.make<ConvTransposeOp>(x, w, b, g.array(window.strides), g.array(window.dilations), g.array(window.pads),
                                 g.array(outputPadding), DenseI64ArrayAttr(), g.string("NOTSET"), g.i64(group));
}

/// A value of rank 3 to 5, whatever x is: with dimensions of 1, or some joined.
static Value withSpace(Graph &g, Value x) {
  if (g.rankOf(x) >= 3 && g.rankOf(x) <= 5)
    return x;
  Shape shape = g.shapeOf(x);
  while (shape.size() < 3)
    shape.push_back(1);
  while (shape.size() > 5) {
    shape[shape.size() - 2] *= shape.back();
    shape.pop_back();
  }
  return g.make<ReshapeOp>(x, g.ints(shape), g.boolean(false));
}

Value makeConvolution(Graph &g, Value x) {
  x = withSpace(g, x);
  if (!x)
    return {};
  return g.chance(80) ? convolution(g, x) : transposed(g, x);
}

static bool conv(Graph &g) {
  Value x = g.anyFloat(3, 5);
  return x && convolution(g, x);
}

static bool convTranspose(Graph &g) {
  Value x = g.anyFloat(3, 5);
  return x && transposed(g, x);
}

static bool convInteger(Graph &g) {
  bool isSigned = g.chance(50);
  Value x = g.ofType(isSigned ? DType::I8 : DType::U8, 3, 5);
  if (!x)
    return false;
  Shape shape = g.shapeOf(x);
  int64_t inputs = shape[1], group = g.chance(20) ? inputs : 1,
          outputs = g.chance(50) ? inputs : g.between(1, 9) * group;
  RandomWindow window = randomWindow(g, ArrayRef(shape).drop_front(2));
  Shape weights{outputs, inputs / group};
  weights.insert(weights.end(), window.kernel.begin(), window.kernel.end());
  bool wide = g.chance(20);
  std::vector<double> content(static_cast<size_t>(*elementCount(weights)));
  for (double &value : content)
    value = static_cast<double>(g.chance(10) ? (g.chance(50) ? 127 : -128) : g.between(-128, 127) * (wide ? 2 : 1));
  Value w = g.constant(wide ? DType::I16 : DType::I8, weights, content),
        b = g.chance(50) ? g.numbers(DType::I32, {outputs}, -9, 9) : Value();
  return g.make<ConvIntegerOp>(x, w, b,
                               g.i64(g.chance(50) ? 0
                                     : isSigned   ? g.between(-128, 127)
                                                  : g.upTo(255)),
                               g.array(window.strides), g.array(window.dilations), g.array(window.pads),
                               g.string("NOTSET"), g.i64(group)) != nullptr;
}

//===- Pools --------------------------------------------------------------===//

template <typename Op, typename... Extra> static Value window(Graph &g, Value x, Extra... extra) {
  RandomWindow window = randomWindow(g, ArrayRef(g.shapeOf(x)).drop_front(2));
  return g.make<Op>(x, g.array(window.kernel), g.array(window.strides), g.array(window.dilations), g.array(window.pads),
                    g.string("NOTSET"), g.flag(g.chance(20)), extra...);
}

static Value averagePool(Graph &g, Value x) { return window<AveragePoolOp>(g, x, g.flag(g.chance(50))); }
static Value maxPool(Graph &g, Value x) { return window<MaxPoolOp>(g, x); }
static Value lpPool(Graph &g, Value x) { return window<LpPoolOp>(g, x, g.i64(g.between(1, 3))); }
static Value maxPoolIndices(Graph &g, Value x) {
  RandomWindow window = randomWindow(g, ArrayRef(g.shapeOf(x)).drop_front(2));
  Operation *op =
      g.makeOp<MaxPoolIndicesOp>(2, x, g.array(window.kernel), g.array(window.strides), g.array(window.dilations),
                                 g.array(window.pads), g.string("NOTSET"), g.flag(g.chance(20)), g.flag(g.chance(30)));
  return op ? op->getResult(0) : Value();
}
template <typename Op> static Value global(Graph &g, Value x) { return g.make<Op>(x); }
static Value globalLpPool(Graph &g, Value x) { return g.make<GlobalLpPoolOp>(x, g.i64(g.between(1, 3))); }

Value makePool(Graph &g, Value x) {
  using Maker = Value (*)(Graph &, Value);
  x = withSpace(g, x);
  if (!x || !isFloat(g.typeOf(x)))
    return {};
  return g.pick<Maker>({averagePool, averagePool, maxPool, maxPool, lpPool, global<GlobalAveragePoolOp>,
                        global<GlobalMaxPoolOp>, globalLpPool, maxPoolIndices})(g, x);
}

Value makeAnchor(Graph &g, Value x) {
  if (g.chance(70) ? g.rankOf(x) >= 3 && g.rankOf(x) <= 5 && g.chance(75) : g.chance(50))
    return makeConvolution(g, x);
  return makeProduct(g, x);
}

template <Value (*maker)(Graph &, Value), bool integersToo = false> static bool pool(Graph &g) {
  Value x = integersToo ? g.anyNumber(3, 5) : g.anyFloat(3, 5);
  return x && maker(g, x);
}

#define OP(op, make) {op::getOperationName(), make}

ArrayRef<OpGenerator> convolutionGenerators() {
  static const OpGenerator table[] = {
      OP(ConvOp, conv),
      OP(ConvTransposeOp, convTranspose),
      OP(ConvIntegerOp, convInteger),
  };
  return table;
}

ArrayRef<OpGenerator> poolGenerators() {
  static const OpGenerator table[] = {
      OP(MaxPoolOp, (pool<maxPool, true>)),
      OP(MaxPoolIndicesOp, (pool<maxPoolIndices, true>)),
      OP(AveragePoolOp, pool<averagePool>), // of integers there is no kernel (codegen/kernels/Pool.cpp)
      OP(LpPoolOp, pool<lpPool>),
      OP(GlobalAveragePoolOp, pool<global<GlobalAveragePoolOp>>),
      OP(GlobalMaxPoolOp, pool<global<GlobalMaxPoolOp>>),
      OP(GlobalLpPoolOp, pool<globalLpPool>),
  };
  return table;
}

} // namespace sinter::random_graphs
