// The parts of a model that can be changed, subgraphs included.
#pragma once

#include <onnx/onnx_pb.h>
#include <string>
#include <vector>

namespace sinter::fuzz {

struct Parts {
  std::vector<onnx::GraphProto *> graphs;
  std::vector<onnx::NodeProto *> nodes;
  std::vector<onnx::AttributeProto *> attributes;
  std::vector<onnx::TensorProto *> tensors;
  std::vector<onnx::TypeProto *> types;
  std::vector<std::string *> names; ///< of values, where they are made and where they are read

  explicit Parts(onnx::ModelProto &model) {
    visit(*model.mutable_graph());
    for (onnx::FunctionProto &function : *model.mutable_functions())
      for (onnx::NodeProto &node : *function.mutable_node())
        visit(node);
  }

private:
  void visit(onnx::ValueInfoProto &value) {
    names.push_back(value.mutable_name());
    types.push_back(value.mutable_type());
  }
  void visit(onnx::GraphProto &graph) {
    graphs.push_back(&graph);
    for (auto *values : {graph.mutable_input(), graph.mutable_output(), graph.mutable_value_info()})
      for (onnx::ValueInfoProto &value : *values)
        visit(value);
    for (onnx::TensorProto &tensor : *graph.mutable_initializer()) {
      names.push_back(tensor.mutable_name());
      tensors.push_back(&tensor);
    }
    for (onnx::NodeProto &node : *graph.mutable_node())
      visit(node);
  }
  void visit(onnx::NodeProto &node) {
    nodes.push_back(&node);
    for (auto *values : {node.mutable_input(), node.mutable_output()})
      for (std::string &name : *values)
        names.push_back(&name);
    for (onnx::AttributeProto &attribute : *node.mutable_attribute()) {
      attributes.push_back(&attribute);
      if (attribute.has_t())
        tensors.push_back(attribute.mutable_t());
      if (attribute.has_g())
        visit(*attribute.mutable_g());
    }
  }
};

/// Gives an attribute any number as its type. One that no type has is kept as a file's reader keeps it: among the
/// fields that are not known.
inline void setType(onnx::AttributeProto &attribute, int type) {
  attribute.clear_type();
  const auto *field = onnx::AttributeProto::descriptor()->FindFieldByNumber(onnx::AttributeProto::kTypeFieldNumber);
  onnx::AttributeProto::GetReflection()->SetEnumValue(&attribute, field, type);
}

} // namespace sinter::fuzz
