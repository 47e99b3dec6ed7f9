// Matrix products of ONNX.
#include "ir/ops/Matrix.h"
#include "ir/onnx/NodeImporter.h"

using namespace mlir;

namespace sinter::nn {

static LogicalResult importGemm(NodeImporter &n) {
  if (failed(n.expectInputs(n.opset < 11 ? 3 : 2, 3)))
    return failure();
  // Before opset 7 broadcasting C had to be asked for; it works by the same rule.
  if (n.opset < 7)
    n.ignoreAttr("broadcast");
  Builder &b = n.builder;
  auto flag = [&](StringRef name) { return n.intAttr(name, 0) ? b.getUnitAttr() : UnitAttr(); };
  return n.finish(
      {n.create<GemmOp>(n.input(0), n.input(1), n.input(2), b.getF32FloatAttr(n.floatAttr("alpha", 1)),
                        b.getF32FloatAttr(n.floatAttr("beta", 1)), flag("transA"), flag("transB"))});
}

static LogicalResult importMatMul(NodeImporter &n) {
  if (failed(n.expectInputs(2, 2)))
    return failure();
  return n.finish({n.create<MatmulOp>(n.input(0), n.input(1))});
}

void registerMatrixImporters(ImporterTable &table) {
  table.add("Gemm", importGemm);
  table.add("MatMul", importMatMul);
}

} // namespace sinter::nn
