// Every read marks its attribute as taken; finish() infers types and reports attributes that nobody read.
#include "ir/onnx/NodeImporter.h"
#include "ir/Diagnostics.h"
#include "ir/Evaluation.h"
#include "ir/ops/Constant.h"
#include "ir/ops/Indexing.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "runtime/OptionMark.h"
#include "runtime/TensorProto.h"

using namespace mlir;
using onnx::AttributeProto;

namespace sinter::nn {

LogicalResult NodeImporter::expectAnyInputs(int least, int most) {
  if (inputCount() < least || inputCount() > most)
    return invalid("has " + Twine(inputCount()) + " inputs, expected " + Twine(least) +
                   (least == most ? Twine("") : " to " + Twine(most)));
  for (int i = 0; i < least; ++i)
    if (given[i].kind == Imported::Missing)
      return invalid("leaves out input " + Twine(i) + ", which is required");
  return success();
}

LogicalResult NodeImporter::expectInputs(int least, int most) {
  if (failed(expectAnyInputs(least, most)))
    return failure();
  for (auto [i, value] : llvm::enumerate(given))
    if (value.kind == Imported::Sequence || value.kind == Imported::Empty)
      return invalid("reads " + Twine(value.describe()) + " as input " + Twine(i) + ", which is to be a tensor");
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

void NodeImporter::rejectWord(StringRef name, StringRef word, StringRef words) {
  (void)(hasAttr(name) ? invalid("attribute '" + name + "' is '" + word + "', expected one of " + words)
                       : invalid("has no attribute '" + name + "', which is one of " + words));
  stop();
}

std::optional<SmallVector<int64_t>> NodeImporter::intsAttr(StringRef name) {
  const AttributeProto *found = find(name, AttributeProto::INTS, "ints");
  return found ? std::optional(SmallVector<int64_t>(found->ints().begin(), found->ints().end())) : std::nullopt;
}

std::optional<SmallVector<float>> NodeImporter::floatsAttr(StringRef name) {
  const AttributeProto *found = find(name, AttributeProto::FLOATS, "floats");
  return found ? std::optional(SmallVector<float>(found->floats().begin(), found->floats().end())) : std::nullopt;
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

std::optional<SmallVector<std::string>> NodeImporter::stringsAttr(StringRef name) {
  const AttributeProto *found = find(name, AttributeProto::STRINGS, "strings");
  return found ? std::optional(SmallVector<std::string>(found->strings().begin(), found->strings().end()))
               : std::nullopt;
}

const onnx::GraphProto *NodeImporter::graphAttr(StringRef name) {
  const AttributeProto *found = find(name, AttributeProto::GRAPH, "graph");
  if (!found || !found->has_g())
    (void)invalid("has no " + name);
  return found && found->has_g() ? &found->g() : nullptr;
}

/// ODS's own wording for an operand or result outside its type constraint.
static bool isTypeConstraint(StringRef message) { return message.contains("must be") && message.contains("but got"); }

/// ODS's wording for operands of different element types, and what to say instead.
static bool speaksOfMixedTypes(StringRef message) {
  return message.starts_with("failed to verify that all of") || message.starts_with("requires the same element type");
}
static std::string describeMixed(Operation *op) {
  std::string text = "needs inputs of one element type, and has ";
  for (auto [i, type] : llvm::enumerate(op->getOperandTypes()))
    text += (i ? ", " : "") + typeText(type);
  return text;
}

/// Operands that say which shape the result has. The first is data, but of those that make tensors of numbers.
static bool saysShape(Operation *op, unsigned operand) { return operand > 0 || isa<RangeOp, ConstantOfShapeOp>(op); }

/// Where a result's shape follows from values that are known, they become constants: what comes next can rely on the
/// shape. Success if one did.
static LogicalResult settleShape(NodeImporter &n, Operation *op, ArrayRef<Type> types) {
  auto isStatic = [](Type type) {
    auto ranked = dyn_cast<RankedTensorType>(type);
    return ranked && ranked.hasStaticShape();
  };
  if (llvm::all_of(types, isStatic) || !llvm::all_of(op->getOperandTypes(), isStatic))
    return failure();
  for (bool freezes : {false, true}) {
    bool settled = false;
    for (OpOperand &operand : op->getOpOperands()) {
      if (!saysShape(op, operand.getOperandNumber()) || constantTensor(operand.get()))
        continue;
      std::optional<Tensor> tensor = n.known(operand.get(), freezes);
      if (!tensor)
        continue;
      OpBuilder::InsertionGuard guard(n.builder);
      n.builder.setInsertionPoint(op);
      operand.set(n.constant(*tensor));
      settled = true;
    }
    if (settled)
      return success();
  }
  return failure();
}

void NodeImporter::markSpeculative(Operation *op) {
  if (readsIndices(op))
    op->setAttr(speculativeAttr, builder.getUnitAttr());
}

void NodeImporter::inferTypes(Operation *op) {
  std::string message;
  ScopedDiagnosticHandler handler(builder.getContext(), [&](Diagnostic &diagnostic) {
    if (message.empty())
      message = messageOf(diagnostic);
    return success();
  });
  SmallVector<Type> types;
  auto inference = cast<ShapeInferenceOpInterface>(op);
  bool inferred = succeeded(inference.inferShapes(types));
  if (inferred && succeeded(settleShape(*this, op, types))) {
    types.clear();
    inferred = succeeded(inference.inferShapes(types));
  }
  if (inferred) {
    assert(types.size() == op->getNumResults() && "inferShapes answers for every result");
    for (auto [result, type] : llvm::zip_equal(op->getResults(), types))
      result.setType(type);
  }
  if (inferred && succeeded(verify(op, /*verifyRecursively=*/false))) {
    for (Type type : types)
      if (std::string reason = checkType(type, limits()); !reason.empty()) {
        (void)unsupported(reason);
        stop();
      }
    return;
  }
  if (speaksOfMixedTypes(message))
    message = describeMixed(op);
  (void)(isTypeConstraint(message) ? unsupported(message) : invalid(message));
  stop();
}

void NodeImporter::stop() {
  assert(error && "an import stops for a reason");
  throw ImportStopped();
}

void NodeImporter::checkLimits(unsigned results, unsigned operands) {
  // What could not be made before is null, and would be an operand now.
  if (problem() || failed(expectPieces(std::max(results, operands), 0)))
    stop();
  // Each part of a long list is code of its own, and a convolution's constants are packed and kept for it.
  constexpr unsigned fewParts = 64;
  constexpr int64_t opsPerPart = 12, opsPerConvolution = 4;
  const unsigned parts = std::max(results, operands);
  const bool isConvolution = StringRef(node.op_type()).contains("Conv");
  if (std::optional<Failure> failure = model.spendOps(parts > fewParts ? opsPerPart * parts
                                                      : isConvolution  ? opsPerConvolution
                                                                       : 1)) {
    (void)fail(*failure);
    stop();
  }
}

LogicalResult NodeImporter::expectPieces(int64_t count, int64_t opsEach) {
  if (count > limits().parts)
    return unsupported("has " + Twine(count) + " parts, more than the " + Twine(limits().parts) +
                       " that are allowed: use fewer, or raise the limit (" +
                       optionMark("limit", "parts=" + std::to_string(count)) + ")");
  if (std::optional<int64_t> ops = product(std::max<int64_t>(count, 0), opsEach); ops && *ops <= limits().ops)
    return success();
  return unsupported("becomes more than the " + Twine(limits().ops) +
                     " ops that a model may have: use fewer parts, or raise the limit (" +
                     optionMark("limit", "ops=N") + ")");
}

/// Shape arithmetic is small, and no deeper than this.
static constexpr int64_t maxKnownElements = 4096;
static constexpr int deepestKnown = 512;

std::optional<Tensor> NodeImporter::evaluate(Value value, bool freezes, int depth, Found &found,
                                             SmallVectorImpl<BlockArgument> &read) {
  RankedTensorType type = rankedType(value);
  if (!type || depth > deepestKnown)
    return std::nullopt;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
    unsigned index = argument.getArgNumber();
    auto elements = function.getArgAttrOfType<ElementsAttr>(index, valueAttr);
    if (!elements)
      elements = function.getArgAttrOfType<ElementsAttr>(index, "nn.default");
    if (!elements || (!freezes && !function.getArgAttr(index, frozenAttr)))
      return std::nullopt;
    read.push_back(argument);
    return readElements(elements);
  }
  if (std::optional<Tensor> tensor = constantTensor(value))
    return tensor;
  if (auto known = found.find(value); known != found.end())
    return known->second;
  found[value] = std::nullopt;
  Operation *op = value.getDefiningOp();
  if (!type.hasStaticShape() || !elementCount(type.getShape()) || type.getNumElements() > maxKnownElements ||
      !isa<ReferenceOpInterface>(op))
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
    else if (operandType.getNumElements() <= maxKnownElements)
      tensor = evaluate(operand, freezes, depth + 1, found, read);
    if (!tensor)
      return std::nullopt;
    operands.push_back(*tensor);
  }
  ScopedDiagnosticHandler silent(builder.getContext(), [](Diagnostic &) { return success(); });
  FailureOr<SmallVector<Tensor>> results = evaluateOp(op, operands);
  if (succeeded(results))
    found[value] = (*results)[cast<OpResult>(value).getResultNumber()];
  return found[value];
}

std::optional<Tensor> NodeImporter::known(Value value, bool freezes) {
  Found found;
  SmallVector<BlockArgument> read;
  std::optional<Tensor> tensor = evaluate(value, freezes, 0, found, read);
  if (tensor)
    for (BlockArgument argument : read)
      cast<func::FuncOp>(argument.getOwner()->getParentOp())
          .setArgAttr(argument.getArgNumber(), frozenAttr, builder.getUnitAttr());
  return tensor;
}

std::optional<bool> NodeImporter::knownBool(Value value, bool freezes) {
  std::optional<Tensor> tensor = value ? known(value, freezes) : std::nullopt;
  if (!tensor || tensor->size() != 1)
    return std::nullopt;
  return toInts(*tensor)[0] != 0;
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
  return ConstantOp::create(builder, loc, tensor, node.output_size() ? StringRef(node.output(0)) : "constant");
}

Value NodeImporter::scalar(double value, DType type) {
  Tensor tensor(type, {});
  storeDoubles(tensor, std::array{value});
  return constant(tensor);
}

LogicalResult NodeImporter::finish(ValueRange values) {
  return finishAny(SmallVector<Imported>(values.begin(), values.end()));
}

LogicalResult NodeImporter::finishAny(ArrayRef<Imported> values) {
  if (error)
    return failure();
  for (unsigned i = values.size(); i < static_cast<unsigned>(node.output_size()); ++i)
    if (hasOutput(i))
      return unsupported("output " + Twine(i) + " ('" + node.output(i) + "') is not implemented");
  results.assign(values.begin(), values.end());
  return checkAttributes();
}

Expected<std::vector<Imported>> NodeImporter::importBody(const onnx::GraphProto &body, ArrayRef<Imported> bodyInputs,
                                                         bool mayNotRun) {
  Block *block = builder.getInsertionBlock();
  if (block->empty())
    (void)ints({}); // a place to come back to
  Operation *before = &block->back();
  Expected<std::vector<Imported>> outputs = model.importBody(body, bodyInputs, mayNotRun);
  // Constants at the start of the block stay: other nodes may use them.
  if (!outputs)
    while (&block->back() != before)
      block->back().erase();
  return outputs;
}

LogicalResult NodeImporter::fail(Failure failure) {
  if (!error)
    error = std::move(failure);
  return mlir::failure();
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
    // Up to opset 5 consumed_inputs says which memory may be written over.
    if (!asked.contains(attribute.name()) && !(opset < 6 && attribute.name() == "consumed_inputs"))
      return unsupported("attribute '" + attribute.name() + "' is not known for this operator at opset " +
                         Twine(opset));
  return error ? failure() : success();
}

} // namespace sinter::nn
