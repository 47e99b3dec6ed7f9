// Views of ONNX: Reshape, Flatten, Squeeze, Unsqueeze, Identity, and Dropout, which is one at inference.
#include "ir/ops/View.h"
#include "ir/onnx/NodeImporter.h"
#include "ir/ops/Constant.h"

using namespace mlir;

namespace sinter::nn {

static LogicalResult importIdentity(NodeImporter &n) {
  if (failed(n.expectAnyInputs(1, 1)))
    return failure();
  if (n.anyInput(0).kind != Imported::Tensor)
    return n.finishAny(n.anyInput(0));
  return n.finish({n.create<IdentityOp>(n.input(0))});
}

static LogicalResult importReshape(NodeImporter &n) {
  if (n.opset < 5) {
    std::optional<Dims> shape = n.intsAttr("shape");
    if (failed(n.expectInputs(1, 1)) || !shape)
      return n.invalid("has no shape");
    return n.finish({n.create<ReshapeOp>(n.input(0), n.ints(*shape), n.builder.getBoolAttr(false))});
  }
  if (failed(n.expectInputs(2, 2)))
    return failure();
  bool allowzero = n.opset >= 14 && n.intAttr("allowzero", 0) != 0;
  return n.finish({n.create<ReshapeOp>(n.input(0), n.input(1), allowzero)});
}

static LogicalResult importFlatten(NodeImporter &n) {
  if (failed(n.expectInputs(1, 1)))
    return failure();
  return n.finish({n.create<FlattenOp>(n.input(0), n.intAttr("axis", 1))});
}

/// Axes are an attribute before opset 13, an input since.
static FailureOr<Value> axesOf(NodeImporter &n, bool required) {
  bool isInput = n.opset >= 13;
  if (failed(n.expectInputs(isInput && required ? 2 : 1, isInput ? 2 : 1)))
    return failure();
  if (isInput)
    return n.input(1);
  std::optional<Dims> axes = n.intsAttr("axes");
  if (required && !axes)
    return n.invalid("has no axes");
  return axes ? n.ints(*axes) : Value();
}

static LogicalResult importSqueeze(NodeImporter &n) {
  FailureOr<Value> axes = axesOf(n, false);
  if (failed(axes))
    return failure();
  return n.finish({n.create<SqueezeOp>(n.input(0), *axes)});
}

static LogicalResult importUnsqueeze(NodeImporter &n) {
  FailureOr<Value> axes = axesOf(n, true);
  if (failed(axes))
    return failure();
  return n.finish({n.create<UnsqueezeOp>(n.input(0), *axes)});
}

static std::optional<double> knownScalar(NodeImporter &n, int input) {
  std::optional<Tensor> tensor = n.input(input) ? n.known(n.input(input)) : std::nullopt;
  return tensor && tensor->size() == 1 ? std::optional(toDoubles(*tensor)[0]) : std::nullopt;
}

/// Inference keeps every element: y = x, mask = true. Until opset 6 is_test asked for that; ratio 0 amounts
/// to it.
static LogicalResult importDropout(NodeImporter &n) {
  if (failed(n.expectInputs(1, n.opset >= 12 ? 3 : 1)))
    return failure();
  bool trains = n.opset < 7 && n.intAttr("is_test", 0) == 0;
  float ratio = n.opset < 12 ? n.floatAttr("ratio", 0.5f) : knownScalar(n, 1).value_or(0.5);
  n.ignoreAttr("seed");
  if (n.input(2)) {
    std::optional<double> mode = knownScalar(n, 2);
    if (!mode)
      return n.unsupported("training_mode is computed; only a constant can be decided");
    trains = *mode != 0;
  }
  if (trains && ratio != 0)
    return n.unsupported("Dropout in training mode is random; export the model for inference");
  SmallVector<Value> results = {n.create<IdentityOp>(n.input(0))};
  if (n.hasOutput(1)) {
    // Before opset 10 the mask has the type of x.
    DType type = n.opset < 10 ? toDType(elementTypeOf(n.input(0))).value_or(DType::Bool) : DType::Bool;
    Tensor one(type, {1});
    storeInts(one, std::array<int64_t, 1>{1});
    results.push_back(n.create<ConstantOfShapeOp>(n.create<ShapeOp>(n.input(0), 0, IntegerAttr()),
                                                  makeElements(one, n.builder.getContext())));
  }
  return n.finish(results);
}

void registerViewImporters(ImporterTable &table) {
  table.add("Identity", importIdentity, {1, anyType});
  table.add("Reshape", importReshape, {1, anyType});
  table.add("Flatten", importFlatten, {1, anyType});
  table.add("Squeeze", importSqueeze, {1, anyType});
  table.add("Unsqueeze", importUnsqueeze, {1, anyType});
  table.add("Dropout", importDropout, {1, "f32", "training mode: export the model for inference"});
}

} // namespace sinter::nn
