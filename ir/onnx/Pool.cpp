// Pools of ONNX.
#include "ir/ops/Pool.h"
#include "ir/onnx/Window.h"

using namespace mlir;

namespace sinter::nn {

namespace {
/// The attributes that every pool has, in the order of its op.
struct PoolAttributes {
  explicit PoolAttributes(NodeImporter &n)
      : kernel(arrayAttr(n, "kernel_shape")), strides(arrayAttr(n, "strides")), dilations(arrayAttr(n, "dilations")),
        pads(arrayAttr(n, "pads")), autoPad(autoPadAttr(n)), ceilMode(flag(n, "ceil_mode")) {}

  static UnitAttr flag(NodeImporter &n, StringRef name) {
    return n.intAttr(name, 0) ? n.builder.getUnitAttr() : UnitAttr();
  }

  DenseI64ArrayAttr kernel, strides, dilations, pads;
  StringAttr autoPad;
  UnitAttr ceilMode;
};
} // namespace

/// Creates a pool with `results` results and the attributes in `extra` after those common to all pools.
template <typename Op, typename... Extra>
static LogicalResult importPool(NodeImporter &n, unsigned results, Extra... extra) {
  PoolAttributes a(n);
  if (!a.kernel)
    return n.invalid("has no kernel_shape");
  Op op = n.createN<Op>(results, n.input(0), a.kernel, a.strides, a.dilations, a.pads, a.autoPad, a.ceilMode, extra...);
  return n.finish(op->getResults());
}

static LogicalResult importMaxPool(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  UnitAttr columnMajor = PoolAttributes::flag(n, "storage_order");
  if (n.hasOutput(1))
    return importPool<MaxPoolIndicesOp>(n, 2, columnMajor);
  return importPool<MaxPoolOp>(n, 1);
}

static LogicalResult importAveragePool(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  return importPool<AveragePoolOp>(n, 1, PoolAttributes::flag(n, "count_include_pad"));
}

/// Opset 1 gives it as a float; what is no number of an int64 is 0, which the op refuses.
static IntegerAttr power(NodeImporter &n) {
  if (n.opset >= 2)
    return n.builder.getI64IntegerAttr(n.intAttr("p", 2));
  double p = n.floatAttr("p", 2);
  return n.builder.getI64IntegerAttr(p >= 1 && p < 0x1p62 ? static_cast<int64_t>(p) : 0);
}

static LogicalResult importLpPool(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  return importPool<LpPoolOp>(n, 1, power(n));
}

template <typename Op> static LogicalResult importGlobalPool(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  return n.finish({n.create<Op>(n.input(0))});
}

static LogicalResult importGlobalLpPool(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  return n.finish({n.create<GlobalLpPoolOp>(n.input(0), power(n))});
}

void registerPoolImporters(ImporterTable &table) {
  table.add("MaxPool", importMaxPool, {1, numbers});
  table.add("AveragePool", importAveragePool, {1, numbers});
  table.add("LpPool", importLpPool, {1, numbers});
  table.add("GlobalAveragePool", importGlobalPool<GlobalAveragePoolOp>, {1, floats});
  table.add("GlobalMaxPool", importGlobalPool<GlobalMaxPoolOp>, {1, floats});
  table.add("GlobalLpPool", importGlobalLpPool, {1, floats});
}

} // namespace sinter::nn
