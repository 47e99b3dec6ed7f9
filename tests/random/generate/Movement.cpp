// Views and data movement by any axis, of any element type, and views of views.
#include "tests/random/Generators.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::random_graphs {

//===- Views --------------------------------------------------------------===//

/// Gives x another shape: dimensions joined, split or moved past ones of size 1.
static Value reshape(Graph &g, Value x) {
  Shape shape = g.shapeOf(x);
  for (int64_t i = g.between(1, 2); i > 0; --i) {
    if (shape.size() > 1 && g.chance(50)) {
      size_t at = static_cast<size_t>(g.upTo(static_cast<int64_t>(shape.size()) - 2));
      shape[at] *= shape[at + 1];
      shape.erase(shape.begin() + static_cast<int64_t>(at) + 1);
    } else if (shape.size() < 6) {
      size_t at = shape.empty() ? 0 : static_cast<size_t>(g.upTo(static_cast<int64_t>(shape.size()) - 1));
      int64_t size = shape.empty() ? 1 : shape[at], factor = g.pick<int64_t>({1, 2, 3, 4});
      if (size % factor != 0)
        factor = 1;
      if (!shape.empty())
        shape[at] = size / factor;
      shape.insert(shape.begin() + static_cast<int64_t>(g.chance(50) || shape.empty() ? at : at + 1), factor);
    }
  }
  SmallVector<int64_t> target(shape.begin(), shape.end());
  if (!target.empty() && g.chance(20))
    target[static_cast<size_t>(g.upTo(static_cast<int64_t>(target.size()) - 1))] = -1;
  return g.make<ReshapeOp>(x, g.ints(target, g.chance(80) ? DType::I64 : DType::I32), g.boolean(g.chance(10)));
}

static Value flatten(Graph &g, Value x) { return g.make<FlattenOp>(x, g.i64(g.upTo(g.rankOf(x)))); }
static Value identity(Graph &g, Value x) { return g.make<IdentityOp>(x); }

static Value squeeze(Graph &g, Value x) {
  SmallVector<int64_t> axes;
  for (auto [i, size] : llvm::enumerate(rankedType(x).getShape()))
    if (size == 1 && g.chance(70))
      axes.push_back(static_cast<int64_t>(i) - (g.chance(20) ? g.rankOf(x) : 0));
  return g.chance(20) ? g.make<SqueezeOp>(x, Value()) : axes.empty() ? Value() : g.make<SqueezeOp>(x, g.ints(axes));
}

static Value unsqueeze(Graph &g, Value x) {
  int64_t rank = g.rankOf(x);
  if (rank > 4)
    return {};
  return g.make<UnsqueezeOp>(x, g.chance(70) ? g.ints({g.between(-rank - 1, rank)}) : g.ints({0, rank + 1}));
}

//===- Movement -----------------------------------------------------------===//

static Value transpose(Graph &g, Value x) {
  SmallVector<int64_t> perm;
  for (int64_t i = 0; i < g.rankOf(x); ++i)
    perm.push_back(i);
  if (g.rankOf(x) == 4 && g.chance(40))
    perm = g.chance(50) ? SmallVector<int64_t>{0, 2, 3, 1} : SmallVector<int64_t>{0, 3, 1, 2};
  else
    for (size_t i = perm.size(); i > 1; --i)
      std::swap(perm[i - 1], perm[static_cast<size_t>(g.upTo(static_cast<int64_t>(i) - 1))]);
  return g.make<TransposeOp>(x, g.chance(90) ? g.array(perm) : DenseI64ArrayAttr());
}

static Value slice(Graph &g, Value x) {
  if (g.rankOf(x) == 0)
    return {};
  SmallVector<int64_t> starts, ends, axes, steps;
  for (int64_t axis = 0; axis < g.rankOf(x); ++axis) {
    int64_t size = rankedType(x).getDimSize(axis);
    if (size < 2 || !g.chance(g.rankOf(x) > 2 ? 35 : 70))
      continue;
    int64_t from = g.upTo(size - 2), to = g.between(from + 1, size), step = g.chance(15) ? 2 : 1;
    if (g.chance(10)) { // backwards
      starts.push_back(to - 1);
      ends.push_back(from == 0 ? -size - 1 : from - 1);
      steps.push_back(-step);
    } else {
      starts.push_back(g.chance(15) ? from - size : from);
      ends.push_back(to == size && g.chance(30) ? (1 << 30) : to);
      steps.push_back(step);
    }
    axes.push_back(g.chance(15) ? axis - g.rankOf(x) : axis);
  }
  if (axes.empty())
    return {};
  return g.make<SliceOp>(x, g.ints(starts), g.ints(ends), g.ints(axes), g.ints(steps));
}

static Value tile(Graph &g, Value x) {
  SmallVector<int64_t> repeats(static_cast<size_t>(g.rankOf(x)), 1);
  for (int64_t &repeat : repeats)
    repeat = g.chance(35) ? g.between(1, 3) : 1;
  return g.make<TileOp>(x, g.ints(repeats));
}

static Value expand(Graph &g, Value x) {
  SmallVector<int64_t> shape(rankedType(x).getShape());
  for (int64_t &size : shape)
    size = size == 1 && g.chance(60) ? g.between(1, 4) : g.chance(30) ? 1 : size;
  if (g.chance(25) && shape.size() < 5)
    shape.insert(shape.begin(), g.between(1, 2));
  return g.make<ExpandOp>(x, g.ints(shape));
}

static Value depthToSpace(Graph &g, Value x) {
  return g.rankOf(x) == 4 ? g.make<DepthToSpaceOp>(x, g.i64(2), g.string(g.chance(50) ? "DCR" : "CRD")) : Value();
}

static Value spaceToDepth(Graph &g, Value x) {
  return g.rankOf(x) == 4 ? g.make<SpaceToDepthOp>(x, g.i64(2)) : Value();
}

static Value pad(Graph &g, Value x) {
  int64_t rank = g.rankOf(x);
  if (rank == 0)
    return {};
  SmallVector<int64_t> pads(static_cast<size_t>(2 * rank), 0);
  for (int64_t &amount : pads)
    amount = g.chance(30) ? g.between(1, 2) : g.chance(5) ? -1 : 0;
  if (rank > 2 && g.chance(70)) // in space alone
    for (int64_t end : {0, 1})
      for (int64_t axis : {0, 1})
        pads[static_cast<size_t>(end * rank + axis)] = 0;
  DType type = g.typeOf(x);
  std::string mode = g.chance(65) ? "constant" : g.pick<const char *>({"reflect", "edge", "wrap"});
  Value fill;
  if (mode == "constant" && isFloat(type) && !isSmallFloat(type) && g.chance(50))
    fill = g.scalar(type, g.pick<double>({0, 0, -0.0, 1, -HUGE_VAL, 0.5, -1.25}));
  return g.make<PadOp>(x, g.ints(pads), fill, Value(), g.string(mode));
}

static Value gather(Graph &g, Value x) {
  if (g.rankOf(x) == 0)
    return {};
  int64_t axis = g.axis(x), size = g.shapeOf(x)[static_cast<size_t>(axis < 0 ? axis + g.rankOf(x) : axis)];
  Shape shape = g.chance(25) ? Shape{} : g.chance(85) ? Shape{g.between(1, 4)} : Shape{2, 2};
  return g.make<GatherOp>(x, g.indices(shape, size, true), g.i64(axis));
}

Value makeMovement(Graph &g, Value x) {
  using Maker = Value (*)(Graph &, Value);
  static const std::vector<Maker> makers{reshape, reshape,      reshape,      transpose, transpose, transpose,
                                         slice,   slice,        flatten,      squeeze,   unsqueeze, identity,
                                         tile,    depthToSpace, spaceToDepth, pad,       expand,    gather};
  for (int tries = 0; tries < 3; ++tries)
    if (Value y = g.pick(makers)(g, x))
      return y;
  return {};
}

static bool concat(Graph &g) {
  Value first = g.chance(90) ? g.anyNumber(1) : g.ofType(DType::Bool, 1);
  if (!first)
    return false;
  int64_t rank = g.rankOf(first), axis = rank > 2 && g.chance(60) ? 1 : g.upTo(rank - 1);
  SmallVector<Value> parts{first};
  for (int64_t i = g.between(1, 3); i > 0; --i) {
    Value other = g.any([&](RankedTensorType t) {
      if (t.getElementType() != rankedType(first).getElementType() || t.getRank() != rank)
        return false;
      SmallVector<int64_t> mine(rankedType(first).getShape()), theirs(t.getShape());
      mine[static_cast<size_t>(axis)] = theirs[static_cast<size_t>(axis)] = 0;
      return mine == theirs;
    });
    if (other && (other != first || g.chance(30)))
      parts.insert(g.chance(50) ? parts.begin() : parts.end(), other);
  }
  if (parts.size() == 1 || g.chance(12)) {
    Shape shape = g.shapeOf(first);
    shape[static_cast<size_t>(axis)] = g.between(1, 3);
    parts.push_back(g.numbers(g.typeOf(first), shape, -1, 1));
  }
  return g.make<ConcatOp>(parts, g.i64(g.chance(20) ? axis - rank : axis)) != nullptr;
}

static bool split(Graph &g) {
  Value x = g.chance(95) ? g.anyNumber(1) : g.ofType(DType::Bool, 1);
  if (!x)
    return false;
  int64_t axis = g.axis(x), size = g.shapeOf(x)[static_cast<size_t>(axis < 0 ? axis + g.rankOf(x) : axis)];
  int64_t count = std::min<int64_t>(size, g.between(1, 4));
  SmallVector<int64_t> sizes(static_cast<size_t>(count), 1);
  for (int64_t rest = size - count; rest > 0; --rest)
    ++sizes[static_cast<size_t>(g.upTo(count - 1))];
  return g.makeOp<SplitOp>(sizes.size(), x, g.chance(60) ? g.ints(sizes) : Value(), g.i64(axis)) != nullptr;
}

static bool trilu(Graph &g) {
  Value x = g.anyNumber(2);
  return x && g.make<TriluOp>(x, g.chance(60) ? g.scalar(DType::I64, static_cast<double>(g.between(-3, 3))) : Value(),
                              g.boolean(g.chance(50)));
}

static bool resize(Graph &g) {
  Value x = g.chance(90) ? g.anyFloat(2, 5) : g.anyNumber(2, 5);
  if (!x)
    return false;
  std::vector<double> scales;
  SmallVector<int64_t> sizes;
  for (auto [i, size] : llvm::enumerate(rankedType(x).getShape())) {
    bool resized = g.rankOf(x) > 2 ? i >= 2 || g.chance(3) : g.chance(50);
    scales.push_back(resized ? g.pick<double>({1, 2, 2, 3, 0.5, 1.5, 0.7}) : 1);
    sizes.push_back(resized ? g.between(1, 2 * size) : size);
  }
  bool bySizes = g.chance(30), floats = isFloat(g.typeOf(x));
  const char *mode = floats ? g.pick<const char *>({"nearest", "nearest", "linear", "linear", "cubic"}) : "nearest";
  const char *coordinates = g.pick<const char *>({"half_pixel", "half_pixel", "asymmetric", "align_corners",
                                                  "pytorch_half_pixel", "half_pixel_symmetric", "tf_crop_and_resize"});
  Value roi;
  if (StringRef(coordinates) == "tf_crop_and_resize") {
    std::vector<double> ends(2 * scales.size(), 0);
    for (size_t i = 0; i < scales.size(); ++i)
      ends[scales.size() + i] = i < 2 ? 1 : g.pick<double>({1, 0.75, 1.2});
    roi = g.constant(DType::F32, {static_cast<int64_t>(ends.size())}, ends);
  }
  return g.make<ResizeOp>(
             x, roi, bySizes ? Value() : g.constant(DType::F32, {static_cast<int64_t>(scales.size())}, scales),
             bySizes ? g.ints(sizes) : Value(), g.string(mode), g.string(coordinates),
             g.string(g.pick<const char *>({"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"})),
             g.f32(g.chance(80) ? -0.75 : -0.5), g.boolean(g.chance(15)), g.f32(g.chance(70) ? 0 : g.uniform(-1, 1)),
             g.boolean(g.chance(15)), DenseI64ArrayAttr(), g.string("stretch")) != nullptr;
}

/// Views, permutations and cuts in a row, which merge or do not, then something that reads the result.
static bool viewsOfViews(Graph &g) {
  Value x = g.chance(90) ? g.anyFloat() : g.anyNumber();
  for (int64_t i = 0, count = g.between(2, 4); i < count && x; ++i)
    if (Value y = makeMovement(g, x))
      x = y;
  if (x && isFloat(g.typeOf(x)) && g.chance(60))
    (void)(g.chance(50) ? makeAffine(g, x) : makeActivation(g, x));
  return x != nullptr;
}

/// Applies `maker` to a value of any element type: numbers, bools, floats of 8 bits and integers of 4.
template <Value (*maker)(Graph &, Value)> static bool onAny(Graph &g) {
  DType type =
      g.chance(80) ? g.numberType()
      : g.chance(60)
          ? DType::Bool
          : g.pick<DType>({DType::F8E4M3FN, DType::F8E5M2, DType::I4, DType::U4, DType::F8E8M0, DType::F4E2M1});
  Value x = g.ofType(type);
  return x && maker(g, x);
}

#define OP(op, make) {op::getOperationName(), make}

ArrayRef<OpGenerator> movementGenerators() {
  static const OpGenerator table[] = {
      OP(TransposeOp, onAny<transpose>),
      OP(ConcatOp, concat),
      OP(SplitOp, split),
      OP(SliceOp, onAny<slice>),
      OP(ExpandOp, onAny<expand>),
      OP(TileOp, onAny<tile>),
      OP(DepthToSpaceOp, onAny<depthToSpace>),
      OP(SpaceToDepthOp, onAny<spaceToDepth>),
      OP(PadOp, onAny<pad>),
      OP(TriluOp, trilu),
      OP(ResizeOp, resize),
      {ReorderOp::getOperationName(), nullptr, "nn-assign-layout alone makes it; no model has one"},
  };
  return table;
}

ArrayRef<OpGenerator> viewGenerators() {
  static const OpGenerator table[] = {
      OP(IdentityOp, onAny<identity>), OP(ReshapeOp, onAny<reshape>),     OP(FlattenOp, onAny<flatten>),
      OP(SqueezeOp, onAny<squeeze>),   OP(UnsqueezeOp, onAny<unsqueeze>),
  };
  return table;
}

ArrayRef<Motif> movementMotifs() {
  static const Motif table[] = {{"views-of-views", viewsOfViews, 2}};
  return table;
}

} // namespace sinter::random_graphs
