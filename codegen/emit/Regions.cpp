// Tables of places become lines (start, step) where they can; each line is a vector loop, the rest is loaded by index.
#include "codegen/emit/Regions.h"
#include "ir/Limits.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

Places::Places(const std::vector<int64_t> &all) : count(static_cast<int64_t>(all.size())) {
  int64_t step = all.size() > 1 ? all[1] - all[0] : 0;
  bool isLine = true;
  for (size_t i = 0; i < all.size(); ++i)
    isLine &= all[i] >= 0 && all[i] == all[0] + static_cast<int64_t>(i) * step;
  if (isLine)
    line = Line{all.empty() ? 0 : all[0], step};
  else
    list = all;
}

bool Places::hasFill() const {
  return llvm::any_of(list, [](int64_t place) { return place < 0; });
}

std::vector<Places> Region::placesOf(const IndexTables &tables) {
  return std::vector<Places>(tables.offsets.begin(), tables.offsets.end());
}

namespace {

using Line = Places::Line;

/// A stretch [from, to) of the innermost table: a line, or fill.
struct Stretch {
  int64_t from, to;
  std::optional<Line> line;
};

std::vector<Stretch> stretchesOf(const Places &whole) {
  if (whole.line)
    return {{0, whole.count, whole.line}};
  std::vector<Stretch> result;
  const std::vector<int64_t> &table = whole.list;
  for (size_t i = 0; i < table.size();) {
    size_t end = i + 1;
    bool isFill = table[i] < 0;
    // A second element decides the step; reading one place again and again is a line too.
    int64_t step = end < table.size() && table[end] >= 0 ? table[end] - table[i] : 0;
    while (end < table.size() && (isFill ? table[end] < 0 : table[end] >= 0 && table[end] - table[end - 1] == step))
      ++end;
    Stretch stretch{static_cast<int64_t>(i), static_cast<int64_t>(end), std::nullopt};
    if (!isFill)
      stretch.line = Line{table[i], step};
    result.push_back(stretch);
    i = end;
  }
  return result;
}

class RegionEmitter {
public:
  RegionEmitter(KernelEmitter &e, const Region &region, function_ref<Value()> fill)
      : e(e), region(region), fill(fill), begin(region.begin) {
    tables = region.places;
    Value result = e.anchor()->getResult(region.result);
    shape = Dims(rankedType(result).getShape());
    // Bytes go from memory to memory as they are; else elements pass through the fused ops.
    raw = e.isPlain(region.result) && e.isInMemory(region.source);
    if (tables.empty()) {
      tables.emplace_back(std::vector<int64_t>{0});
      begin = {0};
      shape = {1};
      isScalar = true;
    }
  }

  void emit() {
    collapse();
    Dims sizes;
    for (const Places &table : tables)
      sizes.push_back(table.count);
    int64_t length = sizes.pop_back_val(), rows = *elementCount(sizes);
    std::vector<Stretch> stretches = stretchesOf(tables.back());
    constexpr size_t maxStretches = 12;
    bool looksUp = stretches.size() > maxStretches;
    // Long rows are cut, so that few of them still make work for all threads.
    constexpr int64_t chunkElements = 8192;
    int64_t chunks = !looksUp && stretches.size() == 1 ? llvm::divideCeil(length, chunkElements) : 1;
    if (length == 0 || rows == 0)
      chunks = 1, rows = 0;
    double perRow = static_cast<double>(length) / static_cast<double>(chunks);
    e.iterations(rows * chunks, KernelEmitter::grainFor(perRow * 2), [&](Value iteration) {
      Value row = iteration, from = e.index(0), to = e.index(length);
      if (chunks > 1) {
        SmallVector<Value> at = e.delinearize(iteration, {rows, chunks});
        row = at[0];
        from = e.mul(at[1], chunkElements);
        to = arith::MinUIOp::create(e.b, e.add(from, e.index(chunkElements)), e.index(length));
      }
      SmallVector<Value> index = e.delinearize(row, sizes);
      Value isFilled, base = e.index(0);
      for (auto [d, i] : llvm::enumerate(index)) {
        Value part = place(tables[d], i);
        base = e.add(base, part);
        if (tables[d].hasFill())
          isFilled = either(isFilled, isNegative(part));
        index[d] = e.add(i, e.index(begin[d]));
      }
      auto body = [&] { looksUp ? lookUpRow(index, base, length) : copyRow(index, base, stretches, from, to); };
      if (!isFilled)
        return body();
      e.either(isFilled, [&] { fillRange(index, from, to); }, body);
    });
  }

private:
  /// Merges trailing dimensions whose elements follow each other on both sides, so that the innermost loop is
  /// long.
  void collapse() {
    while (tables.size() > 1) {
      // Fused ops read per-channel operands: rows then stay within dimensions 0 and 1.
      if (!raw && tables.size() <= (region.begin.size() > 2 ? 3 : 2))
        return;
      const Places &inner = tables.back();
      Places &outer = tables[tables.size() - 2];
      bool isWhole = begin.back() == 0 && inner.count == shape.back();
      if (!isWhole || !inner.line || !outer.line)
        return;
      if (inner.count > 1 && outer.count > 1 && outer.line->step != inner.line->step * inner.count)
        return;
      outer.line = Line{outer.line->first + inner.line->first, inner.count > 1 ? inner.line->step : outer.line->step};
      outer.count *= inner.count;
      int64_t extent = shape.pop_back_val();
      shape.back() *= extent;
      begin.pop_back();
      begin.back() *= extent;
      tables.pop_back();
    }
  }

  /// The table's value at a run-time index: arithmetic for lines, a load for others.
  Value place(const Places &table, Value i) {
    if (table.line)
      return e.add(e.mul(i, table.line->step), e.index(table.line->first));
    Tensor data(DType::I64, {table.count});
    llvm::copy(table.list, data.as<int64_t>().begin());
    return arith::IndexCastOp::create(e.b, e.b.getIndexType(), e.load(e.constant(data), i));
  }

  Value isNegative(Value i) { return arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, i, e.index(0)); }
  Value either(Value a, Value b) { return a ? arith::OrIOp::create(e.b, a, b).getResult() : b; }

  void copyRow(ArrayRef<Value> index, Value base, ArrayRef<Stretch> stretches, Value from, Value to) {
    for (const Stretch &stretch : stretches) {
      Value first = stretches.size() == 1 ? from : e.index(stretch.from);
      Value last = stretches.size() == 1 ? to : e.index(stretch.to);
      if (!stretch.line) {
        fillRange(index, first, last);
        continue;
      }
      Line line = *stretch.line;
      // Place of element i: base + first + (i - from) * step.
      Value origin = e.add(base, e.index(line.first - stretch.from * line.step));
      unsigned lanes = stretch.to - stretch.from < lanesHere() ? 1 : lanesHere();
      e.forLanes(first, last, lanes, [&](Value i, unsigned n) {
        write(index, i, read(e.add(origin, e.mul(i, line.step)), line.step, n), n);
      });
    }
  }

  /// Rows of no simple form: each element's place is loaded.
  void lookUpRow(ArrayRef<Value> index, Value base, int64_t length) {
    bool fills = tables.back().hasFill();
    e.loop(e.index(0), e.index(length), 1, [&](Value i) {
      Value at = place(tables.back(), i);
      if (!fills)
        return write(index, i, read(e.add(base, at), 1, 1), 1);
      Value isFilled = isNegative(at);
      Value safe = arith::SelectOp::create(e.b, isFilled, e.index(0), e.add(base, at));
      Value element = read(safe, 1, 1);
      write(index, i, arith::SelectOp::create(e.b, isFilled, fillElement(), element), 1);
    });
  }

  void fillRange(ArrayRef<Value> index, Value from, Value to) {
    Value element = fillElement();
    e.forLanes(from, to, lanesHere(), [&](Value i, unsigned n) { write(index, i, e.splat(element, n), n); });
  }

  /// The fill value as this emitter moves elements: in compute type, or as the bits of memory.
  Value fillElement() {
    Value value = fill();
    if (!raw)
      return value;
    // One round trip through memory turns a number into its bits.
    Type element = elementTypeOf(region.source);
    if (storageType(element) == value.getType())
      return value;
    Buffer cell = e.scratch(element, {1});
    e.store(cell, e.index(0), value);
    cell.element = storageType(element);
    return e.load(cell, e.index(0));
  }

  unsigned lanesHere() { return e.lanes(); }

  /// `lanes` elements of the source, `step` apart, from a row-major place on.
  Value read(Value at, int64_t step, unsigned lanes) {
    if (lanes == 1 || step == 1)
      return readRun(at, lanes);
    if (step == 0)
      return e.splat(readRun(at, 1), lanes);
    SmallVector<Value> elements;
    for (unsigned lane = 0; lane < lanes; ++lane)
      elements.push_back(readRun(e.add(at, e.index(lane * step)), 1));
    return vector::FromElementsOp::create(e.b, VectorType::get({lanes}, elements.front().getType()), elements);
  }

  Value readRun(Value at, unsigned lanes) {
    if (!raw)
      return isScalarSource() ? e.read(region.source, Point{}) : e.read(region.source, Point{{}, at, lanes});
    Buffer from = e.input(region.source);
    from.element = storageType(from.element);
    return e.load(from, at, lanes);
  }

  bool isScalarSource() { return rankedType(region.source).getRank() == 0; }

  void write(ArrayRef<Value> index, Value i, Value element, unsigned lanes) {
    Value inner = e.add(i, e.index(begin.back()));
    if (!raw) {
      Point point{SmallVector<Value>(index), inner, lanes};
      return e.finish(region.result, element, isScalar ? Point{} : point);
    }
    Buffer to = e.output(e.outputOf(region.result));
    to.element = storageType(to.element);
    to.shape.assign(shape.begin(), shape.end());
    e.store(to, e.add(e.offset(to, index), inner), element);
  }

  KernelEmitter &e;
  const Region &region;
  function_ref<Value()> fill;
  std::vector<Places> tables;
  Dims begin, shape; ///< of the result, its trailing dimensions merged like the tables
  bool raw = false, isScalar = false;
};

} // namespace

void emitRegion(KernelEmitter &e, const Region &region, function_ref<Value()> fill) {
  assert((fill || llvm::none_of(region.places, [](const Places &places) { return places.hasFill(); })) &&
         "a region with places outside its source has a fill value");
  RegionEmitter(e, region, fill).emit();
}

/// `outer` counted over `inner`: place (i, k) is outer(i) + inner(k). Nothing where that takes a list of more than
/// `most` places.
static std::optional<Places> joined(const Places &outer, const Places &inner, int64_t most) {
  if (outer.line && inner.line) {
    int64_t first = outer.line->first + inner.line->first;
    if (inner.count == 1)
      return Places(outer.count, {first, outer.line->step});
    if (outer.count == 1 || outer.line->step == inner.line->step * inner.count)
      return Places(outer.count * inner.count, {first, inner.line->step});
  }
  std::optional<int64_t> count = product(outer.count, inner.count);
  if (!count || *count > most)
    return std::nullopt;
  std::vector<int64_t> all;
  auto at = [](const Places &places, int64_t i) {
    return places.line ? places.line->first + i * places.line->step : places.list[static_cast<size_t>(i)];
  };
  for (int64_t i = 0; i < outer.count; ++i)
    for (int64_t k = 0; k < inner.count; ++k)
      all.push_back(at(outer, i) + at(inner, k));
  Places places(*count, {0, 0});
  places.line.reset();
  places.list = std::move(all);
  return places;
}

static int64_t least(const Places &places) {
  if (!places.line)
    return *llvm::min_element(places.list);
  return places.line->first + std::min<int64_t>(0, (places.count - 1) * places.line->step);
}

static void shift(Places &places, int64_t by) {
  if (places.line)
    places.line->first += by;
  for (int64_t &place : places.list)
    place += by;
}

std::optional<Region> regionOf(const StridedCopy &copy, Operation *op) {
  ArrayRef<int64_t> shape = rankedType(op->getResult(copy.result)).getShape();
  Dims strides = rowMajorStrides(shape);
  Region region{op->getOperand(copy.operand), copy.result, {}, {}};
  size_t rank = shape.size();
  if (llvm::is_contained(copy.shape, 0) || llvm::is_contained(shape, 0)) {
    region.begin.assign(rank, 0);
    region.places.assign(rank, Places(0, {0, 0}));
    if (rank == 0)
      return std::nullopt;
    return region;
  }
  int64_t at = copy.dstOffset;
  for (int64_t stride : strides) {
    region.begin.push_back(at / stride);
    at %= stride;
  }
  // Each copied dimension lies in the result dimension whose stride divides its own; a result dimension takes
  // all that do, the outermost first.
  region.places.assign(rank, Places(1, {0, 0}));
  int64_t most = limitsOf(op).table;
  for (size_t d = copy.shape.size(); d-- > 0;) {
    if (copy.shape[d] == 1)
      continue;
    std::optional<size_t> owner;
    for (size_t k = 0; k < rank && !owner; ++k)
      if (shape[k] > 1 && copy.dstStrides[d] % strides[k] == 0 && copy.dstStrides[d] / strides[k] < shape[k])
        owner = k;
    if (!owner)
      return std::nullopt;
    Places &inner = region.places[*owner];
    if (copy.dstStrides[d] != strides[*owner] * inner.count)
      return std::nullopt;
    std::optional<Places> all = joined(Places(copy.shape[d], {0, copy.srcStrides[d]}), inner, most);
    if (!all)
      return std::nullopt;
    inner = std::move(*all);
  }
  // Backward steps count from the far end, so that no place is negative.
  int64_t first = copy.srcOffset;
  for (Places &places : region.places) {
    int64_t lowest = least(places);
    shift(places, -lowest);
    first += lowest;
  }
  if (rank > 0)
    shift(region.places.front(), first);
  // Listed places may lie on a line as a whole.
  for (Places &places : region.places)
    if (!places.line)
      places = Places(std::vector<int64_t>(std::move(places.list)));
  return region;
}

} // namespace sinter::codegen
