// NonZero, Compress, Unique and NonMaxSuppression of ONNX: how much they give depends on the data. Their results are
// computed at the most they can be, with a count of what is there. Where the data is known while importing, so is the
// size.
#include "ir/onnx/Compose.h"
#include "ir/ops/Arithmetic.h"
#include "ir/ops/Detection.h"
#include "ir/ops/Indexing.h"
#include "ir/ops/Math.h"
#include "runtime/OptionMark.h"

using namespace mlir;

namespace sinter::nn {

/// Places are a few tables of this size, one along with another.
static int64_t maxPicked(NodeImporter &n) { return 16 * std::clamp<int64_t>(n.limits().table, 0, int64_t(1) << 40); }

static LogicalResult checkSize(NodeImporter &n, int64_t size, StringRef what) {
  return n.unsupported("of " + Twine(size) + " " + what + " takes tables of more than the " + Twine(maxPicked(n)) +
                       " entries that are allowed: give a smaller input, or raise the limit (" +
                       optionMark("limit", "table=N") + ")");
}

namespace {

/// Picks what a mask marks, in order: its place in the result is the number of marks before it.
class Picker : Compose {
public:
  explicit Picker(NodeImporter &n) : Compose(n) {}

  LogicalResult nonZero();
  LogicalResult compress();
  LogicalResult unique();

private:
  /// Where the marks of a mask [size] are, in order, and behind them 0.
  Value places(Value mask, int64_t size);
  Value countOf(Value mask) { return sum(cast(mask, DType::I64), {}, false); }
  /// `values` [size] at `targets`, each at most once; those at `size` vanish.
  Value scattered(Value values, Value targets, int64_t size, ScatterReduction reduction = ScatterReduction::None);
  Value before(Value marks) {
    return n.create<CumSumOp>(marks, n.intScalar(0), n.builder.getBoolAttr(true), n.builder.getBoolAttr(false));
  }
  Value iota(int64_t size) { return n.counting(size); }
  Value orderOfRows(Value rows, int64_t count);
  Value differs(Value a, Value b);
  /// A result, cut to its size where its count is known.
  Imported counted(Value value, int64_t axis, Value count);
};

} // namespace

Imported Picker::counted(Value value, int64_t axis, Value count) {
  if (std::optional<Tensor> known = n.known(count, /*freezes=*/false)) {
    Value cut = slice(value, axis, 0, toInts(*known)[0]);
    std::optional<Tensor> all = n.known(cut, false);
    return all ? Imported(n.constant(*all)) : Imported(cut);
  }
  return Imported::bounded(value, axis, count);
}

Value Picker::scattered(Value values, Value targets, int64_t size, ScatterReduction reduction) {
  Value zeros = expand(n.scalar(0, typeOf(values)), {size + 1});
  Value all = n.create<ScatterElementsOp>(zeros, targets, values, int64_t(0), reduction);
  return slice(all, 0, 0, size);
}

Value Picker::places(Value mask, int64_t size) {
  Value targets = where(mask, before(cast(mask, DType::I64)), n.intScalar(size));
  return scattered(iota(size), targets, size);
}

/// Indices [rank, count] of the elements that are not 0, in row-major order.
LogicalResult Picker::nonZero() {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Value x = n.input(0);
  if (!isStatic(x))
    return n.unsupported("needs a known shape: give the inputs' shapes");
  Value flat = reshape(x, {-1});
  int64_t size = dim(flat, 0);
  if (size == 0)
    return n.finish(constant(Tensor(DType::I64, {std::max<int64_t>(rank(x), 1), 0})));
  if (size > maxPicked(n))
    return checkSize(n, size, "elements");
  Value mask = typeOf(x) == DType::Bool ? flat : Value(n.create<NotOp>(equal(flat, number(0, flat))));
  Value at = places(mask, size);
  SmallVector<Value> rows;
  Dims strides = rowMajorStrides(rankedType(x).getShape());
  for (auto [stride, length] : llvm::zip_equal(strides, rankedType(x).getShape())) {
    Value row = div(at, n.intScalar(stride));
    rows.push_back(unsqueeze(n.create<ModOp>(row, n.intScalar(length), n.builder.getBoolAttr(false)), 0));
  }
  if (rows.empty()) // of a scalar: one index for what counts as [1]
    rows.push_back(unsqueeze(at, 0));
  return n.finishAny(counted(rows.size() == 1 ? rows[0] : concat(rows, 0), 1, countOf(mask)));
}

/// Slices along an axis, or elements, where `condition` says so; it may be shorter than the axis.
LogicalResult Picker::compress() {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  Value x = n.input(0), condition = n.input(1);
  bool isFlat = !n.hasAttr("axis");
  if (!isStatic(x) || !isStatic(condition) || rank(condition) != 1)
    return n.unsupported("needs known shapes and a condition of rank 1");
  if (isFlat)
    x = reshape(x, {-1});
  std::optional<int64_t> axis = normaliseAxis(isFlat ? 0 : n.intAttr("axis", 0), rank(x));
  if (!axis)
    return n.invalid("picks along an axis that its input lacks");
  int64_t size = std::min(dim(condition, 0), dim(x, *axis));
  if (size == 0)
    return n.finish(slice(x, *axis, 0, 0));
  if (size > maxPicked(n))
    return checkSize(n, size, "slices");
  Value mask = dim(condition, 0) == size ? condition : slice(condition, 0, 0, size);
  return n.finishAny(counted(gather(x, places(mask, size), *axis), *axis, countOf(mask)));
}

/// NaN is like NaN here, as in numpy.
Value Picker::differs(Value a, Value b) {
  Value unlike = n.create<NotOp>(equal(a, b));
  if (!isFloat(typeOf(a)))
    return unlike;
  return both(unlike, n.create<OrOp>(equal(a, a), equal(b, b)));
}

/// The places of rows [count, width] in lexicographic order: a row goes behind those that are less, and behind equal
/// ones that come before it.
Value Picker::orderOfRows(Value rows, int64_t count) {
  Value a = unsqueeze(rows, 1), b = unsqueeze(rows, 0); // [count, 1, width], [1, count, width]
  Value unlike = cast(differs(a, b), DType::I64), isLess = less(b, a);
  // The first column that differs decides.
  Value earlier = n.create<CumSumOp>(unlike, n.intScalar(2), n.builder.getBoolAttr(true), n.builder.getBoolAttr(false));
  Value decides = both(equal(earlier, n.intScalar(0)), both(isLess, cast(unlike, DType::Bool)));
  Value goesBefore = less(n.intScalar(0), sum(cast(decides, DType::I64), {2}, false)); // [count, count]
  Value isEqual = equal(sum(unlike, {2}, false), n.intScalar(0));
  Value i = unsqueeze(iota(count), 1), j = unsqueeze(iota(count), 0);
  Value behind = n.create<OrOp>(goesBefore, both(isEqual, less(j, i)));
  Value place = sum(cast(behind, DType::I64), {1}, false);
  return scattered(iota(count), place, count);
}

/// Sorts, marks where a run of equal elements (or slices) begins, and numbers the runs; unsorted, runs are numbered by
/// the place of their first element.
LogicalResult Picker::unique() {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Value x = n.input(0);
  bool isSorted = n.intAttr("sorted", 1) != 0, isFlat = !n.hasAttr("axis");
  if (!isStatic(x))
    return n.unsupported("needs a known shape: give the inputs' shapes");
  std::optional<int64_t> axis = isFlat ? 0 : normaliseAxis(n.intAttr("axis", 0), std::max<int64_t>(rank(x), 1));
  if (!axis || typeOf(x) == DType::Bool)
    return axis ? n.unsupported("of bools is not implemented") : n.invalid("has an axis that its input lacks");
  SmallVector<int64_t> toFront{*axis};
  for (int64_t i = 0; i < rank(x); ++i)
    if (i != *axis)
      toFront.push_back(i);
  Value rows = isFlat ? reshape(x, {-1, 1}) : transpose(x, toFront);
  SmallVector<int64_t> frontShape(rankedType(rows).getShape());
  rows = reshape(rows, {frontShape[0], -1});
  int64_t count = dim(rows, 0), width = dim(rows, 1);
  constexpr double maxCompared = 1 << 26;
  if (count == 0 || width == 0)
    return n.unsupported("of an empty tensor is not implemented");
  if (count > maxPicked(n))
    return checkSize(n, count, "slices");
  if (width > 1 && static_cast<double>(count) * static_cast<double>(count) * static_cast<double>(width) > maxCompared)
    return n.unsupported("compares more slices with each other than are supported");
  Value order;
  if (width == 1)
    order = n.createN<TopKOp>(2, reshape(rows, {-1}), n.ints(count), int64_t(0), false).getIndices();
  else
    order = orderOfRows(rows, count);
  Value sorted = gather(rows, order, 0), starts;
  if (count > 1) {
    Value unlike = cast(differs(slice(sorted, 0, 1, count), slice(sorted, 0, 0, count - 1)), DType::I64);
    Value differ = less(n.intScalar(0), sum(unlike, {1}, false));
    starts = pad(cast(differ, DType::I64), 0, 1, 0, n.intScalar(1));
  } else {
    starts = n.ints(1);
  }
  Value mask = cast(starts, DType::Bool), found = sum(starts, {}, false);
  Value group = sub(add(before(starts), starts), n.intScalar(1)); // of each sorted element
  // Elements of a run keep their order, so the first of a run is the first of all.
  Value first = gather(order, places(mask, count), 0);
  Value isThere = less(iota(count), found);
  Value numbers = scattered(group, order, count);
  if (!isSorted) {
    Value key = where(isThere, first, n.intScalar(count));
    TopKOp byPlace = n.createN<TopKOp>(2, key, n.ints(count), int64_t(0), false);
    first = where(isThere, byPlace.getValues(), n.intScalar(0));
    Value renumbered = scattered(iota(count), byPlace.getIndices(), count);
    numbers = gather(renumbered, numbers, 0);
  }
  Value counts = scattered(pad(n.ints(1), 0, 0, count - 1, n.intScalar(1)), numbers, count, ScatterReduction::Add);
  Value y = gather(rows, first, 0);
  SmallVector<int64_t> back(static_cast<size_t>(rank(x)));
  if (isFlat) {
    y = reshape(y, {-1});
  } else {
    for (auto [i, from] : llvm::enumerate(toFront))
      back[static_cast<size_t>(from)] = static_cast<int64_t>(i);
    y = transpose(reshape(y, frontShape), back);
  }
  return n.finishAny(
      {counted(y, *axis, found), counted(first, 0, found), Imported(numbers), counted(counts, 0, found)});
}

static LogicalResult importNonZero(NodeImporter &n) { return Picker(n).nonZero(); }
static LogicalResult importCompress(NodeImporter &n) { return Picker(n).compress(); }
static LogicalResult importUnique(NodeImporter &n) { return Picker(n).unique(); }

static LogicalResult importNonMaxSuppression(NodeImporter &n) {
  if (failed(n.expectInputs(2, 5)))
    return failure();
  Compose c(n);
  Value boxes = n.input(0), scores = n.input(1);
  bool center = n.intAttr("center_point_box", 0) != 0;
  auto numberOf = [&](int i, StringRef name, double fallback) -> std::optional<double> {
    if (!n.input(i))
      return fallback;
    std::optional<std::vector<double>> values = n.knownDoubles(i, name);
    if (values && values->size() != 1)
      (void)n.invalid("needs one number as " + name);
    return values && values->size() == 1 ? std::optional(values->front()) : std::nullopt;
  };
  std::optional<double> most = numberOf(2, "max_output_boxes_per_class", 0), iou = numberOf(3, "iou_threshold", 0),
                        least = numberOf(4, "score_threshold", 0);
  if (!most || !iou || !least)
    return failure();
  if (!c.isStatic(boxes) || !c.isStatic(scores))
    return n.unsupported("needs known shapes: give the inputs' shapes");
  int64_t limit = static_cast<int64_t>(std::clamp(*most, 0.0, 1e9));
  if (limit == 0 || rankedType(boxes).getNumElements() == 0 || rankedType(scores).getNumElements() == 0)
    return n.finish(n.constant(Tensor(DType::I64, {0, 3})));
  auto f32 = [&](double value) { return n.builder.getF32FloatAttr(static_cast<float>(value)); };
  NonMaxSuppressionOp op =
      n.createN<NonMaxSuppressionOp>(2, boxes, scores, n.builder.getI64IntegerAttr(limit), f32(*iou),
                                     n.input(4) ? f32(*least) : FloatAttr(), n.builder.getBoolAttr(center));
  return n.finishAny(Imported::bounded(op.getSelected(), 0, op.getCount()));
}

void registerDataDependentImporters(ImporterTable &table) {
  table.add("NonZero", importNonZero, {9, "bool", "needs a known shape: give the inputs' shapes"});
  table.add("Compress", importCompress, {9, "f32", "needs known shapes: give the inputs' shapes"});
  table.add("Unique", importUnique, {11, "f32, i64", "needs known shapes: give the inputs' shapes; bools"});
  table.add("NonMaxSuppression", importNonMaxSuppression, {10, "f32"});
}

} // namespace sinter::nn
