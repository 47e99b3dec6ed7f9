// Models that tests build node by node.
#pragma once

#include "tests/cli/Bounded.h"
#include "tests/cli/Cli.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sinter::cli {

/// A model of opset 21 that is written node by node.
class Model {
public:
  Model() {
    proto.set_ir_version(10);
    proto.add_opset_import()->set_version(21);
    graph()->set_name("g");
  }
  onnx::GraphProto *graph() { return proto.mutable_graph(); }

  void input(const std::string &name, const Shape &shape, int type = onnx::TensorProto::FLOAT) {
    declare(graph()->add_input(), name, shape, type);
  }
  static void declare(onnx::ValueInfoProto *info, const std::string &name, const Shape &shape, int type) {
    info->set_name(name);
    auto *tensor = info->mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    for (int64_t dim : shape)
      tensor->mutable_shape()->add_dim()->set_dim_value(dim);
  }
  /// An output of unknown shape.
  void output(const std::string &name, int type = onnx::TensorProto::FLOAT) {
    auto *info = graph()->add_output();
    info->set_name(name);
    info->mutable_type()->mutable_tensor_type()->set_elem_type(type);
  }
  onnx::NodeProto *node(const std::string &op, const std::vector<std::string> &inputs,
                        const std::vector<std::string> &outputs) {
    return add(graph(), op, inputs, outputs);
  }
  static onnx::NodeProto *add(onnx::GraphProto *graph, const std::string &op, const std::vector<std::string> &inputs,
                              const std::vector<std::string> &outputs) {
    onnx::NodeProto *node = graph->add_node();
    node->set_op_type(op);
    for (const std::string &input : inputs)
      node->add_input(input);
    for (const std::string &output : outputs)
      node->add_output(output);
    return node;
  }
  void ints(const std::string &name, const std::vector<int64_t> &values, bool isScalar = false) {
    onnx::TensorProto *tensor = graph()->add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(onnx::TensorProto::INT64);
    if (!isScalar)
      tensor->add_dims(static_cast<int64_t>(values.size()));
    for (int64_t value : values)
      tensor->add_int64_data(value);
  }
  /// A constant [n, n] that is no splat.
  void square(const std::string &name, int64_t n) {
    ints(name + "0", {0}, true), ints(name + "1", {1}, true), ints(name + "n", {n * n}, true), ints(name + "s", {n, n});
    node("Range", {name + "0", name + "n", name + "1"}, {name + "r"});
    setInt(node("Cast", {name + "r"}, {name + "f"}), "to", onnx::TensorProto::FLOAT);
    node("Reshape", {name + "f", name + "s"}, {name});
  }
  /// y = x + the sum of `value`, which is constant.
  void addSum(const std::string &value) {
    input("x", {1});
    setInt(node("ReduceSum", {value}, {"sum"}), "keepdims", 0);
    node("Add", {"x", "sum"}, {"y"});
    output("y");
  }
  static void setInt(onnx::NodeProto *node, const std::string &name, int64_t value) {
    onnx::AttributeProto *attribute = node->add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::INT);
    attribute->set_i(value);
  }
  static void setInts(onnx::NodeProto *node, const std::string &name, const std::vector<int64_t> &values) {
    onnx::AttributeProto *attribute = node->add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::INTS);
    for (int64_t value : values)
      attribute->add_ints(value);
  }
  std::string saved(const std::string &name = "hostile.onnx") {
    save(proto, name);
    return pathOf(name);
  }

  onnx::ModelProto proto;
};

inline std::string v(int64_t i) { return "v" + std::to_string(i); }

} // namespace sinter::cli
