// Constants of ONNX and the ops that read or make shapes.
#include "ir/ops/Constant.h"
#include "ir/onnx/NodeImporter.h"
#include "runtime/TensorProto.h"

using namespace mlir;

namespace sinter::nn {

static LogicalResult importConstant(NodeImporter &n) {
  if (failed(n.expectInputs(0, 0)))
    return failure();
  for (StringRef name : {"sparse_value", "value_string", "value_strings"})
    if (n.hasAttr(name))
      return n.unsupported("attribute '" + name + "' is not implemented; numbers and bools are");
  std::optional<Tensor> value = n.tensorAttr("value");
  if (!value && n.hasAttr("value_float")) {
    value = Tensor(DType::F32, {});
    value->as<float>()[0] = n.floatAttr("value_float", 0);
  } else if (!value && n.hasAttr("value_int")) {
    value = Tensor(DType::I64, {});
    value->as<int64_t>()[0] = n.intAttr("value_int", 0);
  } else if (std::optional<SmallVector<float>> floats = n.floatsAttr("value_floats"); !value && floats) {
    value = Tensor(DType::F32, {static_cast<int64_t>(floats->size())});
    llvm::copy(*floats, value->as<float>().begin());
  } else if (std::optional<Dims> ints = n.intsAttr("value_ints"); !value && ints) {
    value = Tensor(DType::I64, {static_cast<int64_t>(ints->size())});
    llvm::copy(*ints, value->as<int64_t>().begin());
  }
  if (!value)
    return n.invalid("has no value");
  return n.finish({n.constant(*value)});
}

static LogicalResult importShape(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  int64_t start = n.opset >= 15 ? n.intAttr("start", 0) : 0;
  IntegerAttr end;
  if (n.opset >= 15 && n.hasAttr("end"))
    end = n.builder.getI64IntegerAttr(n.intAttr("end", 0));
  return n.finish({n.create<ShapeOp>(n.input(0), start, end)});
}

static LogicalResult importSize(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  return n.finish({n.create<SizeOp>(n.input(0))});
}

static LogicalResult importConstantOfShape(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  Tensor value = n.tensorAttr("value").value_or(Tensor(DType::F32, {1}));
  return n.finish({n.create<ConstantOfShapeOp>(n.input(0), makeElements(value, n.builder.getContext()))});
}

static LogicalResult importRange(NodeImporter &n) {
  if (failed(n.expectInputs(3, 3)))
    return failure();
  return n.finish({n.create<RangeOp>(n.input(0), n.input(1), n.input(2))});
}

static LogicalResult importEyeLike(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  TypeAttr dtype;
  if (n.hasAttr("dtype")) {
    Expected<DType> type = typeFromOnnx(static_cast<int32_t>(n.intAttr("dtype", 0)));
    if (!type)
      return n.unsupported("attribute 'dtype': " + type.failure().message);
    dtype = TypeAttr::get(toMlir(*type, n.builder.getContext()));
  }
  return n.finish({n.create<EyeLikeOp>(n.input(0), dtype, n.intAttr("k", 0))});
}

void registerConstantImporters(ImporterTable &table) {
  table.add("Constant", importConstant, {1, noInput, "strings; sparse values"});
  table.add("Shape", importShape, {1, anyType});
  table.add("Size", importSize, {1, anyType});
  table.add("ConstantOfShape", importConstantOfShape, {9, "i32, i64"});
  table.add("Range", importRange, {11, numbers});
  table.add("EyeLike", importEyeLike, {9, anyType});
}

} // namespace sinter::nn
