// Arithmetic, comparison and logic: with constants along any axis, with other values, with the operand itself, and
// chains of affines in front of and behind whatever could take them up.
#include "tests/random/Generators.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::random_graphs {

template <typename Op> static bool binary(Graph &g) {
  Value a = g.anyNumber();
  Value b = a ? g.partner(a) : Value();
  if (!b)
    return false;
  return g.chance(75) ? g.make<Op>(a, b) != nullptr : g.make<Op>(b, a) != nullptr;
}

template <typename Op> static bool variadic(Graph &g) {
  constexpr bool floats = std::is_same_v<Op, SumOp> || std::is_same_v<Op, nn::MeanOp>;
  Value x = floats ? g.anyFloat() : g.anyNumber();
  if (!x)
    return false;
  SmallVector<Value> operands{x};
  for (int64_t i = g.upTo(3); i > 0; --i)
    operands.insert(operands.begin() + g.upTo(static_cast<int64_t>(operands.size())), g.partner(x));
  return g.make<Op>(operands) != nullptr;
}

static bool mod(Graph &g) {
  Value a = g.anyNumber();
  Value b = a ? g.partner(a) : Value();
  return b && g.make<ModOp>(a, b, g.boolean(isFloat(g.typeOf(a)) || g.chance(50)));
}

static bool pow(Graph &g) {
  Value a = g.anyNumber();
  if (!a)
    return false;
  if (g.chance(60))
    return g.make<PowOp>(a, g.scalar(g.chance(70) ? g.typeOf(a) : DType::F32,
                                     g.pick<double>({2, 2, 3, 0.5, 1, 0, -1, -2, 4, 1.5}))) != nullptr;
  return g.make<PowOp>(a, g.partner(a)) != nullptr;
}

static bool bitShift(Graph &g) {
  DType type = g.pick<DType>({DType::U8, DType::U16, DType::U32, DType::U64});
  Value a = g.ofType(type);
  return a && g.make<BitShiftOp>(a, g.chance(60) ? g.numbers(type, g.constantShape(g.shapeOf(a)), 0, 9) : g.partner(a),
                                 g.string(g.chance(50) ? "LEFT" : "RIGHT"));
}

template <typename Op> static bool bits(Graph &g) {
  Value a = g.ofType(g.integerType());
  return a && g.make<Op>(a, g.partner(a));
}

template <typename Op> static bool logic(Graph &g) {
  Value a = g.ofType(DType::Bool);
  return a && g.make<Op>(a, g.partner(a));
}

static bool equal(Graph &g) {
  Value a = g.chance(10) ? g.ofType(DType::Bool) : g.anyNumber();
  return a && g.make<EqualOp>(a, g.partner(a));
}

static bool where(Graph &g) {
  Value a = g.chance(10) ? g.ofType(DType::Bool) : g.anyNumber();
  if (!a)
    return false;
  Value b = g.partner(a), condition = g.any([&](RankedTensorType t) {
    return t.getElementType().isInteger(1) && broadcastShapes({t.getShape(), rankedType(a).getShape()});
  });
  if (!condition && g.chance(50) && g.typeOf(a) != DType::Bool)
    condition = g.make<LessOp>(a, g.partner(a));
  if (!condition)
    condition = g.numbers(DType::Bool, g.constantShape(g.shapeOf(a)), 0, 1);
  return g.chance(50) ? g.make<WhereOp>(condition, a, b) != nullptr : g.make<WhereOp>(condition, b, a) != nullptr;
}

static bool select(Graph &g) {
  Value a = g.anyNumber();
  if (!a)
    return false;
  Value b = g.any([&](RankedTensorType t) { return t == a.getType(); });
  Value condition = g.chance(70) ? g.input(DType::Bool, {}, 0, 1, false) : g.numbers(DType::Bool, {}, 0, 1);
  return g.make<SelectOp>(condition, a, g.chance(80) ? b : g.numbers(g.typeOf(a), g.shapeOf(a), -1, 1)) != nullptr;
}

//===- Affines ------------------------------------------------------------===//

/// Along which constants run, as the op that computes with them has them.
static Value affineConstant(Graph &g, Value x, double low, double high) {
  return g.numbers(g.typeOf(x), g.constantShape(g.shapeOf(x)), low, high);
}

static Value channelAffine(Graph &g, Value x) {
  Shape shape = g.constantShape(g.shapeOf(x));
  return g.make<ChannelAffineOp>(x, g.numbers(g.typeOf(x), shape, -1.5, 1.5), g.numbers(g.typeOf(x), shape, -1, 1));
}

static Value batchNorm(Graph &g, Value x) {
  int64_t c = g.rankOf(x) > 1 ? rankedType(x).getDimSize(1) : 1;
  DType type = g.typeOf(x);
  bool positive = g.chance(40), unshifted = g.chance(20);
  Value scale = g.numbers(type, {c}, positive ? 0.2 : -1.5, 1.5);
  Value bias = g.numbers(type, {c}, unshifted ? 0 : -1, unshifted ? 0 : 1);
  Value mean = g.numbers(type, {c}, unshifted ? 0 : -1, unshifted ? 0 : 1);
  // Variances are not negative: a model with one is refused (docs/explain.md, NONFINITE_FOLD).
  std::vector<double> variance = g.numbers(c, 0.3, 3);
  for (double &value : variance)
    value = std::fabs(value);
  return g.make<BatchNormOp>(x, scale, bias, mean, g.constant(type, {c}, variance), g.f32(g.chance(80) ? 1e-5 : 1e-3));
}

/// x less about its mean, over about its size: what stands in front of a network.
static Value normalised(Graph &g, Value x) {
  double largest = 0, sum = 0;
  for (double value : toDoubles(g.valuesOf(x))) {
    sum += value;
    largest = std::max(largest, std::fabs(value));
  }
  double centre = sum / static_cast<double>(std::max<int64_t>(rankedType(x).getNumElements(), 1));
  if (!std::isfinite(largest))
    return {};
  Shape shape = g.constantShape(g.shapeOf(x));
  std::vector<double> shift(static_cast<size_t>(*elementCount(shape)));
  for (double &value : shift)
    value = centre + g.uniform(-1, 1);
  Value y = g.make<SubOp>(x, g.constant(g.typeOf(x), shape, shift));
  if (y && g.chance(60))
    y = g.chance(50) ? g.make<DivOp>(y, affineConstant(g, y, 0.3, 3)) : g.make<MulOp>(y, affineConstant(g, y, 0.3, 3));
  return y;
}

Value makeAffine(Graph &g, Value x) {
  switch (g.upTo(11)) {
  case 0:
    return g.make<SubOp>(x, affineConstant(g, x, -1.5, 1.5));
  case 1:
    return g.make<SubOp>(affineConstant(g, x, -1.5, 1.5), x);
  case 2:
    return g.make<DivOp>(x, affineConstant(g, x, 0.5, 2));
  case 3:
    return g.make<NegOp>(x);
  case 4:
  case 5:
    return g.make<AddOp>(x, affineConstant(g, x, -1.5, 1.5));
  case 6:
  case 7:
    return isFloat(g.typeOf(x)) ? batchNorm(g, x) : Value();
  case 8:
    return isFloat(g.typeOf(x)) ? channelAffine(g, x) : Value();
  case 9:
    return normalised(g, x);
  default:
    return g.make<MulOp>(x, affineConstant(g, x, g.chance(50) ? 0.3 : -1.5, 1.5));
  }
}

Value makeAffines(Graph &g, Value x, int64_t most) {
  for (int64_t i = g.between(1, most); i > 0; --i)
    if (Value y = makeAffine(g, x))
      x = y;
  return x;
}

/// Affines, then something that has constants, moves elements or is neither, then affines: all the ways of the affine
/// mover.
static bool affineChain(Graph &g) {
  Value x = g.anyFloat(1);
  if (!x)
    return false;
  if (g.chance(60))
    x = makeAffines(g, x, 2);
  for (int64_t i = g.between(1, 3); i > 0; --i) {
    Value y = g.chance(50)   ? makeAnchor(g, x)
              : g.chance(65) ? makeMovement(g, x)
              : g.chance(50) ? makePool(g, x)
                             : makeActivation(g, x);
    x = y ? y : x;
  }
  x = makeAffines(g, x, 3);
  return !g.chance(40) || makeActivation(g, x) != nullptr;
}

/// A convolution or product whose result is cut along some axis into parts that cover it, and affines on some of the
/// parts: what is moved up from one part must not reach the others.
static bool cutAndScaled(Graph &g) {
  Value x = g.anyFloat(2);
  if (x && g.chance(75))
    if (Value y = makeAnchor(g, x))
      x = y;
  if (x && g.chance(30))
    if (Value y = makeMovement(g, x))
      x = y;
  if (!x || g.rankOf(x) == 0)
    return false;
  int64_t axis = g.rankOf(x) > 2 && g.chance(40) ? 1 : g.chance(40) ? g.rankOf(x) - 1 : g.upTo(g.rankOf(x) - 1);
  int64_t size = rankedType(x).getDimSize(axis);
  if (size < 2)
    return false;
  int64_t count = std::min<int64_t>(size, g.between(2, 4));
  SmallVector<int64_t> sizes(static_cast<size_t>(count), 1);
  if (size % count == 0 && g.chance(60))
    sizes.assign(sizes.size(), size / count);
  else
    for (int64_t rest = size - count; rest > 0; --rest)
      ++sizes[static_cast<size_t>(g.upTo(count - 1))];
  SmallVector<Value> parts;
  int64_t how = g.upTo(5), at = 0;
  if (how <= 2) {
    if (Operation *op = g.makeOp<SplitOp>(sizes.size(), x, g.ints(sizes), g.i64(axis)))
      parts.assign(op->result_begin(), op->result_end());
  } else {
    for (int64_t part : sizes) {
      Value piece;
      if (how == 3 || part > 1) {
        piece = g.make<SliceOp>(x, g.ints({at}), g.ints({at + part}), g.ints({axis}), g.ints({1}));
      } else {
        Value index = g.chance(50) ? g.ints({at}) : g.scalar(DType::I64, static_cast<double>(at));
        piece = g.make<GatherOp>(x, index, g.i64(axis));
      }
      if (piece)
        parts.push_back(piece);
      at += part;
    }
  }
  if (parts.empty())
    return false;
  bool any = false;
  for (Value &part : parts)
    if (g.chance(45)) {
      if (g.chance(30))
        if (Value y = makeMovement(g, part))
          part = y;
      part = makeAffines(g, part, 2);
      any = true;
    }
  if (!any)
    parts[0] = makeAffines(g, parts[0], 2);
  if (g.chance(25))
    (void)g.make<ConcatOp>(parts, g.i64(axis));
  if (g.chance(25) && parts[0].getType() == parts.back().getType())
    (void)g.make<MulOp>(parts[0], parts.back());
  return true;
}

/// Two readers of one value, one of them an affine; or a residual sum that an affine follows.
static bool shared(Graph &g) {
  Value x = g.anyFloat(1);
  Value y = x ? makeAnchor(g, x) : Value();
  if (!y)
    return false;
  Value z = makeAffines(g, y, 2);
  if (g.chance(50))
    (void)makeActivation(g, y);
  Value other = g.any([&](RankedTensorType t) { return t == z.getType(); });
  if (other && g.chance(70)) {
    Value sum = g.chance(70)   ? g.make<AddOp>(z, other)
                : g.chance(50) ? g.make<SubOp>(other, z)
                               : g.make<MulOp>(z, other);
    if (sum && g.chance(60))
      (void)makeAffines(g, sum, 2);
  }
  return true;
}

#define OP(op, make) {op::getOperationName(), make}

ArrayRef<OpGenerator> arithmeticGenerators() {
  static const OpGenerator table[] = {
      OP(AddOp, binary<AddOp>),
      OP(SubOp, binary<SubOp>),
      OP(MulOp, binary<MulOp>),
      OP(DivOp, binary<DivOp>),
      OP(ModOp, mod),
      OP(PowOp, pow),
      OP(BitShiftOp, bitShift),
      OP(BitwiseAndOp, bits<BitwiseAndOp>),
      OP(BitwiseOrOp, bits<BitwiseOrOp>),
      OP(BitwiseXorOp, bits<BitwiseXorOp>),
      OP(AndOp, logic<AndOp>),
      OP(OrOp, logic<OrOp>),
      OP(XorOp, logic<XorOp>),
      OP(EqualOp, equal),
      OP(GreaterOp, binary<GreaterOp>),
      OP(GreaterOrEqualOp, binary<GreaterOrEqualOp>),
      OP(LessOp, binary<LessOp>),
      OP(LessOrEqualOp, binary<LessOrEqualOp>),
      OP(WhereOp, where),
      OP(SelectOp, select),
      OP(MaxOp, variadic<MaxOp>),
      OP(MinOp, variadic<MinOp>),
      OP(SumOp, variadic<SumOp>),
      OP(nn::MeanOp, variadic<nn::MeanOp>),
  };
  return table;
}

ArrayRef<Motif> affineMotifs() {
  static const Motif table[] = {
      {"affine-chain", affineChain, 5}, {"cut-and-scaled", cutAndScaled, 3}, {"shared", shared, 2}};
  return table;
}

} // namespace sinter::random_graphs
