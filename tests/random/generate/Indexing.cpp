// Gathers, scatters, and what orders, accumulates or selects along any axis. Indices stay within the axis: outside of
// it compiled code clamps where the reference refuses (ir/ops/Indexing.td).
#include "ir/ops/Detection.h"
#include "tests/random/Generators.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::random_graphs {

static int64_t sizeAlong(Graph &g, Value x, int64_t axis) {
  return g.shapeOf(x)[static_cast<size_t>(axis < 0 ? axis + g.rankOf(x) : axis)];
}

static bool gather(Graph &g) {
  Value x = g.chance(90) ? g.anyNumber(1) : g.ofType(DType::Bool, 1);
  if (!x)
    return false;
  int64_t axis = g.axis(x);
  Shape shape = g.chance(25) ? Shape{} : g.chance(80) ? Shape{g.between(1, 5)} : Shape{2, g.between(1, 3)};
  return g.make<GatherOp>(x, g.indices(shape, sizeAlong(g, x, axis), true), g.i64(axis)) != nullptr;
}

static bool gatherElements(Graph &g) {
  Value x = g.anyNumber(1);
  if (!x)
    return false;
  int64_t axis = g.axis(x);
  Shape shape = g.shapeOf(x);
  shape[static_cast<size_t>(axis < 0 ? axis + g.rankOf(x) : axis)] = g.between(1, 5);
  return g.make<GatherElementsOp>(x, g.indices(shape, sizeAlong(g, x, axis), true), g.i64(axis)) != nullptr;
}

/// Index tuples over the first `length` dimensions of `shape`, `count` of them.
static Value tuples(Graph &g, ArrayRef<int64_t> shape, int64_t count, int64_t length, bool distinct) {
  std::vector<double> content;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t d = 0; d < length; ++d)
      content.push_back(
          static_cast<double>(distinct && d == 0 ? i % shape[0] : g.upTo(shape[static_cast<size_t>(d)] - 1)));
  return g.constant(DType::I64, {count, length}, content);
}

static bool gatherNd(Graph &g) {
  Value x = g.anyNumber(1);
  if (!x)
    return false;
  return g.make<GatherNDOp>(x, tuples(g, g.shapeOf(x), g.between(1, 5), g.between(1, g.rankOf(x)), false), g.i64(0)) !=
         nullptr;
}

/// How an update meets the element that is there. Without a reduction the positions must differ: ONNX leaves open which
/// one wins.
static const char *reduction(Graph &g, bool distinct) {
  return distinct && g.chance(50) ? "none" : g.pick<const char *>({"add", "mul", "min", "max"});
}

static bool scatterElements(Graph &g) {
  Value x = g.anyNumber(1);
  if (!x)
    return false;
  int64_t axis = g.axis(x), size = sizeAlong(g, x, axis);
  Shape shape = g.shapeOf(x);
  auto dim = static_cast<size_t>(axis < 0 ? axis + g.rankOf(x) : axis);
  bool distinct = g.chance(50);
  shape[dim] = distinct ? g.between(1, size) : g.between(1, 4);
  std::vector<double> content;
  int64_t inner = 1;
  for (size_t i = dim + 1; i < shape.size(); ++i)
    inner *= shape[i];
  int64_t offset = g.upTo(size - 1);
  for (int64_t i = 0; i < *elementCount(shape); ++i)
    content.push_back(static_cast<double>(distinct ? (i / inner % shape[dim] + offset) % size : g.upTo(size - 1)));
  Value updates = g.any([&](RankedTensorType t) {
    return t.getShape() == ArrayRef(shape) && t.getElementType() == rankedType(x).getElementType();
  });
  if (!updates)
    updates = g.numbers(g.typeOf(x), shape, -1, 1);
  return g.make<ScatterElementsOp>(x, g.constant(DType::I64, shape, content), updates, g.i64(axis),
                                   g.string(reduction(g, distinct))) != nullptr;
}

static bool scatterNd(Graph &g) {
  Value x = g.anyNumber(1);
  if (!x)
    return false;
  Shape shape = g.shapeOf(x);
  bool distinct = g.chance(50);
  int64_t length = g.between(1, g.rankOf(x)),
          count = distinct ? g.between(1, std::min<int64_t>(shape[0], 4)) : g.between(1, 4);
  Shape updates{count};
  updates.insert(updates.end(), shape.begin() + length, shape.end());
  return g.make<ScatterNDOp>(x, tuples(g, shape, count, length, distinct), g.numbers(g.typeOf(x), updates, -1, 1),
                             g.string(reduction(g, distinct))) != nullptr;
}

static bool oneHot(Graph &g) {
  int64_t depth = g.between(1, 6);
  Value indices = g.indices(g.randomShape(g.upTo(2)), depth, true);
  return g.make<OneHotOp>(indices, g.scalar(DType::I64, static_cast<double>(depth)),
                          g.numbers(g.numberType(), {2}, 0, 1), g.i64(g.between(-1, g.rankOf(indices)))) != nullptr;
}

static bool maxUnpool(Graph &g) {
  Value x = g.anyFloat(4, 4);
  Operation *pool = x ? g.makeOp<MaxPoolIndicesOp>(2, x, g.array({2, 2}), g.array({2, 2}), DenseI64ArrayAttr(),
                                                   DenseI64ArrayAttr(), g.string("NOTSET"), UnitAttr(), UnitAttr())
                      : nullptr;
  if (!pool)
    return false;
  // If a size is odd, the indices count in a larger image than is inferred without output_shape.
  SmallVector<int64_t> shape(rankedType(x).getShape());
  bool even = shape[2] % 2 == 0 && shape[3] % 2 == 0;
  return even && g.make<MaxUnpoolOp>(pool->getResult(0), pool->getResult(1), g.chance(30) ? g.ints(shape) : Value(),
                                     g.array({2, 2}), g.array({2, 2}), DenseI64ArrayAttr());
}

static bool topK(Graph &g) {
  Value x = g.anyNumber(1);
  if (!x)
    return false;
  int64_t axis = g.axis(x), k = g.between(1, std::min<int64_t>(sizeAlong(g, x, axis), 5));
  Operation *op = g.makeOp<TopKOp>(2, x, g.ints({k}), g.i64(axis), g.boolean(g.chance(70)));
  // An affine on the values behind is not one in front: the order would change with its sign.
  if (op && g.chance(40))
    (void)makeAffine(g, op->getResult(0));
  return op != nullptr;
}

static bool cumSum(Graph &g) {
  Value x = g.anyNumber(1);
  return x && g.make<CumSumOp>(x, g.scalar(DType::I64, static_cast<double>(g.axis(x))), g.boolean(g.chance(30)),
                               g.boolean(g.chance(30)));
}

static bool nonMaxSuppression(Graph &g) {
  int64_t images = g.between(1, 2), boxes = g.between(1, 9), classes = g.between(1, 3);
  Value corners = g.input(DType::F32, {images, boxes, 4}, 0, 1, true),
        scores = g.input(DType::F32, {images, classes, boxes}, 0, 1, true);
  return g.makeOp<NonMaxSuppressionOp>(2, corners, scores, g.i64(g.between(1, 4)), g.f32(g.pick<double>({0, 0.3, 0.5})),
                                       g.chance(50) ? g.f32(0.4) : FloatAttr(), g.boolean(g.chance(30))) != nullptr;
}

#define OP(op, make) {op::getOperationName(), make}

ArrayRef<OpGenerator> indexingGenerators() {
  static const OpGenerator table[] = {
      OP(GatherOp, gather),       OP(GatherElementsOp, gatherElements),
      OP(GatherNDOp, gatherNd),   OP(ScatterElementsOp, scatterElements),
      OP(ScatterNDOp, scatterNd), OP(OneHotOp, oneHot),
      OP(MaxUnpoolOp, maxUnpool), OP(TopKOp, topK),
      OP(CumSumOp, cumSum),       OP(NonMaxSuppressionOp, nonMaxSuppression),
  };
  return table;
}

} // namespace sinter::random_graphs
