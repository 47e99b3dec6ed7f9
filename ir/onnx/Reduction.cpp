// Reductions of ONNX.
#include "ir/ops/Reduction.h"
#include "ir/onnx/NodeImporter.h"

using namespace mlir;

namespace sinter::nn {

/// Axes are an input since opset `axesInput`, an attribute before.
template <typename Op, int64_t axesInput> static LogicalResult importReduce(NodeImporter &n) {
  bool asInput = n.opset >= axesInput;
  if (failed(n.expectInputs(1, asInput ? 2 : 1)))
    return failure();
  Value axes = n.input(1);
  UnitAttr noop;
  if (asInput) {
    if (n.intAttr("noop_with_empty_axes", 0))
      noop = n.builder.getUnitAttr();
  } else if (auto values = n.intsAttr("axes")) {
    axes = n.ints(*values);
  }
  BoolAttr keepdims = n.builder.getBoolAttr(n.intAttr("keepdims", 1) != 0);
  return n.finish({n.create<Op>(n.input(0), axes, keepdims, noop)});
}

template <typename Op> static LogicalResult importArg(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  bool last = n.opset >= 12 && n.intAttr("select_last_index", 0);
  return n.finish({n.create<Op>(n.input(0), n.builder.getI64IntegerAttr(n.intAttr("axis", 0)),
                                n.builder.getBoolAttr(n.intAttr("keepdims", 1) != 0),
                                last ? n.builder.getUnitAttr() : UnitAttr())});
}

void registerReductionImporters(ImporterTable &table) {
  table.add("ReduceSum", importReduce<ReduceSumOp, 13>, {1, numbers});
  table.add("ReduceMean", importReduce<ReduceMeanOp, 18>, {1, numbers});
  table.add("ReduceMax", importReduce<ReduceMaxOp, 18>, {1, anyType});
  table.add("ReduceMin", importReduce<ReduceMinOp, 18>, {1, anyType});
  table.add("ReduceProd", importReduce<ReduceProdOp, 18>, {1, numbers});
  table.add("ReduceL1", importReduce<ReduceL1Op, 18>, {1, numbers});
  table.add("ReduceL2", importReduce<ReduceL2Op, 18>, {1, numbers});
  table.add("ReduceLogSum", importReduce<ReduceLogSumOp, 18>, {1, numbers});
  table.add("ReduceLogSumExp", importReduce<ReduceLogSumExpOp, 18>, {1, numbers});
  table.add("ReduceSumSquare", importReduce<ReduceSumSquareOp, 18>, {1, numbers});
  table.add("ArgMax", importArg<ArgMaxOp>, {1, numbers});
  table.add("ArgMin", importArg<ArgMinOp>, {1, numbers});
}

} // namespace sinter::nn
