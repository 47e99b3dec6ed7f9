// Data movement of ONNX. Slices, pads and repeats that older opsets give as attributes become constant
// operands.
#include "ir/ops/Movement.h"
#include "ir/onnx/Compose.h"

using namespace mlir;

namespace sinter::nn {

static LogicalResult importTranspose(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  std::optional<Dims> perm = n.intsAttr("perm");
  DenseI64ArrayAttr attr = perm ? n.builder.getDenseI64ArrayAttr(*perm) : DenseI64ArrayAttr();
  return n.finish({n.create<TransposeOp>(n.input(0), attr)});
}

static LogicalResult importConcat(NodeImporter &n) {
  if (n.inputCount() == 0)
    return n.invalid("has no inputs");
  if (failed(n.expectInputs(n.inputCount(), n.inputCount())))
    return failure();
  if (!n.hasAttr("axis") && n.opset >= 4)
    return n.invalid("has no axis");
  return n.finish({n.create<ConcatOp>(n.allInputs(), n.intAttr("axis", 1))});
}

static LogicalResult importSplit(NodeImporter &n) {
  // Opset 1 knew both.
  bool isInput = n.opset >= 13 || n.opset < 2;
  if (failed(n.expectInputs(1, isInput ? 2 : 1)))
    return failure();
  Value split = n.input(1);
  if (std::optional<Dims> sizes = n.opset >= 13 ? std::nullopt : n.intsAttr("split"))
    split = n.ints(*sizes);
  if (n.opset >= 18 && n.hasAttr("num_outputs")) {
    if (split)
      return n.invalid("has both sizes and num_outputs");
    if (n.intAttr("num_outputs", 0) != n.outputCount())
      return n.invalid("names " + Twine(n.outputCount()) + " outputs, and num_outputs is another number");
  }
  if (n.outputCount() == 0)
    return n.invalid("has no outputs");
  // From opset 18 on the last part may be smaller.
  int64_t size = Compose::dim(n.input(0), n.intAttr("axis", 0));
  if (!split && n.opset < 18 && !ShapedType::isDynamic(size) && size % n.outputCount() != 0)
    return n.invalid("cannot cut " + Twine(size) + " elements into " + Twine(n.outputCount()) + " equal parts");
  SplitOp op = n.createN<SplitOp>(n.outputCount(), n.input(0), split, n.intAttr("axis", 0));
  return n.finish(op->getResults());
}

static LogicalResult importSlice(NodeImporter &n) {
  if (n.opset >= 10) {
    if (failed(n.expectInputs(3, 5)))
      return failure();
    return n.finish({n.create<SliceOp>(n.input(0), n.input(1), n.input(2), n.input(3), n.input(4))});
  }
  if (failed(n.expectInputs(1, 1)))
    return failure();
  std::optional<Dims> starts = n.intsAttr("starts"), ends = n.intsAttr("ends"), axes = n.intsAttr("axes");
  if (!starts || !ends)
    return n.invalid("has no starts or no ends");
  Value axesValue = axes ? n.ints(*axes) : Value();
  return n.finish({n.create<SliceOp>(n.input(0), n.ints(*starts), n.ints(*ends), axesValue, Value())});
}

static LogicalResult importPad(NodeImporter &n) {
  PadMode mode = n.wordAttr("mode", PadMode::Constant);
  if (mode == PadMode::Wrap && n.opset < 19)
    return n.invalid("has mode wrap, which opset 19 introduced");
  if (n.opset >= 11) {
    if (failed(n.expectInputs(2, n.opset >= 18 ? 4 : 3)))
      return failure();
    return n.finish({n.create<PadOp>(n.input(0), n.input(1), n.input(2), n.input(3), mode)});
  }
  if (failed(n.expectInputs(1, 1)))
    return failure();
  std::optional<Dims> pads = n.intsAttr(n.opset < 2 ? "paddings" : "pads");
  float value = n.floatAttr("value", 0);
  std::optional<DType> type = toDType(elementTypeOf(n.input(0)));
  if (!pads || !type)
    return n.invalid("has no pads");
  return n.finish({n.create<PadOp>(n.input(0), n.ints(*pads), n.scalar(value, *type), Value(), mode)});
}

static LogicalResult importExpand(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  return n.finish({n.create<ExpandOp>(n.input(0), n.input(1))});
}

/// Up to opset 5 along one axis, a given number of times.
static LogicalResult importTileAlong(NodeImporter &n) {
  if (failed(n.expectInputs(3, 3)))
    return failure();
  std::optional<SmallVector<int64_t>> times = n.knownInts(1, "tiles"), axis = n.knownInts(2, "axis");
  RankedTensorType type = rankedType(n.input(0));
  if (!times || !axis)
    return failure();
  if (!type || times->size() != 1 || axis->size() != 1 || !normaliseAxis(axis->front(), type.getRank()))
    return n.invalid("needs one number of tiles and an axis of its input");
  SmallVector<int64_t> repeats(static_cast<size_t>(type.getRank()), 1);
  repeats[static_cast<size_t>(*normaliseAxis(axis->front(), type.getRank()))] = times->front();
  return n.finish({n.create<TileOp>(n.input(0), n.ints(repeats))});
}

static LogicalResult importTile(NodeImporter &n) {
  if (n.opset < 6)
    return importTileAlong(n);
  if (failed(n.expectInputs(2, 2)))
    return failure();
  return n.finish({n.create<TileOp>(n.input(0), n.input(1))});
}

static LogicalResult importDepthToSpace(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  DepthToSpaceMode mode = DepthToSpaceMode::BlockFirst;
  if (n.opset >= 11)
    mode = n.wordAttr("mode", mode);
  return n.finish({n.create<DepthToSpaceOp>(n.input(0), n.intAttr("blocksize", 0), mode)});
}

static LogicalResult importSpaceToDepth(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  return n.finish({n.create<SpaceToDepthOp>(n.input(0), n.intAttr("blocksize", 0))});
}

static LogicalResult importTrilu(NodeImporter &n) {
  if (failed(n.expectInputs(1, 2)))
    return failure();
  return n.finish({n.create<TriluOp>(n.input(0), n.input(1), n.intAttr("upper", 1) != 0)});
}

/// The middle of each axis, or zeros on both sides; where the difference is odd, one element more at the end.
static LogicalResult importCenterCropPad(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  Compose c(n);
  Value y = n.input(0);
  std::optional<SmallVector<int64_t>> shape = n.knownInts(1, "shape");
  if (!shape)
    return failure();
  int64_t rank = c.rank(y);
  SmallVector<int64_t> axes = n.intsAttr("axes").value_or(SmallVector<int64_t>());
  if (axes.empty())
    for (int64_t i = 0; i < rank; ++i)
      axes.push_back(i);
  if (axes.size() != shape->size())
    return n.invalid("has " + Twine(axes.size()) + " axes and " + Twine(shape->size()) + " sizes");
  for (auto [axis, wanted] : llvm::zip_equal(axes, *shape)) {
    std::optional<int64_t> normal = normaliseAxis(axis, rank);
    int64_t size = normal ? c.dim(y, *normal) : -1;
    if (!normal || wanted < 0)
      return n.invalid("cuts axis " + Twine(axis) + " to the size " + Twine(wanted));
    if (ShapedType::isDynamic(size))
      return n.unsupported("needs known sizes: give the input's shape");
    if (wanted < size)
      y = c.slice(y, *normal, (size - wanted) / 2, (size - wanted) / 2 + wanted);
    if (wanted > size)
      y = c.pad(y, *normal, (wanted - size) / 2, wanted - size - (wanted - size) / 2, c.number(0, y));
  }
  return n.finish(y);
}

void registerMovementImporters(ImporterTable &table) {
  table.add("Transpose", importTranspose, {1, anyType});
  table.add("Concat", importConcat, {1, anyType});
  table.add("Split", importSplit, {1, anyType});
  table.add("Slice", importSlice, {1, anyType});
  table.add("Pad", importPad, {1, anyType});
  table.add("Expand", importExpand, {8, anyType});
  table.add("Tile", importTile, {1, anyType});
  table.add("DepthToSpace", importDepthToSpace, {1, anyType});
  table.add("SpaceToDepth", importSpaceToDepth, {1, anyType});
  table.add("Trilu", importTrilu, {14, anyType});
  table.add("CenterCropPad", importCenterCropPad, {18, "f32", "needs known sizes: give the input's shape"});
}

} // namespace sinter::nn
