// Sampling at computed places: GridSample and AffineGrid of ONNX, composed of gathers with computed weights.
#include "ir/onnx/Compose.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

static constexpr int64_t maxGridElements = int64_t(1) << 22;

//===- GridSample ----------------------------------------------------------===//

namespace {

/// One of the places along an axis that a sample is mixed from.
struct Tap {
  Value place;  ///< within the axis, as an integer; [batch, samples]
  Value inside; ///< null where it always is
  Value weight; ///< null for 1
};

class GridSampler : Compose {
public:
  explicit GridSampler(NodeImporter &n) : Compose(n) {}
  LogicalResult run();

private:
  /// Mirrored at `low` and `high` until it is within.
  Value reflected(Value v, double low, double high);
  SmallVector<Tap> taps(Value coordinate, int64_t size);
  Tap tap(Value position, Value weight, int64_t size);

  std::string mode, padding;
  bool alignCorners = false;
};

} // namespace

Value GridSampler::reflected(Value v, double low, double high) {
  double span = high - low;
  if (span <= 0)
    return clip(v, low, low);
  Value t = sub(v, low);
  t = sub(t, mul(floor(div(t, 2 * span)), 2 * span));
  return add(sub(number(span, t), abs(sub(t, span))), low);
}

Tap GridSampler::tap(Value position, Value weight, int64_t size) {
  auto last = static_cast<double>(size - 1);
  Tap result{position, Value(), weight};
  if (padding == "zeros")
    result.inside = both(lessOrEqual(number(0, position), position), lessOrEqual(position, number(last, position)));
  if (padding == "reflection")
    position = reflected(position, alignCorners ? 0 : -0.5, alignCorners ? last : last + 0.5);
  result.place = cast(clip(position, 0, last), DType::I64);
  return result;
}

SmallVector<Tap> GridSampler::taps(Value coordinate, int64_t size) {
  auto extent = static_cast<double>(size);
  Value v = add(coordinate, 1);
  v = alignCorners ? mul(v, (extent - 1) / 2) : div(sub(mul(v, extent), 1), 2);
  if (mode == "nearest")
    v = round(v);
  // A cubic's taps overshoot where they meet the border, so it keeps its place and they alone move, as in PyTorch.
  if (padding == "border" && mode != "cubic")
    v = clip(v, 0, extent - 1);
  if (padding == "reflection")
    v = reflected(v, alignCorners ? 0 : -0.5, alignCorners ? extent - 1 : extent - 0.5);
  if (mode == "nearest")
    return {tap(v, Value(), size)};
  Value base = floor(v), t = sub(v, base);
  if (mode == "linear")
    return {tap(base, sub(number(1, t), t), size), tap(add(base, 1), t, size)};
  // Keys' cubic convolution (1981), a = -0.75, at the distances 1 + t, t, 1 - t, 2 - t.
  constexpr double a = -0.75;
  auto near = [&](Value d) { return add(mul(mul(sub(mul(d, a + 2), a + 3), d), d), 1); };
  auto far = [&](Value d) { return sub(mul(add(mul(sub(mul(d, a), 5 * a), d), 8 * a), d), 4 * a); };
  Value rest = sub(number(1, t), t);
  return {tap(sub(base, 1), far(add(t, 1)), size), tap(base, near(t), size), tap(add(base, 1), near(rest), size),
          tap(add(base, 2), far(add(rest, 1)), size)};
}

LogicalResult GridSampler::run() {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  Value x = n.input(0), grid = n.input(1);
  mode = n.stringAttr("mode", n.opset >= 20 ? "linear" : "bilinear");
  padding = n.stringAttr("padding_mode", "zeros");
  alignCorners = n.intAttr("align_corners", 0) != 0;
  mode = mode == "bilinear" ? "linear" : mode == "bicubic" ? "cubic" : mode;
  if (mode != "linear" && mode != "nearest" && mode != "cubic")
    return n.invalid("has the unknown mode '" + mode + "'");
  if (padding != "zeros" && padding != "border" && padding != "reflection")
    return n.invalid("has the unknown padding_mode '" + padding + "'");
  int64_t axes = rank(x) - 2;
  if (axes < 1 || axes > 3 || rank(grid) != axes + 2)
    return n.unsupported("needs an input of rank 3 to 5 and a grid of the same rank");
  if (!isFloat(typeOf(x)) || !isFloat(typeOf(grid)))
    return n.unsupported("samples only floats");
  ArrayRef<int64_t> sizes = rankedType(x).getShape().drop_front(2);
  ArrayRef<int64_t> out = rankedType(grid).getShape().drop_front(1).drop_back();
  if (llvm::any_of(sizes, ShapedType::isDynamic) || llvm::any_of(out, ShapedType::isDynamic) ||
      ShapedType::isDynamic(dim(x, 1)))
    return n.unsupported("needs known sizes: give the inputs' shapes");
  if (dim(grid, -1) != axes || llvm::is_contained(sizes, 0))
    return n.invalid("has a grid of " + Twine(dim(grid, -1)) + " coordinates for " + Twine(axes) +
                     " axes, or an empty axis");
  DType real = typeOf(grid) == DType::F64 ? DType::F64 : DType::F32;
  Value points = cast(reshape(grid, {0, -1, axes}), real), flat = reshape(x, {0, 0, -1});
  // The last coordinate is that of the first axis. Every tap of one axis meets every one of the others.
  SmallVector<Tap> mixed = {Tap{}};
  for (int64_t axis = 0; axis < axes; ++axis) {
    Value coordinate = squeeze(slice(points, 2, axes - 1 - axis, axes - axis), 2);
    SmallVector<Tap> next;
    SmallVector<Tap> along = taps(coordinate, sizes[axis]);
    for (const Tap &before : mixed)
      for (const Tap &t : along) {
        Tap both = t;
        if (before.place)
          both.place = add(mul(before.place, static_cast<double>(sizes[axis])), t.place);
        if (before.inside)
          both.inside = this->both(before.inside, t.inside);
        if (before.weight)
          both.weight = mul(before.weight, t.weight);
        next.push_back(both);
      }
    mixed = next;
  }
  Value sum;
  for (const Tap &t : mixed) {
    Value places = expand(unsqueeze(t.place, 1), {1, dim(x, 1), 1});
    Value value = cast(gatherElements(flat, places, 2), real);
    if (t.inside)
      value = where(unsqueeze(t.inside, 1), value, number(0, value));
    if (t.weight)
      value = mul(value, unsqueeze(t.weight, 1));
    sum = sum ? add(sum, value) : value;
  }
  SmallVector<int64_t> shape = {0, 0};
  llvm::append_range(shape, out);
  if (llvm::is_contained(out, 0))
    return n.unsupported("samples no points");
  return n.finish(castLike(reshape(sum, shape), x));
}

static LogicalResult importGridSample(NodeImporter &n) { return GridSampler(n).run(); }

//===- AffineGrid ----------------------------------------------------------===//

/// Points evenly spaced in [-1, 1] along every axis, (x, y, ..., 1), times theta'.
static LogicalResult importAffineGrid(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  Compose c(n);
  bool alignCorners = n.intAttr("align_corners", 0) != 0;
  std::optional<SmallVector<int64_t>> size = n.knownInts(1, "size");
  if (!size)
    return failure();
  if (size->size() != 4 && size->size() != 5)
    return n.invalid("has a size of " + Twine(size->size()) + " dimensions; 4 and 5 are defined");
  ArrayRef<int64_t> dims = ArrayRef(*size).drop_front(2);
  auto axes = static_cast<int64_t>(dims.size());
  int64_t count = elementCount(dims).value_or(-1);
  if (count < 1 || count > maxGridElements)
    return n.unsupported("makes a grid of an empty or too large size");
  Value theta = n.input(0);
  if (c.rank(theta) != 3 || c.dim(theta, 1) != axes || c.dim(theta, 2) != axes + 1)
    return n.invalid("needs theta [batch, " + Twine(axes) + ", " + Twine(axes + 1) + "]");
  std::vector<double> points;
  Dims at(dims.size(), 0);
  do {
    for (int64_t axis = axes - 1; axis >= 0; --axis) {
      auto i = static_cast<double>(at[axis]), extent = static_cast<double>(dims[axis]);
      points.push_back(!alignCorners ? (2 * i + 1) / extent - 1 : extent > 1 ? 2 * i / (extent - 1) - 1 : 0);
    }
    points.push_back(1);
  } while (nextIndex(at, dims));
  Value base = c.numbers(points, {count, axes + 1}, c.typeOf(theta));
  Value grid = c.matmul(base, c.transpose(theta, {0, 2, 1}));
  SmallVector<int64_t> shape = {0};
  llvm::append_range(shape, dims);
  shape.push_back(axes);
  return n.finish(c.reshape(grid, shape));
}

void registerSamplingImporters(ImporterTable &table) {
  table.add("GridSample", importGridSample, {16, "f32", "needs rank 3 to 5 and known sizes: give the inputs' shapes"});
  table.add("AffineGrid", importAffineGrid, {20, "f32"});
}

} // namespace sinter::nn
