// See the header.
#include "ir/onnx/NodeImporter.h"
#include "ir/Evaluation.h"
#include "ir/ops/Constant.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "runtime/TensorProto.h"

using namespace mlir;
using onnx::AttributeProto;

namespace sinter::nn {

LogicalResult NodeImporter::expectInputs(int least, int most) {
  if (inputCount() < least || inputCount() > most)
    return invalid("has " + Twine(inputCount()) + " inputs, expected " + Twine(least) +
                   (least == most ? Twine("") : " to " + Twine(most)));
  for (int i = 0; i < least; ++i)
    if (!inputs[i])
      return invalid("leaves out input " + Twine(i) + ", which is required");
  return success();
}

const AttributeProto *NodeImporter::find(StringRef name, int type, StringRef typeName) {
  asked.insert(name);
  for (const AttributeProto &attribute : node.attribute()) {
    if (attribute.name() != name)
      continue;
    // Very old files leave the type out; then the field that is set counts.
    if (attribute.type() == type || attribute.type() == AttributeProto::UNDEFINED)
      return &attribute;
    (void)invalid("attribute '" + name + "' should be of type " + typeName);
    return nullptr;
  }
  return nullptr;
}

bool NodeImporter::hasAttr(StringRef name) {
  asked.insert(name);
  return llvm::any_of(node.attribute(), [&](const AttributeProto &a) { return a.name() == name; });
}

int64_t NodeImporter::intAttr(StringRef name, int64_t fallback) {
  const AttributeProto *found = find(name, AttributeProto::INT, "int");
  return found ? found->i() : fallback;
}

float NodeImporter::floatAttr(StringRef name, float fallback) {
  const AttributeProto *found = find(name, AttributeProto::FLOAT, "float");
  return found ? found->f() : fallback;
}

std::string NodeImporter::stringAttr(StringRef name, StringRef fallback) {
  const AttributeProto *found = find(name, AttributeProto::STRING, "string");
  return found ? found->s() : fallback.str();
}

std::optional<SmallVector<int64_t>> NodeImporter::intsAttr(StringRef name) {
  const AttributeProto *found = find(name, AttributeProto::INTS, "ints");
  return found ? std::optional(SmallVector<int64_t>(found->ints().begin(), found->ints().end()))
               : std::nullopt;
}

std::optional<SmallVector<float>> NodeImporter::floatsAttr(StringRef name) {
  const AttributeProto *found = find(name, AttributeProto::FLOATS, "floats");
  return found ? std::optional(SmallVector<float>(found->floats().begin(), found->floats().end()))
               : std::nullopt;
}

std::optional<Tensor> NodeImporter::tensorAttr(StringRef name) {
  const AttributeProto *found = find(name, AttributeProto::TENSOR, "tensor");
  if (!found)
    return std::nullopt;
  Expected<Tensor> tensor = tensorFromProto(found->t(), folder);
  if (tensor)
    return *tensor;
  if (!error)
    error = tensor.failure();
  return std::nullopt;
}

/// ODS's own wording for an operand or result outside its type constraint.
static bool isTypeConstraint(StringRef message) {
  return message.contains("must be") && message.contains("but got");
}

void NodeImporter::inferTypes(Operation *op) {
  std::string message;
  ScopedDiagnosticHandler handler(builder.getContext(), [&](Diagnostic &diagnostic) {
    if (message.empty())
      message = diagnostic.str();
    return success();
  });
  SmallVector<Type> types;
  bool inferred = succeeded(cast<ShapeInferenceOpInterface>(op).inferShapes(types));
  if (inferred) {
    assert(types.size() == op->getNumResults() && "inferShapes answers for every result");
    for (auto [result, type] : llvm::zip_equal(op->getResults(), types))
      result.setType(type);
  }
  if (inferred && succeeded(verify(op, /*verifyRecursively=*/false)))
    return;
  (void)(isTypeConstraint(message) ? unsupported(message) : invalid(message));
}

/// Shape arithmetic is small and shallow.
static constexpr int64_t mostKnownElements = 4096;
static constexpr int deepestKnown = 64;

std::optional<Tensor> NodeImporter::known(Value value, int depth) {
  RankedTensorType type = rankedType(value);
  if (!type || depth > deepestKnown)
    return std::nullopt;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
    unsigned index = argument.getArgNumber();
    auto elements = function.getArgAttrOfType<ElementsAttr>(index, valueAttr);
    if (!elements)
      elements = function.getArgAttrOfType<ElementsAttr>(index, "nn.default");
    std::optional<Tensor> tensor = elements ? readElements(elements) : std::nullopt;
    if (tensor)
      function.setArgAttr(index, frozenAttr, builder.getUnitAttr());
    return tensor;
  }
  if (std::optional<Tensor> tensor = constantTensor(value))
    return tensor;
  Operation *op = value.getDefiningOp();
  if (!type.hasStaticShape() || !elementCount(type.getShape()) || type.getNumElements() > mostKnownElements ||
      op->getNumResults() != 1 || !isa<ReferenceOpInterface>(op))
    return std::nullopt;
  SmallVector<Tensor> operands;
  for (Value operand : op->getOperands()) {
    RankedTensorType operandType = rankedType(operand);
    std::optional<DType> dtype = operandType ? toDType(operandType.getElementType()) : std::nullopt;
    if (!dtype || !operandType.hasStaticShape() || !elementCount(operandType.getShape()))
      return std::nullopt;
    std::optional<Tensor> tensor;
    if (isa<ShapeOp, SizeOp>(op)) // ask for no data
      tensor = Tensor::view(*dtype, Shape(operandType.getShape()), nullptr);
    else if (operandType.getNumElements() <= mostKnownElements)
      tensor = known(operand, depth + 1);
    if (!tensor)
      return std::nullopt;
    operands.push_back(*tensor);
  }
  ScopedDiagnosticHandler silent(builder.getContext(), [](Diagnostic &) { return success(); });
  FailureOr<SmallVector<Tensor>> results = evaluateOp(op, operands);
  return succeeded(results) ? std::optional(results->front()) : std::nullopt;
}

std::optional<SmallVector<int64_t>> NodeImporter::knownInts(int index, StringRef name) {
  std::optional<Tensor> tensor = input(index) ? known(input(index)) : std::nullopt;
  if (!tensor || isFloat(tensor->type())) {
    (void)unsupported("needs a constant " + name + ": make it an initializer");
    return std::nullopt;
  }
  std::vector<int64_t> values = toInts(*tensor);
  return SmallVector<int64_t>(values.begin(), values.end());
}

std::optional<std::vector<double>> NodeImporter::knownDoubles(int index, StringRef name) {
  std::optional<Tensor> tensor = input(index) ? known(input(index)) : std::nullopt;
  if (!tensor) {
    (void)unsupported("needs a constant " + name + ": make it an initializer");
    return std::nullopt;
  }
  return toDoubles(*tensor);
}

Value NodeImporter::constant(const Tensor &tensor) {
  return ConstantOp::create(builder, loc, tensor,
                            node.output_size() ? StringRef(node.output(0)) : "constant");
}

Value NodeImporter::ints(ArrayRef<int64_t> values) { return ConstantOp::ints(builder, loc, values); }

Value NodeImporter::scalar(double value, DType type) {
  Tensor tensor(type, {});
  storeDoubles(tensor, std::array{value});
  return constant(tensor);
}

LogicalResult NodeImporter::finish(ValueRange values) {
  if (error)
    return failure();
  for (unsigned i = values.size(); i < static_cast<unsigned>(node.output_size()); ++i)
    if (hasOutput(i))
      return unsupported("output " + Twine(i) + " ('" + node.output(i) + "') is not implemented");
  results.assign(values.begin(), values.end());
  return checkAttributes();
}

LogicalResult NodeImporter::unsupported(const Twine &reason) {
  if (!error)
    error = Failure{ErrorCode::Unsupported, reason.str()};
  return failure();
}

LogicalResult NodeImporter::invalid(const Twine &reason) {
  if (!error)
    error = Failure{ErrorCode::InvalidFile, reason.str()};
  return failure();
}

LogicalResult NodeImporter::checkAttributes() {
  for (const AttributeProto &attribute : node.attribute())
    if (!asked.contains(attribute.name()))
      return unsupported("attribute '" + attribute.name() + "' is not known for this operator at opset " +
                         Twine(opset));
  return error ? failure() : success();
}

} // namespace sinter::nn
