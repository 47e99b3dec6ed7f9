// Inputs and initialisers, nodes in evaluation order, outputs; subgraphs and the model's own functions where nodes call
// them.
#include "ir/onnx/GraphImporter.h"
#include "ir/Bounds.h"
#include "ir/Diagnostics.h"
#include "ir/onnx/Bounded.h"
#include "ir/onnx/GraphCheck.h"
#include "ir/onnx/NewerFields.h"
#include "ir/ops/Constant.h"
#include "ir/ops/View.h"
#include "runtime/TensorProto.h"
#include <numeric>

using namespace mlir;

namespace sinter::nn {

/// By which nodes call a function.
template <typename Proto> static std::string functionKey(const Proto &proto, const std::string &name) {
  return proto.domain() + ":" + name + ":" + overloadOf(proto);
}

/// The opsets of the default domain whose operators the importers know.
static constexpr int64_t oldestOpset = 1, newestOpset = 27;

/// Larger inputs are data, from which no shape follows.
static constexpr int64_t maxShapeElements = 4096;

/// More nesting than any model has: hostile files end here.
static constexpr int deepestBody = 32;

GraphImporter::GraphImporter(const onnx::ModelProto &model, const ModelFolder &folder, MLIRContext &context,
                             const ImportOptions &options)
    : model(model), graph(model.graph()), folder(folder), options(options), builder(&context) {
  for (const onnx::FunctionProto &local : model.functions())
    functions.try_emplace(functionKey(local, local.name()), &local);
}

Expected<GraphImporter::Opsets>
GraphImporter::readOpsets(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto> &imports) {
  Opsets opsets;
  for (const auto &import : imports)
    opsets[import.domain() == "ai.onnx" ? "" : import.domain()] = import.version();
  if (opsets.empty())
    return Failure{ErrorCode::InvalidFile, "the model imports no opset: export it again"};
  auto standard = opsets.find("");
  if (standard != opsets.end() && (standard->second < oldestOpset || standard->second > newestOpset))
    return Failure{ErrorCode::Unsupported, "the model uses opset " + std::to_string(standard->second) +
                                               "; Sinter reads opsets " + std::to_string(oldestOpset) + " to " +
                                               std::to_string(newestOpset) +
                                               ": convert it with onnx.version_converter"};
  return opsets;
}

/// Whether a problem is one more of those that were asked for. The value `name` of the scope then is missing.
bool GraphImporter::goesOn(const Failure &failure, const std::string &name, const std::string &op, Scope *scope) {
  if (!options.report || depth > 0)
    return false;
  options.report->push_back({name, op, NodeReport::Refused, failure.message});
  if (scope)
    scope->failed.insert(name);
  return true;
}

//===- Names --------------------------------------------------------------===//

Value GraphImporter::ints(ArrayRef<int64_t> values, bool isScalar) {
  Value &constant = intConstants[{isScalar, values.vec()}];
  if (constant)
    return constant;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&function.getBody().front());
  Tensor tensor(DType::I64, isScalar ? Shape() : Shape{static_cast<int64_t>(values.size())});
  llvm::copy(values, tensor.as<int64_t>().begin());
  return constant = ConstantOp::create(builder, function.getLoc(), tensor);
}

Value GraphImporter::counting(int64_t size) {
  Value &constant = countings[size];
  if (constant)
    return constant;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&function.getBody().front());
  Tensor tensor(DType::I64, {size});
  std::iota(tensor.as<int64_t>().begin(), tensor.as<int64_t>().end(), 0);
  return constant = ConstantOp::create(builder, function.getLoc(), tensor);
}

Imported GraphImporter::lookUp(const std::string &name, Scope *scope) {
  for (; scope; scope = scope->outer) {
    if (auto initializer = scope->initializers.find(name); initializer != scope->initializers.end()) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(&function.getBody().front());
      scope->values[name] =
          Value(ConstantOp::create(builder, nameLoc(name), initializer->second.getType(), initializer->second));
      scope->initializers.erase(initializer);
    }
    if (auto found = scope->values.find(name); found != scope->values.end())
      return found->second;
  }
  return {};
}

bool GraphImporter::knows(const std::string &name, const Scope *scope) {
  for (; scope; scope = scope->outer)
    if (scope->values.contains(name) || scope->initializers.contains(name) || scope->failed.contains(name) ||
        scope->absent.contains(name))
      return true;
  return false;
}

bool GraphImporter::isAbsent(const std::string &name, const Scope *scope) {
  for (; scope && !scope->absent.contains(name); scope = scope->outer)
    if (scope->values.contains(name) || scope->initializers.contains(name) || scope->failed.contains(name))
      return false;
  return scope != nullptr;
}

//===- Inputs -------------------------------------------------------------===//

Status GraphImporter::addInitializers(const onnx::GraphProto &graph, Scope &scope) {
  if (graph.sparse_initializer_size())
    return {ErrorCode::Unsupported,
            "sparse initializer '" + graph.sparse_initializer(0).values().name() + "': store it densely"};
  for (const onnx::TensorProto &proto : graph.initializer()) {
    Expected<Tensor> tensor = tensorFromProto(proto, folder);
    if (!tensor && goesOn(tensor.failure(), proto.name(), "initializer", &scope))
      continue;
    if (!tensor)
      return tensor.failure();
    scope.initializers[proto.name()] = makeElements(*tensor, builder.getContext(), proto.name());
  }
  return {};
}

/// The declared type, with the shape and dimensions that the options give where they fit.
Expected<RankedTensorType> GraphImporter::declaredType(const std::string &name, const onnx::TypeProto &declared,
                                                       SmallVectorImpl<Attribute> &dimNames) {
  auto fail = [&](ErrorCode code, const std::string &what) {
    return Failure{code, "graph input '" + name + "' " + what};
  };
  if (!declared.has_tensor_type())
    return fail(ErrorCode::Unsupported,
                "is no tensor (maps, sparse tensors and sequences of sequences are not supported)");
  const auto &tensor = declared.tensor_type();
  Expected<DType> type = typeFromOnnx(tensor.elem_type());
  if (!type)
    return fail(type.failure().code,
                "has element type " + onnxTypeName(tensor.elem_type()) + ", which is not supported");
  auto shapeGiven = options.shapes.find(name);
  bool isGiven = shapeGiven != options.shapes.end();
  if (!tensor.has_shape() && !isGiven)
    return fail(ErrorCode::Unsupported, "has no shape, not even a rank: give it, --shape " + name + "=1x3x224x224");
  SmallVector<int64_t> shape;
  for (const auto &dim : tensor.shape().dim()) {
    bool fixed = dim.has_dim_value() && dim.dim_value() >= 0;
    auto size = options.dims.find(dim.dim_param());
    bool isNamed = !fixed && !dim.dim_param().empty() && size != options.dims.end();
    shape.push_back(fixed ? dim.dim_value() : isNamed ? size->second : ShapedType::kDynamic);
    dimNames.push_back(builder.getStringAttr(dim.dim_param()));
  }
  if (!tensor.has_shape())
    shape.assign(shapeGiven->second.begin(), shapeGiven->second.end());
  else if (isGiven && succeeded(verifyCompatibleShape(shape, shapeGiven->second)))
    shape.assign(shapeGiven->second.begin(), shapeGiven->second.end());
  if (llvm::any_of(shape, [](int64_t dim) { return dim < 0 && !ShapedType::isDynamic(dim); }))
    return fail(ErrorCode::InvalidArgument, "was given a negative dimension");
  if (static_cast<int64_t>(shape.size()) > maxRank)
    return fail(ErrorCode::Unsupported,
                "has rank " + std::to_string(shape.size()) + "; the limit is " + std::to_string(maxRank));
  auto result = RankedTensorType::get(shape, toMlir(*type, builder.getContext()));
  if (std::string reason = refuseType(result, options.limits); !reason.empty())
    return fail(ErrorCode::Unsupported, "cannot be: " + reason);
  return result;
}

Imported GraphImporter::addArgument(const std::string &name, Type type, NamedAttrList named) {
  Block &body = function.getBody().front();
  Value argument = body.addArgument(type, nameLoc(name));
  named.set("nn.name", builder.getStringAttr(name));
  if (auto value = options.values.find(name);
      value != options.values.end() && value->second.size() <= maxShapeElements &&
      succeeded(verifyCompatibleShape(typeOf(value->second, builder.getContext()), type)) &&
      toMlir(value->second.type(), builder.getContext()) == elementTypeOf(argument))
    named.set(valueAttr, makeElements(value->second, builder.getContext()));
  argumentAttributes.push_back(named.getDictionary(builder.getContext()));
  return argument;
}

Expected<Imported> GraphImporter::addInput(const onnx::ValueInfoProto &info, const onnx::TypeProto &type,
                                           Scope &scope) {
  const std::string &name = info.name();
  if (type.has_optional_type()) {
    if (options.empty.count(name))
      return Imported::empty();
    return addInput(info, type.optional_type().elem_type(), scope);
  }
  if (type.has_sequence_type()) {
    std::vector<Imported> elements;
    auto nameOf = [&](size_t i) { return name + "[" + std::to_string(i) + "]"; };
    while (options.shapes.count(nameOf(elements.size()))) {
      SmallVector<Attribute> dimNames;
      std::string element = nameOf(elements.size());
      Expected<RankedTensorType> elementType = declaredType(element, type.sequence_type().elem_type(), dimNames);
      if (!elementType)
        return elementType.failure();
      elements.push_back(addArgument(element, *elementType, {}));
    }
    if (elements.empty() && !options.empty.count(name))
      return Failure{ErrorCode::Unsupported, "graph input '" + name +
                                                 "' is a sequence: give the shape of each element, --shape '" +
                                                 nameOf(0) + "=2x3' and so on, or --empty '" + name + "'"};
    return Imported::sequence(std::move(elements));
  }
  auto initializer = scope.initializers.find(name);
  bool hasDefault = initializer != scope.initializers.end();
  SmallVector<Attribute> dimNames;
  Expected<RankedTensorType> declared = declaredType(name, type, dimNames);
  if (!declared && !hasDefault)
    return declared.failure();
  NamedAttrList named;
  Type argumentType = hasDefault ? initializer->second.getType() : Type(*declared);
  if (hasDefault) {
    named.set("nn.default", initializer->second);
    scope.initializers.erase(initializer);
  } else if (llvm::any_of(dimNames, [](Attribute dim) { return !cast<StringAttr>(dim).empty(); })) {
    named.set("nn.dims", builder.getArrayAttr(dimNames));
  }
  return addArgument(name, argumentType, named);
}

Status GraphImporter::addInputs(Scope &scope) {
  bool overridable = model.ir_version() >= 4 && !options.freezeInputs;
  for (const onnx::ValueInfoProto &info : graph.input()) {
    if (scope.initializers.contains(info.name()) && !overridable)
      continue;
    if (scope.values.contains(info.name()))
      return {ErrorCode::InvalidFile, "two graph inputs are named '" + info.name() + "'"};
    Expected<Imported> input = addInput(info, info.type(), scope);
    if (!input && goesOn(input.failure(), info.name(), "input", &scope))
      continue;
    if (!input)
      return input.failure();
    scope.values[info.name()] = *input;
  }
  Block &body = function.getBody().front();
  function.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), {}));
  function.setAllArgAttrs(argumentAttributes);
  return {};
}

//===- Nodes --------------------------------------------------------------===//

const onnx::FunctionProto *GraphImporter::functionOf(const onnx::NodeProto &node) const {
  return importers().find(operatorOf(node)) ? nullptr : functions.lookup(functionKey(node, node.op_type()));
}

bool GraphImporter::isKnown(const onnx::NodeProto &node) const {
  return importers().find(operatorOf(node)) || functionOf(node);
}

Status GraphImporter::addNode(const onnx::NodeProto &node, const std::string &name, Scope &scope) {
  SmallVector<Imported> inputs;
  for (const std::string &input : node.input()) {
    Imported value = input.empty() ? Imported() : lookUp(input, &scope);
    // It comes from a node that could not be imported, which is reported.
    if (!input.empty() && value.kind == Imported::Missing && !isAbsent(input, &scope)) {
      for (const std::string &output : node.output())
        scope.failed.insert(output);
      return {};
    }
    inputs.push_back(value);
  }
  std::string called = "node '" + name + "' (" + operatorOf(node) + "): ";
  std::string domain = node.domain() == "ai.onnx" ? "" : node.domain();
  auto opset = scope.opsets.find(domain);
  if (opset == scope.opsets.end() && domain.empty())
    return {ErrorCode::InvalidFile, called + "the model imports no opset of the default ONNX domain: export it again"};
  SmallVector<Imported> outputs;
  if (const onnx::FunctionProto *callee = functionOf(node)) {
    Expected<std::vector<Imported>> results = importFunction(*callee, node, inputs);
    if (!results)
      return {results.failure().code, called + results.failure().message};
    outputs.assign(results->begin(), results->end());
  } else {
    NodeImporter importer(*this, builder, nameLoc(name), node, opset == scope.opsets.end() ? 1 : opset->second, inputs,
                          folder);
    Scope *outer = std::exchange(current, &scope);
    LogicalResult imported = failure();
    try {
      imported = importers().find(operatorOf(node))(importer);
    } catch (const ImportStopped &) {
      // The importer has the error.
    }
    current = outer;
    for (const std::string &warning : importer.warnings())
      if (options.warn)
        options.warn(called + warning);
    if (failed(imported)) {
      Failure failure = importer.problem().value_or(Failure{ErrorCode::Internal, "import failed without a reason"});
      return {failure.code, called + failure.message};
    }
    outputs.assign(importer.outputs().begin(), importer.outputs().end());
    static const llvm::StringSet<> handsOn = {"If",
                                              "Loop",
                                              "Optional",
                                              "OptionalGetElement",
                                              "OptionalHasElement",
                                              "SequenceAt",
                                              "SequenceConstruct",
                                              "SequenceErase",
                                              "SequenceInsert",
                                              "SequenceLength",
                                              "SequenceMap"}; // whole tensors
    if (Status status = handsOn.contains(operatorOf(node)) ? Status() : passBounds(node, inputs, outputs); !status.ok())
      return {status.failure().code, called + status.failure().message};
  }
  for (auto [output, value] : llvm::zip(node.output(), outputs))
    if (!output.empty())
      scope.values[output] = value;
  return {};
}

std::optional<Failure> GraphImporter::spendOps(int64_t count) {
  spentOps += count;
  if (spentOps <= options.limits.ops)
    return std::nullopt;
  return Failure{ErrorCode::Unsupported, "the model becomes more than the " + std::to_string(options.limits.ops) +
                                             " ops that it may have, with its loops, branches and functions written "
                                             "out: make it smaller, or raise the limit (--limit ops=N)"};
}

Status GraphImporter::addNodes(const onnx::GraphProto &graph, Scope &scope) {
  // Before any of them is looked at. Constants are cheap.
  int64_t nodes =
      llvm::count_if(graph.node(), [](const onnx::NodeProto &node) { return node.op_type() != "Constant"; });
  if (nodes > options.limits.ops - std::min(spentOps, options.limits.ops))
    (void)spendOps(nodes);
  if (std::optional<Failure> failure = spendOps(0))
    return *failure;
  std::vector<std::string> names = nodeNames(graph, nodeNamesSeen);
  Expected<std::vector<int>> order =
      evaluationOrder(graph, names, [&](const std::string &name) { return knows(name, &scope); });
  if (!order)
    return order.failure();
  if (options.report && depth == 0) {
    addReported(graph, names, *order, scope);
    return {};
  }
  if (Status status = checkOperators(graph, names, [&](const onnx::NodeProto &node) { return isKnown(node); });
      !status.ok())
    return status;

  // Nodes that cannot be imported are collected; whatever reads their outputs is skipped.
  std::vector<std::string> problems;
  for (int i : *order) {
    Status status = addNode(graph.node(i), names[i], scope);
    if (!status.ok() && status.failure().code != ErrorCode::Unsupported)
      return status;
    if (!status.ok()) {
      problems.push_back(status.failure().message);
      for (const std::string &output : graph.node(i).output())
        scope.failed.insert(output);
    }
  }
  if (problems.empty())
    return {};
  if (problems.size() == 1)
    return {ErrorCode::Unsupported, problems[0] + (depth ? "" : " (not supported)")};
  constexpr size_t shown = 5;
  std::string message = "the model has " + std::to_string(problems.size()) + " nodes that Sinter does not support:";
  for (size_t i = 0; i < problems.size() && i < shown; ++i)
    message += (i ? "; " : " ") + problems[i];
  if (problems.size() > shown)
    message += "; and " + std::to_string(problems.size() - shown) + " more, which sinter inspect lists";
  return {ErrorCode::Unsupported, message};
}

/// Adds what nodes can be added, and tells of each.
void GraphImporter::addReported(const onnx::GraphProto &graph, const std::vector<std::string> &names,
                                const std::vector<int> &order, Scope &scope) {
  for (int i : order) {
    const onnx::NodeProto &node = graph.node(i);
    Status status = isKnown(node) ? addNode(node, names[i], scope)
                                  : Status(ErrorCode::Unsupported, "the operator is not supported");
    auto isMissing = [&](const std::string &output) { return scope.failed.contains(output); };
    bool isReached = llvm::none_of(node.output(), isMissing);
    const std::string message =
        status.ok() ? (isReached ? "" : "it reads what an unsupported node computes") : status.message();
    StringRef reason = message;
    reason.consume_front("node '" + names[i] + "' (" + operatorOf(node) + "): ");
    options.report->push_back({names[i], operatorOf(node),
                               !status.ok() ? NodeReport::Refused
                               : !isReached ? NodeReport::Unreached
                                            : NodeReport::Imported,
                               reason.str()});
    if (!status.ok())
      for (const std::string &output : node.output())
        scope.failed.insert(output);
  }
}

//===- Subgraphs and functions --------------------------------------------===//

Expected<std::vector<Imported>> GraphImporter::importIn(const onnx::GraphProto &body, ArrayRef<Imported> inputs,
                                                        Scope &scope) {
  if (depth == deepestBody)
    return Failure{ErrorCode::Unsupported,
                   "bodies nested deeper than " + std::to_string(deepestBody) + " times are not supported"};
  if (body.input_size() != static_cast<int>(inputs.size()))
    return Failure{ErrorCode::InvalidFile, "its body takes " + std::to_string(body.input_size()) + " inputs, not " +
                                               std::to_string(inputs.size())};
  // An empty body, repeated, counts too.
  if (std::optional<Failure> failure = spendOps(1))
    return *failure;
  ++depth;
  Status status = addInitializers(body, scope);
  for (auto [info, value] : llvm::zip_equal(body.input(), inputs))
    if (value.kind == Imported::Missing)
      scope.absent.insert(info.name());
    else
      scope.values[info.name()] = value;
  if (status.ok())
    status = addNodes(body, scope);
  --depth;
  if (!status.ok())
    return status.failure();
  std::vector<Imported> outputs;
  for (const onnx::ValueInfoProto &info : body.output()) {
    outputs.push_back(lookUp(info.name(), &scope));
    if (outputs.back().kind == Imported::Missing && knows(info.name(), &scope))
      return Failure{ErrorCode::Unsupported, "'" + info.name() + "', an output of its body, could not be imported"};
    if (outputs.back().kind == Imported::Missing && !info.name().empty())
      return Failure{ErrorCode::InvalidFile,
                     "'" + info.name() + "', an output of its body, is produced by no node: export the model again"};
  }
  return outputs;
}

Expected<std::vector<Imported>> GraphImporter::importBody(const onnx::GraphProto &body, ArrayRef<Imported> inputs,
                                                          bool mayNotRun) {
  Scope scope{current, current->opsets, {}, {}, {}, {}};
  speculations += mayNotRun;
  Expected<std::vector<Imported>> outputs = importIn(body, inputs, scope);
  speculations -= mayNotRun;
  return outputs;
}

/// Attributes of a function's nodes that name one of the function's attributes get the first of `given` of that name:
/// what the call says, else the default. Where there is neither, the node goes without.
static void bindAttributes(onnx::NodeProto &node, ArrayRef<onnx::AttributeProto> given) {
  google::protobuf::RepeatedPtrField<onnx::AttributeProto> attributes;
  attributes.Swap(node.mutable_attribute());
  for (onnx::AttributeProto &attribute : attributes) {
    if (attribute.has_g())
      for (onnx::NodeProto &inner : *attribute.mutable_g()->mutable_node())
        bindAttributes(inner, given);
    if (attribute.ref_attr_name().empty()) {
      *node.add_attribute() = attribute;
      continue;
    }
    const auto *found =
        llvm::find_if(given, [&](const auto &value) { return value.name() == attribute.ref_attr_name(); });
    if (found == given.end())
      continue;
    onnx::AttributeProto *bound = node.add_attribute();
    *bound = *found;
    bound->set_name(attribute.name());
  }
}

Expected<std::vector<Imported>> GraphImporter::importFunction(const onnx::FunctionProto &callee,
                                                              const onnx::NodeProto &call, ArrayRef<Imported> inputs) {
  Expected<Opsets> opsets = readOpsets(callee.opset_import());
  if (!opsets)
    return opsets.failure();
  onnx::GraphProto body;
  for (const std::string &input : callee.input())
    body.add_input()->set_name(input);
  for (const std::string &output : callee.output())
    body.add_output()->set_name(output);
  std::vector<onnx::AttributeProto> attributes(call.attribute().begin(), call.attribute().end());
  llvm::append_range(attributes, defaultsOf(callee));
  for (const onnx::NodeProto &node : callee.node())
    bindAttributes(*body.add_node() = node, attributes);
  SmallVector<Imported> bound(inputs);
  if (bound.size() > static_cast<size_t>(callee.input_size()))
    return Failure{ErrorCode::InvalidFile, "gives its function more inputs than it has"};
  bound.resize(callee.input_size());
  Scope scope{nullptr, *opsets, {}, {}, {}, {}};
  return importIn(body, bound, scope);
}

//===- Outputs ------------------------------------------------------------===//

/// What the file declares of an output and what its node computes are to be one type; a shape that differs is odd.
Status GraphImporter::checkDeclared(const onnx::ValueInfoProto &info, Value value) {
  if (!info.type().has_tensor_type() || info.type().tensor_type().elem_type() == onnx::TensorProto::UNDEFINED)
    return {};
  const auto &declared = info.type().tensor_type();
  RankedTensorType computed = rankedType(value);
  std::string which = "graph output '" + info.name() + "' is declared ", from = nameOf(value.getLoc());
  std::string maker = from == info.name() || from.empty() ? "" : " ('" + from + "')";
  Expected<DType> type = typeFromOnnx(declared.elem_type());
  if (!type || toMlir(*type, builder.getContext()) != elementTypeOf(value))
    return {ErrorCode::InvalidFile,
            which + (type ? std::string(sinter::nameOf(*type)) : onnxTypeName(declared.elem_type())) +
                ", and what computes it" + maker + " gives " + typeText(value.getType()) + ": export the model again"};
  if (!computed || !declared.has_shape() || !options.warn)
    return {};
  SmallVector<int64_t> shape;
  for (const auto &dim : declared.shape().dim())
    shape.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : ShapedType::kDynamic);
  if (failed(verifyCompatibleShape(shape, computed.getShape())))
    options.warn(which + typeText(RankedTensorType::get(shape, elementTypeOf(value))) + ", and what computes it" +
                 maker + " gives " + typeText(computed) + ", which it will be");
  return {};
}

Status GraphImporter::addOutputs(Scope &scope) {
  SmallVector<std::pair<std::string, Imported>> named;
  auto add = [&](const std::string &name, const Imported &value) { named.push_back({name, value}); };
  for (const onnx::ValueInfoProto &info : graph.output()) {
    Imported value = lookUp(info.name(), &scope);
    switch (value.kind) {
    case Imported::Missing:
      if (options.report)
        break;
      return {ErrorCode::InvalidFile,
              "graph output '" + info.name() + "' is produced by no node: export the model again"};
    case Imported::Tensor:
      if (Status status = checkDeclared(info, value.tensor);
          !status.ok() && !goesOn(status.failure(), info.name(), "output"))
        return status;
      add(info.name(), value);
      break;
    case Imported::Empty:
      break;
    case Imported::Sequence:
      for (auto [i, element] : llvm::enumerate(*value.elements)) {
        if (element.kind != Imported::Tensor && options.report)
          continue;
        if (element.kind != Imported::Tensor)
          return {ErrorCode::Unsupported, "graph output '" + info.name() + "' is a sequence of sequences"};
        if (element.isBounded()) {
          add(info.name() + "[" + std::to_string(i) + "]", element);
          continue;
        }
        add(info.name() + "[" + std::to_string(i) + "]",
            Value(IdentityOp::create(builder, nameLoc(info.name()), element.tensor.getType(), element.tensor)));
      }
      break;
    }
  }
  if (graph.output_size() == 0)
    return {ErrorCode::InvalidFile, "the graph has no outputs: there is nothing to compute"};
  // Sizes that a run says come first.
  SmallVector<Value> results;
  SmallVector<DictionaryAttr> attributes;
  for (const auto &[name, value] : named)
    if (value.isBounded() && !llvm::is_contained(results, value.count)) {
      results.push_back(value.count);
      attributes.push_back(
          builder.getDictionaryAttr({builder.getNamedAttr("nn.name", builder.getStringAttr(name + " (size)")),
                                     builder.getNamedAttr(countAttr, builder.getUnitAttr())}));
    }
  for (const auto &[name, value] : named) {
    NamedAttrList attribute;
    attribute.set("nn.name", builder.getStringAttr(name));
    if (value.isBounded())
      attribute.set(boundAttr,
                    builder.getDenseI64ArrayAttr({value.axis, llvm::find(results, value.count) - results.begin()}));
    attributes.push_back(attribute.getDictionary(builder.getContext()));
  }
  for (const auto &[name, value] : named)
    results.push_back(value.tensor);
  func::ReturnOp::create(builder, function.getLoc(), results);
  Block &body = function.getBody().front();
  function.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), ValueRange(results).getTypes()));
  function.setAllResultAttrs(attributes);
  return {};
}

/// What importers read becomes a constant.
void GraphImporter::freezeInputs() {
  Block &body = function.getBody().front();
  llvm::BitVector frozen(body.getNumArguments());
  builder.setInsertionPointToStart(&body);
  for (BlockArgument argument : body.getArguments()) {
    unsigned index = argument.getArgNumber();
    if (!function.getArgAttr(index, frozenAttr))
      continue;
    auto elements = function.getArgAttrOfType<ElementsAttr>(index, valueAttr);
    if (!elements)
      elements = function.getArgAttrOfType<ElementsAttr>(index, "nn.default");
    argument.replaceAllUsesWith(ConstantOp::create(builder, argument.getLoc(), elements.getType(), elements));
    frozen.set(index);
  }
  LogicalResult erased = function.eraseArguments(frozen);
  (void)erased;
  assert(succeeded(erased) && "arguments without uses can be erased");
}

Expected<OwningOpRef<ModuleOp>> GraphImporter::run() {
  Expected<Opsets> opsets = readOpsets(model.opset_import());
  if (!opsets && goesOn(opsets.failure(), "", "opset"))
    opsets = Opsets{{"", newestOpset}};
  if (!opsets)
    return opsets.failure();
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  builder.setInsertionPointToEnd(module->getBody());
  function = func::FuncOp::create(builder, nameLoc(graph.name()), "main", builder.getFunctionType({}, {}));
  if (!graph.name().empty())
    (*module)->setAttr("nn.graph", builder.getStringAttr(graph.name()));
  builder.setInsertionPointToEnd(function.addEntryBlock());
  Scope scope{nullptr, *opsets, {}, {}, {}, {}};
  if (Status status = addInitializers(graph, scope); !status.ok())
    return status.failure();
  if (Status status = addInputs(scope); !status.ok())
    return status.failure();
  if (Status status = addNodes(graph, scope); !status.ok())
    return status.failure();
  if (Status status = addOutputs(scope); !status.ok())
    return status.failure();
  freezeInputs();
  return module;
}

} // namespace sinter::nn
