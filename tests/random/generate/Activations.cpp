// Activations, each with attributes and bounds at the ends of what they may be, and stacks of them, which passes merge
// and remove.
#include "tests/random/Generators.h"
#include <limits>

using namespace sinter::nn;

namespace sinter::random_graphs {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <typename Op> static Value plain(Graph &g, Value x) { return g.make<Op>(x); }

template <typename Op> static Value withAlpha(Graph &g, Value x) {
  return g.make<Op>(x, g.f32(g.chance(20) ? g.pick<double>({1, 0.5, 2, -1}) : g.uniform(-0.5, 2)));
}

static Value leakyRelu(Graph &g, Value x) {
  return g.make<LeakyReluOp>(x, g.f32(g.chance(25) ? g.pick<double>({0, -0.0, 1, -1, 2}) : g.uniform(-0.5, 1.5)));
}

static Value prelu(Graph &g, Value x) {
  return g.make<PReluOp>(x, g.numbers(g.typeOf(x), g.constantShape(g.shapeOf(x)), g.chance(50) ? -1 : 0, 1));
}

static Value selu(Graph &g, Value x) {
  return g.chance(50) ? g.make<SeluOp>(x, g.f32(1.67326319217681884765625), g.f32(1.05070102214813232421875))
                      : g.make<SeluOp>(x, g.f32(g.uniform(0, 2)), g.f32(g.uniform(-1, 2)));
}

static Value hardSigmoid(Graph &g, Value x) {
  bool usual = g.chance(50);
  return g.make<HardSigmoidOp>(x, g.f32(usual ? 0.2 : g.uniform(-1, 2)), g.f32(usual ? 0.5 : g.uniform(-1, 1)));
}

static Value gelu(Graph &g, Value x) { return g.make<GeluOp>(x, g.string(g.chance(50) ? "none" : "tanh")); }

static Value shrink(Graph &g, Value x) {
  return g.make<ShrinkOp>(x, g.f32(g.chance(50) ? 0 : g.uniform(-1, 1)), g.f32(g.chance(20) ? 0 : g.uniform(0, 1)));
}

/// A bound of a clamp: usual ones, infinite ones, those of the type, absent ones.
static Value bound(Graph &g, DType type, bool upper) {
  if (!isFloat(type))
    return g.numbers(type, {}, upper ? 3 : -3, 9);
  if (g.chance(12))
    return g.scalar(type, upper ? infinity : -infinity);
  if (g.hostility > 0 && g.chance(6))
    return g.scalar(type, g.pick<double>({-infinity, infinity, 0, -0.0, 65504, -65504, 3e38}));
  return g.scalar(type, upper ? g.pick<double>({6, 1, 0.5, 3, 127}) : g.pick<double>({0, 0, -1, 0.25, -3}));
}

static Value clip(Graph &g, Value x) {
  DType type = g.typeOf(x);
  Value lower = g.chance(85) ? bound(g, type, false) : Value(), upper = g.chance(80) ? bound(g, type, true) : Value();
  return g.make<ClipOp>(x, lower, upper);
}

/// Max or Min with a bound: a clamp as older exporters write it.
static Value halfClamp(Graph &g, Value x) {
  bool upper = g.chance(50);
  Value limit =
      g.chance(70) ? bound(g, g.typeOf(x), upper) : g.numbers(g.typeOf(x), g.constantShape(g.shapeOf(x)), -1, 2);
  mlir::SmallVector<Value> operands{x, limit};
  if (g.chance(30))
    std::swap(operands[0], operands[1]);
  return upper ? g.make<MinOp>(operands) : g.make<MaxOp>(operands);
}

Value makeActivation(Graph &g, Value x) {
  using Maker = Value (*)(Graph &, Value);
  static const std::vector<Maker> makers{plain<ReluOp>,
                                         plain<ReluOp>,
                                         plain<ReluOp>,
                                         plain<ReluOp>,
                                         plain<ReluOp>,
                                         clip,
                                         clip,
                                         clip,
                                         halfClamp,
                                         leakyRelu,
                                         prelu,
                                         plain<SigmoidOp>,
                                         plain<TanhOp>,
                                         plain<AbsOp>,
                                         plain<HardSwishOp>,
                                         withAlpha<EluOp>,
                                         selu,
                                         gelu,
                                         hardSigmoid,
                                         withAlpha<SwishOp>,
                                         plain<SoftplusOp>,
                                         plain<MishOp>,
                                         plain<SoftsignOp>,
                                         withAlpha<CeluOp>,
                                         shrink,
                                         withAlpha<ThresholdedReluOp>};
  if (!isFloat(g.typeOf(x)))
    return g.pick<Maker>({plain<ReluOp>, clip, halfClamp, plain<AbsOp>, shrink, prelu})(g, x);
  return g.pick(makers)(g, x);
}

//===- Motifs -------------------------------------------------------------===//

/// Several in a row: merged clamps, activations that change nothing, signs that are known.
static bool stack(Graph &g) {
  Value x = g.anyNumber();
  for (int64_t i = 0, count = g.between(2, 4); i < count && x; ++i)
    x = makeActivation(g, x);
  return x != nullptr;
}

/// An activation that a range proves redundant: behind squares, absolute values, softmaxes, pools and sums with a sign.
static bool provable(Graph &g) {
  Value x = g.anyFloat(1);
  if (!x)
    return false;
  switch (g.upTo(5)) {
  case 0:
    x = g.make<MulOp>(x, x);
    break;
  case 1:
    x = g.make<AbsOp>(x);
    break;
  case 2:
    x = g.make<SigmoidOp>(x);
    break;
  case 3:
    x = g.make<SoftmaxOp>(x, g.i64(-1));
    break;
  case 4:
    x = g.make<ReluOp>(x);
    break;
  default:
    x = g.make<ExpOp>(x);
  }
  if (x && g.chance(60))
    x = g.chance(50) ? makeAnchor(g, x) : makeAffine(g, x);
  if (x && g.chance(30))
    x = makeMovement(g, x);
  return x && makeActivation(g, x);
}

/// Channels that are constant: gamma 0 in front of a clamp, then something that could lose them.
static bool constantChannels(Graph &g) {
  Value x = g.anyFloat(3);
  if (!x || g.rankOf(x) < 2)
    return false;
  int64_t c = rankedType(x).getDimSize(1);
  std::vector<double> gamma, beta;
  for (int64_t i = 0; i < c; ++i) {
    gamma.push_back(g.chance(40) ? 0 : g.uniform(-1, 1.5));
    beta.push_back(g.chance(50) ? -3 : g.uniform(-1, 1));
  }
  DType type = g.typeOf(x);
  x = g.make<BatchNormOp>(x, g.constant(type, {c}, gamma), g.constant(type, {c}, beta), g.numbers(type, {c}, -1, 1),
                          g.numbers(type, {c}, 0.3, 3), g.f32(1e-5));
  if (x)
    x = makeActivation(g, x);
  for (int64_t i = g.upTo(2); x && i > 0; --i)
    x = g.chance(50) ? makeMovement(g, x) : makePool(g, x);
  return x && makeAnchor(g, x);
}

template <Value (*maker)(Graph &, Value)> static bool onFloat(Graph &g) {
  Value x = g.anyFloat();
  return x && maker(g, x);
}
template <Value (*maker)(Graph &, Value)> static bool onNumber(Graph &g) {
  Value x = g.anyNumber();
  return x && maker(g, x);
}

#define OP(op, make) {op::getOperationName(), make}

ArrayRef<OpGenerator> activationGenerators() {
  static const OpGenerator table[] = {
      OP(ReluOp, onNumber<plain<ReluOp>>),
      OP(LeakyReluOp, onFloat<leakyRelu>),
      OP(PReluOp, onNumber<prelu>),
      OP(EluOp, onFloat<withAlpha<EluOp>>),
      OP(SeluOp, onFloat<selu>),
      OP(CeluOp, onFloat<withAlpha<CeluOp>>),
      OP(ThresholdedReluOp, onFloat<withAlpha<ThresholdedReluOp>>),
      OP(HardSigmoidOp, onFloat<hardSigmoid>),
      OP(HardSwishOp, onFloat<plain<HardSwishOp>>),
      OP(SigmoidOp, onFloat<plain<SigmoidOp>>),
      OP(TanhOp, onFloat<plain<TanhOp>>),
      OP(SoftplusOp, onFloat<plain<SoftplusOp>>),
      OP(SoftsignOp, onFloat<plain<SoftsignOp>>),
      OP(GeluOp, onFloat<gelu>),
      OP(MishOp, onFloat<plain<MishOp>>),
      OP(SwishOp, onFloat<withAlpha<SwishOp>>),
      OP(ShrinkOp, onNumber<shrink>),
      OP(ClipOp, onNumber<clip>),
  };
  return table;
}

ArrayRef<Motif> activationMotifs() {
  static const Motif table[] = {
      {"stack", stack, 2}, {"provable", provable, 2}, {"constant-channels", constantChannels, 1}};
  return table;
}

} // namespace sinter::random_graphs
