// Gathers, scatters, and the ops along an axis of ONNX.
#include "ir/Ops.h"
#include "ir/onnx/Compose.h"
#include "ir/onnx/ValueCheck.h"

using namespace mlir;

namespace sinter::nn {

/// The sizes of the axes from `batch` on that a tuple of indices picks from; none if anything is empty or unknown.
static SmallVector<int64_t> tupleDims(NodeImporter &n, int64_t batch) {
  RankedTensorType data = rankedType(n.input(0)), indices = rankedType(n.input(1));
  if (!data || !indices || !indices.hasStaticShape() || indices.getRank() == 0 || batch < 0 ||
      llvm::is_contained(data.getShape(), 0))
    return {};
  return SmallVector<int64_t>(data.getShape()
                                  .drop_front(std::min(batch, data.getRank()))
                                  .take_front(std::max<int64_t>(indices.getShape().back(), 0)));
}

/// The size of the axis that single indices pick from.
static SmallVector<int64_t> axisDim(NodeImporter &n) {
  int64_t size = Compose::dim(n.input(0), n.intAttr("axis", 0));
  bool isEmpty = rankedType(n.input(0)) && llvm::is_contained(rankedType(n.input(0)).getShape(), 0);
  return isEmpty || ShapedType::isDynamic(size) ? SmallVector<int64_t>() : SmallVector<int64_t>{size};
}

template <typename Op> static LogicalResult importGather(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)) || failed(checkIndices(n, n.input(1), axisDim(n))))
    return failure();
  return n.finish({n.create<Op>(n.input(0), n.input(1), n.intAttr("axis", 0))});
}

static LogicalResult importGatherND(NodeImporter &n) {
  int64_t batch = n.opset >= 12 ? n.intAttr("batch_dims", 0) : 0;
  if (failed(n.expectInputs(2, 2)) || failed(checkIndices(n, n.input(1), tupleDims(n, batch))))
    return failure();
  return n.finish({n.create<GatherNDOp>(n.input(0), n.input(1), batch)});
}

/// add and mul came with opset 16, min and max with 18.
static ScatterReduction reductionOf(NodeImporter &n) {
  return n.opset >= 16 ? n.wordAttr("reduction", ScatterReduction::None) : ScatterReduction::None;
}

static LogicalResult importScatterElements(NodeImporter &n) {
  if (failed(n.expectInputs(3, 3)) || failed(checkIndices(n, n.input(1), axisDim(n))))
    return failure();
  return n.finish(
      {n.create<ScatterElementsOp>(n.input(0), n.input(1), n.input(2), n.intAttr("axis", 0), reductionOf(n))});
}

static LogicalResult importScatterND(NodeImporter &n) {
  if (failed(n.expectInputs(3, 3)) || failed(checkIndices(n, n.input(1), tupleDims(n, 0))))
    return failure();
  return n.finish({n.create<ScatterNDOp>(n.input(0), n.input(1), n.input(2), reductionOf(n))});
}

static LogicalResult importOneHot(NodeImporter &n) {
  if (failed(n.expectInputs(3, 3)))
    return failure();
  Value depth = n.input(1), indices = n.input(0);
  if (RankedTensorType values = rankedType(n.input(2));
      values && values.hasStaticShape() && values.getNumElements() != 2)
    return n.invalid("needs two values (off, on), and has " + Twine(values.getNumElements()));
  // ONNX lets both be floats.
  if (isFloat(Compose::typeOf(indices)))
    indices = Compose(n).cast(indices, DType::I64);
  if (std::optional<Tensor> known = n.known(depth); known && known->size() == 1)
    depth = n.intScalar(toInts(*known)[0]);
  return n.finish({n.create<OneHotOp>(indices, depth, n.input(2), n.intAttr("axis", -1))});
}

static LogicalResult importMaxUnpool(NodeImporter &n) {
  if (failed(n.expectInputs(2, 3)))
    return failure();
  auto array = [&](StringRef name) {
    std::optional<Dims> values = n.intsAttr(name);
    return values ? n.builder.getDenseI64ArrayAttr(*values) : DenseI64ArrayAttr();
  };
  DenseI64ArrayAttr kernel = array("kernel_shape");
  if (!kernel)
    return n.invalid("has no kernel_shape");
  return n.finish({n.create<MaxUnpoolOp>(n.input(0), n.input(1), n.input(2), kernel, array("strides"), array("pads"))});
}

static LogicalResult importTopK(NodeImporter &n) {
  bool isInput = n.opset >= 10;
  if (failed(n.expectInputs(isInput ? 2 : 1, isInput ? 2 : 1)))
    return failure();
  Value k = isInput ? n.input(1) : n.ints(n.intAttr("k", -1));
  bool largest = n.opset < 11 || n.intAttr("largest", 1) != 0;
  // Unsorted means in any order; sorted is one.
  if (n.opset >= 11)
    n.ignoreAttr("sorted");
  TopKOp op = n.createN<TopKOp>(2, n.input(0), k, n.intAttr("axis", -1), largest);
  return n.finish(op->getResults());
}

static LogicalResult importCumSum(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  bool exclusive = n.intAttr("exclusive", 0) != 0, reverse = n.intAttr("reverse", 0) != 0;
  return n.finish({n.create<CumSumOp>(n.input(0), n.input(1), exclusive, reverse)});
}

/// Running products by doubling (Hillis and Steele 1986): after step s each element is the product of the 2^s up to it.
static LogicalResult importCumProd(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  Compose c(n);
  bool exclusive = n.intAttr("exclusive", 0) != 0, reverse = n.intAttr("reverse", 0) != 0;
  Value y = n.input(0);
  std::optional<SmallVector<int64_t>> given = n.knownInts(1, "axis");
  if (!given)
    return failure();
  std::optional<int64_t> axis =
      given->size() == 1 ? normaliseAxis(given->front(), c.rank(y)) : std::optional<int64_t>();
  int64_t size = axis ? c.dim(y, *axis) : 0;
  if (!axis)
    return n.invalid("has an axis that its input lacks");
  if (ShapedType::isDynamic(size))
    return n.unsupported("needs known sizes: give the input's shape");
  auto shifted = [&](int64_t by) {
    Value rest = reverse ? c.slice(y, *axis, by, size) : c.slice(y, *axis, 0, size - by);
    return c.pad(rest, *axis, reverse ? 0 : by, reverse ? by : 0, c.number(1, y));
  };
  if (exclusive && size > 0)
    y = shifted(1);
  for (int64_t by = 1; by < size; by *= 2)
    y = c.mul(y, shifted(by));
  return n.finish(y);
}

/// Gathers along the time axis: place i of a sequence of length n comes from n - 1 - i, what is behind it stays.
static LogicalResult importReverseSequence(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  Compose c(n);
  Value x = n.input(0), lengths = n.input(1);
  int64_t batch = n.intAttr("batch_axis", 1), time = n.intAttr("time_axis", 0), rank = c.rank(x);
  if (rank < 2 || batch < 0 || batch > 1 || time < 0 || time > 1 || batch == time || c.rank(lengths) != 1)
    return n.invalid("needs one length per sequence, and 0 and 1 as its time_axis and batch_axis");
  Value place = c.positions(x, time), length = c.unsqueeze(lengths, time);
  if (time == 0)
    place = c.unsqueeze(place, 1);
  Value from = c.where(c.less(place, length), c.sub(c.sub(length, 1), place), place);
  SmallVector<int64_t> inner;
  for (int64_t i = 2; i < rank; ++i)
    inner.push_back(i);
  if (!inner.empty())
    from = c.unsqueeze(from, inner);
  Value shape = n.create<ShapeOp>(x, n.builder.getI64IntegerAttr(0), IntegerAttr());
  return n.finish(c.gatherElements(x, n.create<ExpandOp>(from, shape), time));
}

/// update goes into past at write_indices + 0, 1, ... along an axis, for every index of the first one; in circular mode
/// around the end.
static LogicalResult importTensorScatter(NodeImporter &n) {
  if (failed(n.expectInputs(2, 3)))
    return failure();
  Compose c(n);
  Value past = n.input(0), update = n.input(1), starts = n.input(2);
  std::string mode = n.stringAttr("mode", "linear");
  if (mode != "linear" && mode != "circular")
    return n.invalid("has the unknown mode '" + mode + "'");
  int64_t rank = c.rank(past);
  std::optional<int64_t> axis = normaliseAxis(n.intAttr("axis", -2), rank);
  if (!axis || *axis == 0 || c.rank(update) != rank || (starts && c.rank(starts) != 1))
    return n.invalid("needs operands of one rank, an axis behind the first, and one index per batch element");
  SmallVector<int64_t> others, all;
  for (int64_t i = 0; i < rank; ++i)
    if (i != *axis)
      others.push_back(i);
  Value places = c.unsqueeze(c.positions(update, *axis), others);
  if (starts) {
    for (int64_t i = 1; i < rank; ++i)
      all.push_back(i);
    places = c.add(places, c.unsqueeze(c.cast(starts, DType::I64), all));
  }
  if (mode == "circular")
    places = n.create<ModOp>(places, c.size(past, *axis), n.builder.getBoolAttr(false));
  Value shape = n.create<ShapeOp>(update, n.builder.getI64IntegerAttr(0), IntegerAttr());
  Value indices = n.create<ExpandOp>(places, shape);
  return n.finish({n.create<ScatterElementsOp>(past, indices, update, *axis)});
}

void registerIndexingImporters(ImporterTable &table) {
  table.add("Gather", importGather<GatherOp>, {1, anyType});
  table.add("GatherElements", importGather<GatherElementsOp>, {11, anyType});
  table.add("GatherND", importGatherND, {11, anyType});
  table.add("Scatter", importScatterElements, {9, "f32"});
  table.add("ScatterElements", importScatterElements, {11, anyType});
  table.add("ScatterND", importScatterND, {11, anyType});
  table.add("OneHot", importOneHot, {9, numbers});
  table.add("MaxUnpool", importMaxUnpool, {9, floats});
  table.add("TopK", importTopK, {1, numbers});
  table.add("CumSum", importCumSum, {11, numbers});
  table.add("CumProd", importCumProd, {26, "f64, i32", "needs known sizes: give the input's shape"});
  table.add("ReverseSequence", importReverseSequence, {10, "f32"});
  table.add("TensorScatter", importTensorScatter, {24, "f32"});
}

} // namespace sinter::nn
