// Matrix products, those with weights of few bits, attention as exporters write it (one projection cut into q, k and v
// in every way there is), and inverses.
#include "ir/ops/LinearAlgebra.h"
#include "tests/random/Generators.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::random_graphs {

static Value gemm(Graph &g, Value x) {
  DType type = g.typeOf(x);
  bool transA = g.chance(15), transB = g.chance(50), swapped = g.chance(12);
  int64_t n = g.pick<int64_t>({1, 2, 3, 4, 6, 8, 12, 16, 20});
  Shape shape = g.shapeOf(x);
  // x on the left, or (swapped) on the right.
  int64_t k = swapped ? shape[transB ? 1 : 0] : shape[transA ? 0 : 1];
  Shape other = swapped ? (transA ? Shape{k, n} : Shape{n, k}) : (transB ? Shape{n, k} : Shape{k, n});
  Value w = g.weight(type, other, k), a = swapped ? w : x, b = swapped ? x : w;
  int64_t rows = swapped ? n : shape[transA ? 1 : 0], columns = swapped ? shape[transB ? 0 : 1] : n;
  Value c =
      g.chance(70) ? g.numbers(type, g.chance(75) ? Shape{columns} : g.constantShape({rows, columns}), -1, 1) : Value();
  bool plain = !isFloat(type) || g.chance(70);
  return g.make<GemmOp>(a, b, c, g.f32(plain ? 1 : g.pick<double>({0.5, 2, -1, 0})),
                        g.f32(plain ? 1 : g.pick<double>({2, 0, -1, 0.25})), g.flag(transA), g.flag(transB));
}

static Value matmul(Graph &g, Value x) {
  DType type = g.typeOf(x);
  Shape shape = g.shapeOf(x);
  int64_t n = g.pick<int64_t>({1, 2, 3, 4, 6, 8, 12, 16, 20}), k = shape.back();
  if (shape.size() >= 2 && g.chance(20)) {
    Shape left{n, shape[shape.size() - 2]};
    return g.make<MatmulOp>(g.weight(type, left, left[1]), x);
  }
  Shape right = g.chance(6) ? Shape{k} : Shape{k, n};
  if (shape.size() > 2 && g.chance(10))
    right = Shape{shape[shape.size() - 3], k, n};
  Value product = g.make<MatmulOp>(x, g.weight(type, right, k));
  if (product && g.chance(40) && right.size() > 1)
    return g.make<AddOp>(product, g.numbers(type, {n}, -1, 1));
  return product;
}

Value makeProduct(Graph &g, Value x) {
  if (g.rankOf(x) == 0)
    return {};
  return g.rankOf(x) == 2 && g.chance(60) ? gemm(g, x) : matmul(g, x);
}

static bool gemmOp(Graph &g) {
  Value x = g.anyNumber(2, 2);
  return x && gemm(g, x);
}

static bool matmulOp(Graph &g) {
  Value x = g.anyNumber(1);
  if (!x)
    return false;
  if (g.chance(70))
    return matmul(g, x) != nullptr;
  Value y = g.any([&](RankedTensorType t) {
    return t.getElementType() == rankedType(x).getElementType() && t.getRank() >= 2 && g.rankOf(x) >= 2 &&
           t.getShape()[t.getRank() - 2] == g.shapeOf(x).back();
  });
  return y && g.make<MatmulOp>(x, y);
}

static bool inverse(Graph &g) {
  // Well conditioned ones: an inverse may amplify roundings without bound. The identity is added to small numbers.
  DType type = g.floatType();
  int64_t n = g.between(1, 4);
  Value x = g.input(type, g.chance(50) ? Shape{n, n} : Shape{2, n, n}, -0.2, 0.2, true);
  std::vector<double> identity(static_cast<size_t>(n * n), 0);
  for (int64_t i = 0; i < n; ++i)
    identity[static_cast<size_t>(i * n + i)] = 2;
  x = g.make<AddOp>(x, g.constant(type, {n, n}, identity));
  return x && g.make<InverseOp>(x);
}

/// Bytes of any content: a constant, or now and then an input.
static Value bytes(Graph &g, const Shape &shape) {
  if (g.chance(15))
    return g.input(DType::U8, shape, 0, 255, g.chance(50));
  std::vector<double> content(static_cast<size_t>(*elementCount(shape)));
  for (double &value : content)
    value = static_cast<double>(g.upTo(255));
  return g.constant(DType::U8, shape, content);
}

static bool matMulNBits(Graph &g) {
  Value x = g.anyFloat(1);
  if (!x)
    return false;
  DType type = g.typeOf(x);
  int64_t k = g.shapeOf(x).back(), n = g.pick<int64_t>({1, 2, 3, 8, 11}), size = g.pick<int64_t>({16, 16, 32, 64}),
          bits = g.pick<int64_t>({2, 4, 8}), blocks = (k + size - 1) / size, zeroBytes = (blocks * bits + 7) / 8;
  auto perBlock = [&](int64_t count) { return g.chance(50) ? Shape{n, count} : Shape{n * count}; };
  double most = 1 / (std::ldexp(1, static_cast<int>(bits)) * std::sqrt(static_cast<double>(k)));
  Value scales = g.numbers(type, perBlock(blocks), -most, most), zeros, groups;
  if (g.chance(60))
    zeros = g.chance(60) ? bytes(g, perBlock(zeroBytes))
                         : g.numbers(type, perBlock(blocks), 0, std::ldexp(1, static_cast<int>(bits)));
  if (g.chance(30)) {
    std::vector<int64_t> names(static_cast<size_t>(g.chance(50) ? k : blocks * size));
    for (int64_t &name : names)
      name = g.upTo(blocks - 1);
    groups = g.ints(names, DType::I32);
  }
  Value bias = g.chance(40) ? g.numbers(type, {n}, -1, 1) : Value();
  return g.make<MatMulNBitsOp>(x, bytes(g, {n, blocks, size * bits / 8}), scales, zeros, groups, bias, g.i64(k),
                               g.i64(n), g.i64(size), g.i64(bits)) != nullptr;
}

//===- Attention ----------------------------------------------------------===//

namespace {
struct Heads {
  int64_t batch, tokens, heads, size;
};
} // namespace

/// [batch, tokens, heads*size] to [batch, heads, tokens, size], or keys to [batch, heads, size, tokens].
static Value splitHeads(Graph &g, Value x, Heads h, bool keys) {
  x = x ? g.make<ReshapeOp>(x, g.ints({h.batch, h.tokens, h.heads, h.size}), g.boolean(false)) : Value();
  return x ? g.make<TransposeOp>(x, g.array(keys ? ArrayRef<int64_t>{0, 2, 3, 1} : ArrayRef<int64_t>{0, 2, 1, 3}))
           : Value();
}

/// The projection as three values [batch, heads, tokens, size], keys transposed if `keysTransposed`, and affines on
/// some of them.
static std::array<Value, 3> cutProjection(Graph &g, Value qkv, Heads h) {
  int64_t width = h.heads * h.size, last = g.rankOf(qkv) - 1;
  std::array<Value, 3> parts;
  int64_t how = g.upTo(3);
  if (how == 0) {
    if (Operation *op = g.makeOp<SplitOp>(3, qkv, g.chance(50) ? g.ints({width, width, width}) : Value(),
                                          g.i64(g.chance(50) ? -1 : last)))
      for (unsigned i = 0; i < 3; ++i)
        parts[i] = op->getResult(i);
  } else if (how == 1) {
    for (int64_t i = 0; i < 3; ++i)
      parts[static_cast<size_t>(i)] = g.make<SliceOp>(
          qkv, g.ints({i * width}), g.ints({i == 2 ? (1 << 30) : (i + 1) * width}), g.ints({last}), g.ints({1}));
  } else {
    // [batch, tokens, 3, heads, size] to [3, batch, heads, tokens, size].
    Value five = g.make<ReshapeOp>(qkv, g.ints({h.batch, h.tokens, 3, h.heads, h.size}), g.boolean(false));
    five = five ? g.make<TransposeOp>(five, g.array({2, 0, 3, 1, 4})) : Value();
    Operation *split = five && how == 3 ? g.makeOp<SplitOp>(3, five, Value(), g.i64(0)) : nullptr;
    for (unsigned i = 0; five && i < 3; ++i) {
      parts[i] = split ? g.make<SqueezeOp>(split->getResult(i), g.ints({0}))
                       : g.make<GatherOp>(five, g.scalar(DType::I64, i), g.i64(0));
      if (parts[i] && g.chance(20))
        parts[i] = makeAffine(g, parts[i]);
    }
    if (parts[1])
      parts[1] = g.make<TransposeOp>(parts[1], g.array({0, 1, 3, 2}));
    return parts;
  }
  for (size_t i = 0; i < 3; ++i) {
    if (parts[i] && g.chance(30))
      if (Value y = makeAffine(g, parts[i]))
        parts[i] = y;
    parts[i] = splitHeads(g, parts[i], h, i == 1);
  }
  return parts;
}

static bool attention(Graph &g) {
  Heads h{g.between(1, 2), g.between(2, 9), g.pick<int64_t>({1, 2, 4}), g.pick<int64_t>({2, 4, 8})};
  int64_t width = h.heads * h.size;
  DType type = g.floatType();
  Value x = g.any([&](RankedTensorType t) {
    return toDType(t.getElementType()) == type && t.getRank() == 3 && t.getShape()[1] > 1;
  });
  if (!x || g.chance(50))
    x = g.input(type, Shape{h.batch, h.tokens, g.pick<int64_t>({4, 8, 16})}, -2, 2, g.chance(30));
  h.batch = rankedType(x).getDimSize(0);
  h.tokens = rankedType(x).getDimSize(1);
  int64_t inner = rankedType(x).getDimSize(2);
  Value qkv;
  if (g.chance(40)) { // as GPT-2's Conv1D: a Gemm between views
    Value flat = g.make<ReshapeOp>(x, g.ints({-1, inner}), g.boolean(false));
    flat = flat ? g.make<GemmOp>(flat, g.weight(type, {inner, 3 * width}, inner), g.numbers(type, {3 * width}, -1, 1),
                                 g.f32(1), g.f32(1), UnitAttr(), UnitAttr())
                : Value();
    qkv = flat ? g.make<ReshapeOp>(flat, g.ints({h.batch, h.tokens, 3 * width}), g.boolean(false)) : Value();
  } else {
    qkv = g.make<MatmulOp>(x, g.weight(type, {inner, 3 * width}, inner));
    qkv = qkv && g.chance(60) ? g.make<AddOp>(qkv, g.numbers(type, {3 * width}, -1, 1)) : qkv;
  }
  if (!qkv)
    return false;
  auto [q, k, v] = cutProjection(g, qkv, h);
  if (!q || !k || !v)
    return false;
  Value scale = g.scalar(type, 1 / std::sqrt(static_cast<double>(h.size)));
  bool before = g.chance(50);
  if (before)
    q = g.chance(50) ? g.make<MulOp>(q, scale)
                     : g.make<DivOp>(q, g.scalar(type, std::sqrt(static_cast<double>(h.size))));
  if (before && q && g.chance(30))
    k = g.make<MulOp>(k, scale);
  Value scores = q && k ? g.make<MatmulOp>(q, k) : Value();
  if (scores && !before)
    scores = g.make<MulOp>(scores, scale);
  if (scores && g.chance(30)) {
    std::vector<double> mask(static_cast<size_t>(h.tokens * h.tokens), 0);
    double closed = g.pick<double>({-1e4, -1e4, -HUGE_VAL});
    for (int64_t i = 0; i < h.tokens; ++i)
      for (int64_t j = i + 1; j < h.tokens; ++j)
        mask[static_cast<size_t>(i * h.tokens + j)] = closed;
    scores = g.make<AddOp>(scores, g.constant(type, {h.tokens, h.tokens}, mask));
  }
  Value weights = scores ? g.make<SoftmaxOp>(scores, g.i64(-1)) : Value();
  Value y = weights ? g.make<MatmulOp>(weights, v) : Value();
  y = y ? g.make<TransposeOp>(y, g.array({0, 2, 1, 3})) : Value();
  y = y ? g.make<ReshapeOp>(y, g.ints({h.batch, h.tokens, width}), g.boolean(false)) : Value();
  if (y && g.chance(50))
    y = makeProduct(g, y);
  return y != nullptr;
}

/// Half of a projection gates the other half, or scales and shifts it (GLU, FiLM, adaptive norms).
static bool gated(Graph &g) {
  Value x = g.anyFloat(2, 5);
  Value y = x ? makeAnchor(g, x) : Value();
  if (!y || g.rankOf(y) < 2)
    return false;
  int64_t axis = g.chance(50) ? 1 : g.rankOf(y) - 1, size = rankedType(y).getDimSize(axis);
  if (size % 2 != 0)
    return false;
  Operation *op = g.makeOp<SplitOp>(2, y, Value(), g.i64(axis));
  if (!op)
    return false;
  Value a = op->getResult(0), b = op->getResult(1);
  if (g.chance(50))
    b = g.chance(50) ? g.make<AddOp>(b, g.scalar(g.typeOf(b), 1)) : makeAffine(g, b);
  else
    b = makeActivation(g, b);
  return b && (g.chance(70) ? g.make<MulOp>(a, b) : g.make<AddOp>(a, b));
}

#define OP(op, make) {op::getOperationName(), make}

ArrayRef<OpGenerator> matrixGenerators() {
  static const OpGenerator table[] = {OP(GemmOp, gemmOp), OP(MatmulOp, matmulOp), OP(InverseOp, inverse),
                                      OP(MatMulNBitsOp, matMulNBits)};
  return table;
}

ArrayRef<Motif> attentionMotifs() {
  static const Motif table[] = {{"attention", attention, 2}, {"gated", gated, 2}};
  return table;
}

} // namespace sinter::random_graphs
