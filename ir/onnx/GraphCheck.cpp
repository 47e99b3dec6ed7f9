// Kahn's algorithm gives the order of nodes and finds cycles; a heap keeps the file's order where it is one.
#include "ir/onnx/GraphCheck.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"
#include <map>
#include <queue>

namespace sinter::nn {

std::string operatorOf(const onnx::NodeProto &node) {
  bool isStandard = node.domain().empty() || node.domain() == "ai.onnx";
  return isStandard ? node.op_type() : node.domain() + "." + node.op_type();
}

std::vector<std::string> nodeNames(const onnx::GraphProto &graph, llvm::StringMap<int> &seen) {
  std::vector<std::string> names;
  for (const onnx::NodeProto &node : graph.node()) {
    std::string name = node.name();
    if (name.empty())
      name = node.op_type() + ":" + (node.output_size() ? node.output(0) : "");
    std::string unique = name;
    for (int &count = seen[name]; count > 0 && seen.contains(unique);)
      unique = name + "#" + std::to_string(++count);
    seen[unique] = 1;
    names.push_back(unique);
  }
  return names;
}

/// Adds the names that a graph reads and does not define.
static void addFreeNames(const onnx::GraphProto &graph, llvm::StringSet<> &free) {
  llvm::StringSet<> inside;
  for (const auto &input : graph.input())
    inside.insert(input.name());
  for (const auto &initializer : graph.initializer())
    inside.insert(initializer.name());
  for (const onnx::NodeProto &node : graph.node())
    for (const std::string &output : node.output())
      inside.insert(output);
  llvm::StringSet<> read;
  for (const onnx::NodeProto &node : graph.node()) {
    for (const std::string &input : node.input())
      read.insert(input);
    for (const onnx::AttributeProto &attribute : node.attribute())
      if (attribute.has_g())
        addFreeNames(attribute.g(), read);
  }
  for (const auto &output : graph.output())
    read.insert(output.name());
  for (llvm::StringRef name : read.keys())
    if (!name.empty() && !inside.contains(name))
      free.insert(name);
}

Expected<std::vector<int>> evaluationOrder(const onnx::GraphProto &graph, const std::vector<std::string> &names,
                                           llvm::function_ref<bool(const std::string &)> isOuter) {
  constexpr int outside = -1;
  llvm::StringMap<int> producer;
  for (const auto &input : graph.input())
    if (!producer.try_emplace(input.name(), outside).second)
      return Failure{ErrorCode::InvalidFile, "two graph inputs are named '" + input.name() + "'"};
  llvm::StringSet<> initializers;
  for (const auto &initializer : graph.initializer()) {
    if (!initializers.insert(initializer.name()).second)
      return Failure{ErrorCode::InvalidFile, "two initializers are named '" + initializer.name() + "'"};
    producer.try_emplace(initializer.name(), outside);
  }
  for (int i = 0; i < graph.node_size(); ++i)
    for (const std::string &output : graph.node(i).output())
      if (!output.empty() && !producer.try_emplace(output, i).second)
        return Failure{ErrorCode::InvalidFile, "node '" + names[i] + "' (" + graph.node(i).op_type() + ") writes '" +
                                                   output + "', which something else already defines"};

  std::vector<int> waiting(names.size(), 0);
  std::vector<std::vector<int>> readers(names.size());
  for (int i = 0; i < graph.node_size(); ++i) {
    llvm::StringSet<> inSubgraphs;
    for (const onnx::AttributeProto &attribute : graph.node(i).attribute())
      if (attribute.has_g())
        addFreeNames(attribute.g(), inSubgraphs);
    for (llvm::StringRef name : inSubgraphs.keys())
      if (auto found = producer.find(name); found != producer.end() && found->second != outside) {
        readers[found->second].push_back(i);
        ++waiting[i];
      }
    for (const std::string &input : graph.node(i).input()) {
      if (input.empty())
        continue;
      auto found = producer.find(input);
      if (found == producer.end() && isOuter(input))
        continue;
      if (found == producer.end())
        return Failure{ErrorCode::InvalidFile,
                       "node '" + names[i] + "' (" + graph.node(i).op_type() + ") reads '" + input +
                           "', which is no graph input, initializer or output of a node: export the model again"};
      if (found->second != outside) {
        readers[found->second].push_back(i);
        ++waiting[i];
      }
    }
  }

  // The smallest ready index first: a sorted model keeps its order.
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (int i = 0; i < graph.node_size(); ++i)
    if (!waiting[i])
      ready.push(i);
  std::vector<int> order;
  while (!ready.empty()) {
    int i = ready.top();
    ready.pop();
    order.push_back(i);
    for (int reader : readers[i])
      if (--waiting[reader] == 0)
        ready.push(reader);
  }
  if (order.size() == names.size())
    return order;
  std::string message = "the graph has a cycle through";
  int listed = 0;
  for (int i = 0; i < graph.node_size() && listed < 5; ++i)
    if (waiting[i] > 0)
      message += (listed++ ? ", '" : " '") + names[i] + "' (" + graph.node(i).op_type() + ")";
  return Failure{ErrorCode::InvalidFile, message + ": an ONNX graph must be acyclic, export the model again"};
}

Status checkOperators(const onnx::GraphProto &graph, const std::vector<std::string> &names,
                      llvm::function_ref<bool(const onnx::NodeProto &)> isKnown) {
  std::map<std::string, std::vector<int>> missing;
  for (int i = 0; i < graph.node_size(); ++i)
    if (!isKnown(graph.node(i)))
      missing[operatorOf(graph.node(i))].push_back(i);
  if (missing.empty())
    return {};
  constexpr size_t maxNamed = 5;
  std::string message;
  llvm::raw_string_ostream out(message);
  out << "the model needs " << missing.size() << (missing.size() == 1 ? " operator" : " operators")
      << " that Sinter does not support:";
  size_t named = 0;
  for (const auto &[op, nodes] : missing) {
    if (named == maxNamed)
      break;
    out << (named++ > 0 ? ", " : " ") << op << " (" << nodes.size() << (nodes.size() == 1 ? " node: '" : " nodes: '")
        << names[nodes[0]] << "'";
    for (size_t k = 1; k < nodes.size() && k < 3; ++k)
      out << ", '" << names[nodes[k]] << "'";
    out << (nodes.size() > 3 ? ", ...)" : ")");
  }
  if (missing.size() > named)
    out << " and " << missing.size() - named << " more (`sinter inspect` lists them)";
  out << "; docs/operators.md lists the supported ones";
  return {ErrorCode::Unsupported, message};
}

} // namespace sinter::nn
