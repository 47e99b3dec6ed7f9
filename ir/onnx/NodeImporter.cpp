// See the header.
#include "ir/onnx/NodeImporter.h"
#include "ir/ops/Constant.h"
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
