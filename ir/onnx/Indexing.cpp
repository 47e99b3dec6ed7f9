// Gathers, scatters, and the ops along an axis of ONNX.
#include "ir/ops/Indexing.h"
#include "ir/onnx/NodeImporter.h"

using namespace mlir;

namespace sinter::nn {

template <typename Op> static LogicalResult importGather(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  return n.finish({n.create<Op>(n.input(0), n.input(1), n.intAttr("axis", 0))});
}

static LogicalResult importGatherND(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  return n.finish(
      {n.create<GatherNDOp>(n.input(0), n.input(1), n.opset >= 12 ? n.intAttr("batch_dims", 0) : 0)});
}

/// add and mul came with opset 16, min and max with 18.
static std::string reductionOf(NodeImporter &n) {
  return n.opset >= 16 ? n.stringAttr("reduction", "none") : "none";
}

static LogicalResult importScatterElements(NodeImporter &n) {
  if (failed(n.expectInputs(3, 3)))
    return failure();
  return n.finish({n.create<ScatterElementsOp>(n.input(0), n.input(1), n.input(2), n.intAttr("axis", 0),
                                               reductionOf(n))});
}

static LogicalResult importScatterND(NodeImporter &n) {
  if (failed(n.expectInputs(3, 3)))
    return failure();
  return n.finish({n.create<ScatterNDOp>(n.input(0), n.input(1), n.input(2), reductionOf(n))});
}

static LogicalResult importOneHot(NodeImporter &n) {
  if (failed(n.expectInputs(3, 3)))
    return failure();
  return n.finish({n.create<OneHotOp>(n.input(0), n.input(1), n.input(2), n.intAttr("axis", -1))});
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
  return n.finish(
      {n.create<MaxUnpoolOp>(n.input(0), n.input(1), n.input(2), kernel, array("strides"), array("pads"))});
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

void registerIndexingImporters(ImporterTable &table) {
  table.add("Gather", importGather<GatherOp>);
  table.add("GatherElements", importGather<GatherElementsOp>);
  table.add("GatherND", importGatherND);
  table.add("Scatter", importScatterElements);
  table.add("ScatterElements", importScatterElements);
  table.add("ScatterND", importScatterND);
  table.add("OneHot", importOneHot);
  table.add("MaxUnpool", importMaxUnpool);
  table.add("TopK", importTopK);
  table.add("CumSum", importCumSum);
}

} // namespace sinter::nn
