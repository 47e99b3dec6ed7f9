// See the header.
#include "ir/onnx/InlineBranches.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace sinter::nn {

namespace {

/// More nesting, or more nodes in all, than any model has: hostile files end here.
constexpr int deepest = 32;
constexpr int mostNodes = 1 << 20;

/// The names of values that a subgraph defines, as they are called in the main graph.
using Renamed = llvm::StringMap<std::string>;

class Inliner {
public:
  explicit Inliner(onnx::GraphProto &graph) : graph(graph) {}
  Status run();

private:
  Status add(const onnx::NodeProto &node, const Renamed &names, int depth);
  Status addIf(const onnx::NodeProto &node, const Renamed &names, int depth);
  Expected<std::vector<std::string>> addBranch(const onnx::NodeProto &node, const char *which,
                                               const Renamed &names, int depth);
  std::string freshName(const std::string &name);
  std::string renamed(const std::string &name, const Renamed &names) const {
    auto found = names.find(name);
    return found == names.end() ? name : found->second;
  }

  onnx::GraphProto &graph;
  llvm::StringSet<> taken;
};

Failure invalid(const onnx::NodeProto &node, const std::string &what) {
  std::string name = node.name().empty() && node.output_size() ? "If:" + node.output(0) : node.name();
  return {ErrorCode::InvalidFile, "node '" + name + "' (If) " + what};
}

std::string Inliner::freshName(const std::string &name) {
  std::string fresh = name;
  for (int i = 2; !taken.insert(fresh).second; ++i)
    fresh = name + "#" + std::to_string(i);
  return fresh;
}

Status Inliner::run() {
  bool hasIf = false;
  for (const onnx::NodeProto &node : graph.node())
    hasIf |= node.op_type() == "If";
  if (!hasIf)
    return {};
  for (const auto &input : graph.input())
    taken.insert(input.name());
  for (const auto &initializer : graph.initializer())
    taken.insert(initializer.name());
  for (const onnx::NodeProto &node : graph.node())
    for (const std::string &output : node.output())
      taken.insert(output);
  google::protobuf::RepeatedPtrField<onnx::NodeProto> nodes;
  nodes.Swap(graph.mutable_node());
  for (const onnx::NodeProto &node : nodes)
    if (Status status = add(node, {}, 0); !status.ok())
      return status;
  return {};
}

/// A copy of the node in the main graph, under the names that values have there.
Status Inliner::add(const onnx::NodeProto &node, const Renamed &names, int depth) {
  if (node.op_type() == "If" && (node.domain().empty() || node.domain() == "ai.onnx"))
    return addIf(node, names, depth);
  if (graph.node_size() >= mostNodes)
    return {ErrorCode::Unsupported,
            "the model has more than " + std::to_string(mostNodes) + " nodes in its branches"};
  onnx::NodeProto *copy = graph.add_node();
  *copy = node;
  for (std::string &input : *copy->mutable_input())
    input = renamed(input, names);
  for (std::string &output : *copy->mutable_output())
    output = renamed(output, names);
  return {};
}

Status Inliner::addIf(const onnx::NodeProto &node, const Renamed &names, int depth) {
  if (depth == deepest)
    return {ErrorCode::Unsupported,
            invalid(node, "is nested deeper than " + std::to_string(deepest) + " times").message};
  if (node.input_size() != 1 || node.input(0).empty())
    return invalid(node, "needs one input, its condition");
  Expected<std::vector<std::string>> yes = addBranch(node, "then_branch", names, depth);
  if (!yes)
    return yes.failure();
  Expected<std::vector<std::string>> no = addBranch(node, "else_branch", names, depth);
  if (!no)
    return no.failure();
  auto outputs = static_cast<size_t>(node.output_size());
  if (yes->size() != outputs || no->size() != outputs)
    return invalid(node, "has " + std::to_string(outputs) + " outputs, its branches " +
                             std::to_string(yes->size()) + " and " + std::to_string(no->size()));
  for (size_t i = 0; i < outputs; ++i) {
    onnx::NodeProto *select = graph.add_node();
    select->set_op_type("If");
    select->set_name(node.name());
    select->add_input(renamed(node.input(0), names));
    select->add_input((*yes)[i]);
    select->add_input((*no)[i]);
    select->add_output(renamed(node.output(static_cast<int>(i)), names));
  }
  return {};
}

/// Adds the nodes of one branch; returns what its outputs are called.
Expected<std::vector<std::string>> Inliner::addBranch(const onnx::NodeProto &node, const char *which,
                                                      const Renamed &outer, int depth) {
  const onnx::GraphProto *branch = nullptr;
  for (const onnx::AttributeProto &attribute : node.attribute())
    if (attribute.name() == which && attribute.has_g())
      branch = &attribute.g();
  if (!branch)
    return invalid(node, "has no " + std::string(which));
  if (branch->input_size() || branch->sparse_initializer_size())
    return invalid(node, "has a " + std::string(which) + " with inputs or sparse initializers of its own");
  Renamed names = outer;
  for (const onnx::TensorProto &initializer : branch->initializer()) {
    onnx::TensorProto *copy = graph.add_initializer();
    *copy = initializer;
    copy->set_name(names[initializer.name()] = freshName(initializer.name()));
  }
  for (const onnx::NodeProto &inner : branch->node())
    for (const std::string &output : inner.output())
      if (!output.empty())
        names[output] = freshName(output);
  for (const onnx::NodeProto &inner : branch->node())
    if (Status status = add(inner, names, depth + 1); !status.ok())
      return status.failure();
  std::vector<std::string> outputs;
  for (const onnx::ValueInfoProto &output : branch->output())
    outputs.push_back(renamed(output.name(), names));
  return outputs;
}

} // namespace

Status inlineBranches(onnx::GraphProto &graph) { return Inliner(graph).run(); }

} // namespace sinter::nn
