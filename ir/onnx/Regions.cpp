// Regions of feature maps: RoiAlign, MaxRoiPool and DeformConv of ONNX, composed of gathers at computed places.
#include "ir/onnx/Compose.h"
#include "ir/onnx/Window.h"
#include "ir/ops/Reduction.h"

using namespace mlir;

namespace sinter::nn {

/// The elements that are gathered at once: a bound on the memory of one operator.
static constexpr double maxGathered = 1 << 28;

/// The product of sizes; as double, for it may be more than an integer holds.
static double product(std::initializer_list<int64_t> sizes) {
  double result = 1;
  for (int64_t size : sizes)
    result *= static_cast<double>(size);
  return result;
}

namespace {

/// Samples of feature maps [batch, channels, height, width] between pixels.
class MapSampler : protected Compose {
public:
  explicit MapSampler(NodeImporter &n) : Compose(n) {}

protected:
  /// A pixel near each point, and its weight there.
  struct Neighbour {
    Value place, weight;
  };

  /// The two pixels around coordinates along an axis of `size` pixels. A coordinate beyond the border counts as the
  /// border where `clamps`; else pixels outside weigh 0.
  SmallVector<Neighbour, 2> around(Value coordinate, int64_t size, bool clamps) {
    auto last = static_cast<double>(size - 1);
    Value v = clamps ? clip(coordinate, 0, last) : coordinate;
    Value low = floor(v), t = sub(v, low);
    SmallVector<Neighbour, 2> pixels{{low, sub(number(1, t), t)}, {add(low, 1), t}};
    for (Neighbour &pixel : pixels) {
      Value inside = both(lessOrEqual(number(0, v), pixel.place), lessOrEqual(pixel.place, number(last, v)));
      pixel.weight = where(inside, pixel.weight, number(0, v));
      pixel.place = cast(clip(pixel.place, 0, last), DType::I64);
    }
    return pixels;
  }
};

//===- RoiAlign -----------------------------------------------------------===//

class RoiAlignImporter : MapSampler {
public:
  using MapSampler::MapSampler;
  LogicalResult run();

private:
  /// Coordinates [regions, bins * ratio] of the samples along an axis.
  Value samples(Value from, Value to, int64_t bins, int64_t ratio, bool isAtLeastOne);
};

} // namespace

Value RoiAlignImporter::samples(Value from, Value to, int64_t bins, int64_t ratio, bool isAtLeastOne) {
  Value length = sub(to, from);
  if (isAtLeastOne)
    length = max(length, number(1, length));
  std::vector<double> shares;
  for (int64_t i = 0; i < bins * ratio; ++i)
    shares.push_back((static_cast<double>(i) + 0.5) / static_cast<double>(bins * ratio));
  Value share = numbers(shares, {1, bins * ratio}, typeOf(from));
  return add(from, mul(length, share));
}

/// Each region is divided into bins, a bin into ratio x ratio samples, whose mean or maximum it becomes.
LogicalResult RoiAlignImporter::run() {
  if (failed(n.expectInputs(3, 3)))
    return failure();
  Value x = n.input(0), regions = n.input(1), batchOf = n.input(2);
  std::string mode = n.stringAttr("mode", "avg");
  std::string transform =
      n.opset >= 16 ? n.stringAttr("coordinate_transformation_mode", "half_pixel") : "output_half_pixel";
  int64_t high = n.intAttr("output_height", 1), wide = n.intAttr("output_width", 1);
  int64_t ratio = n.intAttr("sampling_ratio", 0);
  double scale = n.floatAttr("spatial_scale", 1);
  bool isHalfPixel = transform == "half_pixel";
  if ((mode != "avg" && mode != "max") || (!isHalfPixel && transform != "output_half_pixel"))
    return n.invalid("has the unknown mode '" + mode + "' or coordinate_transformation_mode '" + transform + "'");
  if (rank(x) != 4 || rank(regions) != 2 || rank(batchOf) != 1 || dim(regions, 1) != 4)
    return n.invalid("needs feature maps of rank 4, regions of 4 coordinates, and a batch index for each");
  if (!isStatic(x) || !isStatic(regions))
    return n.unsupported("needs known sizes: give the inputs' shapes");
  if (ratio < 1)
    return n.unsupported("has a sampling_ratio that depends on each region's size: set it to 1 or more");
  int64_t count = dim(regions, 0), channels = dim(x, 1), height = dim(x, 2), width = dim(x, 3);
  if (high < 1 || wide < 1 || ratio > 64 || high > 4096 || wide > 4096 ||
      product({count, channels, high, ratio, wide, ratio}) > maxGathered)
    return n.unsupported("makes more samples than are supported");
  Value box = sub(mul(regions, scale), isHalfPixel ? 0.5 : 0.0);
  auto edge = [&](int64_t i) { return slice(box, 1, i, i + 1); };
  Value ys = samples(edge(1), edge(3), high, ratio, !isHalfPixel),
        xs = samples(edge(0), edge(2), wide, ratio, !isHalfPixel);
  // Beyond a pixel outside the map a sample is 0; nearer it is the border's.
  auto valid = [&](Value v, int64_t size) {
    return cast(both(lessOrEqual(number(-1, v), v), lessOrEqual(v, number(static_cast<double>(size), v))), typeOf(v));
  };
  Value isIn = mul(unsqueeze(valid(ys, height), 2), unsqueeze(valid(xs, width), 1));
  Value pixels = reshape(transpose(x, {0, 2, 3, 1}), {-1, channels});
  Value first =
      unsqueeze(mul(cast(batchOf, DType::I64), number(static_cast<double>(height * width), n.intScalar(0))), {1, 2});
  Value sum;
  for (const Neighbour &y : around(ys, height, true))
    for (const Neighbour &across : around(xs, width, true)) {
      Value row = mul(unsqueeze(y.place, 2), number(static_cast<double>(width), y.place));
      Value place = add(add(first, row), unsqueeze(across.place, 1));
      Value weight = mul(mul(unsqueeze(y.weight, 2), unsqueeze(across.weight, 1)), isIn);
      Value part = mul(gather(pixels, place, 0), unsqueeze(weight, 3));
      sum = !sum ? part : mode == "max" ? max(sum, part) : add(sum, part);
    }
  Value bins = reshape(sum, {count, high, ratio, wide, ratio, channels});
  Value result = mode == "max"
                     ? Value(n.create<ReduceMaxOp>(bins, n.ints({2, 4}), n.builder.getBoolAttr(false), UnitAttr()))
                     : div(this->sum(bins, {2, 4}, false), static_cast<double>(ratio * ratio));
  return n.finish(transpose(result, {0, 3, 1, 2}));
}

static LogicalResult importRoiAlign(NodeImporter &n) { return RoiAlignImporter(n).run(); }

//===- MaxRoiPool ---------------------------------------------------------===//

/// The maximum of each bin of a region, whose corners are rounded to pixels: over the columns of each bin, then over
/// its rows. A bin without a pixel is 0.
static LogicalResult importMaxRoiPool(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  Compose c(n);
  Value x = n.input(0), regions = n.input(1);
  std::optional<SmallVector<int64_t>> bins = n.intsAttr("pooled_shape");
  double scale = n.floatAttr("spatial_scale", 1);
  if (!bins || bins->size() != 2 || (*bins)[0] < 1 || (*bins)[1] < 1 || c.rank(x) != 4 || c.rank(regions) != 2 ||
      c.dim(regions, 1) != 5)
    return n.invalid("needs feature maps of rank 4, regions of 5 numbers, and a pooled_shape of two");
  if (!c.isStatic(x) || !c.isStatic(regions))
    return n.unsupported("needs known sizes: give the inputs' shapes");
  int64_t count = c.dim(regions, 0), channels = c.dim(x, 1), height = c.dim(x, 2), width = c.dim(x, 3);
  if (product({count, channels, height, width, std::max((*bins)[0], (*bins)[1])}) > maxGathered)
    return n.unsupported("compares more elements than are supported");
  auto column = [&](int64_t i) { return c.slice(regions, 1, i, i + 1); };
  Value zero = c.number(0, x), lowest = c.number(-std::numeric_limits<double>::infinity(), x);
  Value maps = c.gather(x, c.cast(c.squeeze(column(0), 1), DType::I64), 0); // [regions, channels, height, width]
  /// Whether pixel p is in bin b: [regions, bins, size].
  auto isIn = [&](int64_t low, int64_t high, int64_t binCount, int64_t size) {
    // Half a pixel away from 0, as C's round does.
    auto rounded = [&](int64_t i) { return c.floor(c.add(c.mul(column(i), scale), 0.5)); };
    Value from = rounded(low), length = c.max(c.add(c.sub(rounded(high), from), 1), c.number(1, from));
    std::vector<double> numbers, pixels;
    for (int64_t i = 0; i < binCount; ++i)
      numbers.push_back(static_cast<double>(i));
    for (int64_t i = 0; i < size; ++i)
      pixels.push_back(static_cast<double>(i));
    Value b = c.numbers(numbers, {1, binCount}, c.typeOf(x)), each = c.div(length, static_cast<double>(binCount));
    Value begin = c.add(c.floor(c.mul(b, each)), from);
    Value end = c.sub(from, c.floor(c.neg(c.mul(c.add(b, 1), each))));
    Value p = c.numbers(pixels, {1, 1, size}, c.typeOf(x));
    return c.both(c.lessOrEqual(c.unsqueeze(begin, 2), p), c.less(p, c.unsqueeze(end, 2)));
  };
  auto reduced = [&](Value v) {
    return n.create<ReduceMaxOp>(v, n.ints({-1}), n.builder.getBoolAttr(false), UnitAttr());
  };
  Value columns = c.unsqueeze(isIn(1, 3, (*bins)[1], width), {1, 2});       // [regions, 1, 1, bins, width]
  Value byColumn = reduced(c.where(columns, c.unsqueeze(maps, 3), lowest)); // [regions, channels, height, bins]
  Value rows = c.unsqueeze(isIn(2, 4, (*bins)[0], height), {1, 3});         // [regions, 1, bins, 1, height]
  Value result = reduced(c.where(rows, c.unsqueeze(c.transpose(byColumn, {0, 1, 3, 2}), 2), lowest));
  return n.finish(c.where(c.equal(result, lowest), zero, result));
}

//===- DeformConv ---------------------------------------------------------===//

namespace {

/// A convolution whose taps lie where `offset` moves them, weighted by `mask`: a product of the weights with the
/// samples of all taps.
class DeformConvImporter : MapSampler {
public:
  using MapSampler::MapSampler;
  LogicalResult run();
};

} // namespace

LogicalResult DeformConvImporter::run() {
  if (failed(n.expectInputs(3, 5)))
    return failure();
  Value x = n.input(0), w = n.input(1), offset = n.input(2), bias = n.input(3), mask = n.input(4);
  int64_t groups = n.intAttr("group", 1), offsetGroups = n.intAttr("offset_group", 1);
  n.ignoreAttr("kernel_shape"); // that of the weights
  if (rank(x) != 4 || rank(w) != 4 || rank(offset) != 4)
    return n.unsupported("needs an input, weights and offsets of rank 4");
  if (!isStatic(x) || !isStatic(w) || !isStatic(offset))
    return n.unsupported("needs known sizes: give the inputs' shapes");
  auto ints = [&](StringRef name, size_t count, int64_t fallback) {
    SmallVector<int64_t> values = n.intsAttr(name).value_or(SmallVector<int64_t>(count, fallback));
    if (values.size() != count)
      (void)n.invalid("has " + Twine(values.size()) + " " + name + ", not " + Twine(count));
    values.resize(count, fallback);
    return values;
  };
  SmallVector<int64_t> strides = ints("strides", 2, 1), dilations = ints("dilations", 2, 1), pads = ints("pads", 4, 0);
  int64_t batch = dim(x, 0), channels = dim(x, 1), height = dim(x, 2), width = dim(x, 3);
  int64_t kernelHigh = dim(w, 2), kernelWide = dim(w, 3), taps = kernelHigh * kernelWide, outputs = dim(w, 0);
  int64_t high = dim(offset, 2), wide = dim(offset, 3), points = high * wide;
  if (groups < 1 || offsetGroups < 1 || groups > channels || offsetGroups > channels || channels % groups ||
      channels % offsetGroups || outputs % groups || dim(w, 1) * groups != channels ||
      dim(offset, 1) != 2 * offsetGroups * taps || dim(offset, 0) != batch ||
      (mask && (rank(mask) != 4 || dim(mask, 1) != offsetGroups * taps)))
    return n.invalid("has weights, offsets or a mask that do not fit its input");
  if (product({batch, channels, taps, points}) > maxGathered)
    return n.unsupported("makes more samples than are supported");
  // Offsets are [batch, offset groups, taps, (y, x), points].
  Value moved = reshape(offset, {batch, offsetGroups, taps, 2, points});
  auto coordinate = [&](int64_t axis) {
    std::vector<double> places;
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t point = 0; point < points; ++point) {
        int64_t at = axis == 0 ? point / wide : point % wide, step = axis == 0 ? tap / kernelWide : tap % kernelWide;
        // In doubles: attributes may be any number.
        auto product = [](int64_t a, int64_t b) { return static_cast<double>(a) * static_cast<double>(b); };
        places.push_back(product(at, strides[axis]) - static_cast<double>(pads[axis]) + product(step, dilations[axis]));
      }
    Value fixed = numbers(places, {1, 1, taps, points}, typeOf(x));
    return add(squeeze(slice(moved, 3, axis, axis + 1), 3), fixed);
  };
  // Maps are [batch * offset groups * pixels, channels of an offset group].
  int64_t each = channels / offsetGroups;
  Value maps = reshape(transpose(reshape(x, {batch, offsetGroups, each, height * width}), {0, 1, 3, 2}), {-1, each});
  std::vector<double> starts;
  for (int64_t i = 0; i < batch * offsetGroups; ++i)
    starts.push_back(static_cast<double>(i * height * width));
  Value first = numbers(starts, {batch, offsetGroups, 1, 1}, DType::I64), sampled;
  for (const Neighbour &y : around(coordinate(0), height, false))
    for (const Neighbour &across : around(coordinate(1), width, false)) {
      Value place = add(first, add(mul(y.place, number(static_cast<double>(width), y.place)), across.place));
      Value part = mul(gather(maps, place, 0), unsqueeze(mul(y.weight, across.weight), 4));
      sampled = sampled ? add(sampled, part) : part;
    }
  if (mask)
    sampled = mul(sampled, reshape(mask, {batch, offsetGroups, taps, points, 1}));
  // [batch, groups, channels of a group * taps, points] meets [groups, outputs of a group, the same].
  Value columns = reshape(transpose(sampled, {0, 1, 4, 2, 3}), {batch, groups, channels / groups * taps, points});
  Value weights = reshape(w, {1, groups, outputs / groups, channels / groups * taps});
  Value y = reshape(matmul(weights, columns), {batch, outputs, high, wide});
  return n.finish(bias ? add(y, reshape(bias, {1, outputs, 1, 1})) : y);
}

static LogicalResult importDeformConv(NodeImporter &n) { return DeformConvImporter(n).run(); }

void registerRegionImporters(ImporterTable &table) {
  table.add("RoiAlign", importRoiAlign,
            {10, "f32", "needs known sizes: give the inputs' shapes; a sampling_ratio of 0: set it to 1 or more"});
  table.add("MaxRoiPool", importMaxRoiPool, {1, "f32"});
  table.add("DeformConv", importDeformConv,
            {22, "f32", "needs inputs of rank 4 and known sizes: give the inputs' shapes"});
}

} // namespace sinter::nn
