// Nodes in evaluation order; subgraphs and the model's own functions where nodes call them. Inputs and outputs are in
// GraphInterface.cpp.
#include "ir/onnx/GraphImporter.h"
#include "ir/Bounds.h"
#include "ir/Diagnostics.h"
#include "ir/onnx/Bounded.h"
#include "ir/onnx/GraphCheck.h"
#include "ir/onnx/NewerFields.h"
#include "ir/ops/Constant.h"
#include "ir/ops/View.h"
#include "runtime/OptionMark.h"
#include "runtime/TensorProto.h"
#include <numeric>

using namespace mlir;

namespace sinter::nn {

/// By which nodes call a function.
template <typename Proto> static std::string functionKey(const Proto &proto, const std::string &name) {
  return proto.domain() + ":" + name + ":" + overloadOf(proto);
}

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
                                             "out: make it smaller, or raise the limit (" +
                                             optionMark("limit", "ops=N") + ")"};
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
