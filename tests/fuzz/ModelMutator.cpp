// Walks the protobuf message, picks places by chance, and changes one by its kind: lists, numbers, names, types.
#include "tests/fuzz/ModelMutator.h"
#include "tests/fuzz/ModelParts.h"
#include "tests/fuzz/OpEdits.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <onnx/onnx_pb.h>
#include <set>

using namespace onnx;

namespace sinter::fuzz {

namespace {

/// Removes, repeats or exchanges elements of a repeated field.
template <typename List> void rearrange(List &list, Choices &choices) {
  if (list.empty())
    return;
  int at = static_cast<int>(choices.below(static_cast<size_t>(list.size()))),
      other = static_cast<int>(choices.below(static_cast<size_t>(list.size())));
  switch (choices.below(3)) {
  case 0:
    list.DeleteSubrange(at, 1);
    break;
  case 1: {
    auto copy = list.Get(at);
    *list.Add() = copy;
    break;
  }
  default:
    list.SwapElements(at, other);
  }
}

/// Removes, adds, exchanges or sets numbers of a list; sets them most often.
template <typename List, typename Make> void changeNumbers(List &list, Choices &choices, const Make &make) {
  using Value = std::remove_cvref_t<decltype(list.Get(0))>;
  int size = list.size(), at = static_cast<int>(choices.below(static_cast<size_t>(std::max(size, 1))));
  switch (size == 0 ? 1 : choices.below(5)) {
  case 0:
    list.Truncate(size - 1);
    break;
  case 1:
    list.Add(static_cast<Value>(make()));
    break;
  case 2:
    list.SwapElements(at, size - 1);
    break;
  default:
    list.Set(at, static_cast<Value>(make()));
  }
}

void setExternal(TensorProto &tensor, Choices &choices) {
  static const char *const locations[] = {
      "/etc/passwd", "../../etc/passwd", "..",       ".", "", "weights.bin", "no/such/file",
      "/dev/zero",   "/proc/self/mem",   "a/../../b"};
  static const char *const numbers[] = {
      "0", "1", "-1",  "4096", "18446744073709551615", "9223372036854775807", "99999999999999999999999",
      "x", "",  "0x10"};
  tensor.set_data_location(TensorProto::EXTERNAL);
  if (choices.oneIn(2))
    tensor.clear_raw_data();
  auto add = [&](const char *key, const char *value) {
    if (choices.oneIn(6))
      return;
    auto *entry = tensor.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  };
  add("location", choices.of(locations));
  add("offset", choices.of(numbers));
  add("length", choices.of(numbers));
}

void changeData(TensorProto &tensor, Choices &choices) {
  auto integer = [&] { return choices.integer(); };
  // Values of moderate size, or none: overflow on the way depends on the order of sums, which is each backend's own.
  static constexpr double notFinite[] = {std::numeric_limits<double>::infinity(),
                                         -std::numeric_limits<double>::infinity(),
                                         std::numeric_limits<double>::quiet_NaN()};
  auto real = [&] { return choices.oneIn(4) ? choices.of(notFinite) : choices.within(-4, 4); };
  if (tensor.int64_data_size() > 0)
    return changeNumbers(*tensor.mutable_int64_data(), choices, integer);
  if (tensor.int32_data_size() > 0)
    return changeNumbers(*tensor.mutable_int32_data(), choices, integer);
  if (tensor.float_data_size() > 0)
    return changeNumbers(*tensor.mutable_float_data(), choices, real);
  std::string &raw = *tensor.mutable_raw_data();
  size_t width = tensor.data_type() == TensorProto::INT64 ? 8 : 4, elements = raw.size() / width;
  if (elements == 0 || choices.oneIn(4))
    return mutateBytes(raw, choices);
  int64_t value = choices.integer();
  float single = static_cast<float>(real());
  const void *bytes = tensor.data_type() == TensorProto::FLOAT ? static_cast<const void *>(&single) : &value;
  std::memcpy(raw.data() + choices.below(elements) * width, bytes, width);
}

void changeTensor(TensorProto &tensor, Choices &choices) {
  switch (choices.below(6)) {
  case 0:
    return tensor.set_data_type(static_cast<int32_t>(choices.below(26)));
  case 1:
    return changeNumbers(*tensor.mutable_dims(), choices, [&] { return choices.integer(); });
  case 2:
    return setExternal(tensor, choices);
  default:
    return changeData(tensor, choices);
  }
}

void changeAttribute(AttributeProto &attribute, Choices &choices) {
  static const char *const words[] = {
      "",          "x",       "SAME_UPPER", "SAME_LOWER", "VALID",         "NOTSET", "linear", "cubic",   "nearest",
      "constant",  "reflect", "edge",       "wrap",       "add",           "mul",    "sum",    "mean",    "none",
      "ij,jk->ik", "...,->",  "forward",    "reverse",    "bidirectional", "DCR",    "CRD",    "\xff\xfe"};
  static const char *const names[] = {"axis",         "axes",      "perm",     "pads",      "strides",   "dilations",
                                      "kernel_shape", "group",     "epsilon",  "to",        "mode",      "auto_pad",
                                      "output_shape", "ceil_mode", "keepdims", "blocksize", "direction", "hidden_size",
                                      "equation",     "body",      "nonsense"};
  switch (choices.below(8)) {
  case 0:
    return setType(attribute, static_cast<int>(choices.below(15)));
  case 1:
    return attribute.set_name(choices.of(names));
  default:
    break;
  }
  switch (attribute.type()) {
  case AttributeProto::INT:
    return attribute.set_i(choices.integer());
  case AttributeProto::FLOAT:
    return attribute.set_f(choices.real());
  case AttributeProto::STRING:
    return attribute.set_s(choices.of(words));
  case AttributeProto::INTS:
    return changeNumbers(*attribute.mutable_ints(), choices, [&] { return choices.integer(); });
  case AttributeProto::FLOATS:
    return changeNumbers(*attribute.mutable_floats(), choices, [&] { return choices.real(); });
  case AttributeProto::STRINGS:
    return attribute.strings_size() > 0 && choices.oneIn(2) ? attribute.set_strings(0, choices.of(words))
                                                            : rearrange(*attribute.mutable_strings(), choices);
  default:
    return;
  }
}

void changeType(TypeProto &type, Choices &choices) {
  if (choices.oneIn(20))
    return type.clear_value();
  TypeProto::Tensor &tensor = type.has_sequence_type() && choices.oneIn(2)
                                  ? *type.mutable_sequence_type()->mutable_elem_type()->mutable_tensor_type()
                                  : *type.mutable_tensor_type();
  auto &dims = *tensor.mutable_shape()->mutable_dim();
  switch (choices.below(6)) {
  case 0:
    return tensor.set_elem_type(static_cast<int32_t>(choices.below(26)));
  case 1:
    return choices.oneIn(4) ? tensor.clear_shape() : rearrange(dims, choices);
  case 2:
    return dims.Add()->set_dim_value(choices.integer());
  default:
    if (dims.empty())
      return;
    TensorShapeProto::Dimension &dim = *dims.Mutable(static_cast<int>(choices.below(static_cast<size_t>(dims.size()))));
    return choices.oneIn(4) ? dim.set_dim_param(choices.oneIn(2) ? "n" : "") : dim.set_dim_value(choices.integer());
  }
}

void changeNode(NodeProto &node, Choices &choices, const std::vector<std::string> &opTypes) {
  switch (choices.below(6)) {
  case 0:
    return node.set_op_type(choices.of(opTypes));
  case 1:
    return rearrange(*node.mutable_input(), choices);
  case 2:
    return rearrange(*node.mutable_output(), choices);
  case 3:
    return node.input_size() > 0 && choices.oneIn(2)
               ? node.mutable_input(static_cast<int>(choices.below(static_cast<size_t>(node.input_size()))))->clear()
               : node.add_input("");
  case 4:
    return choices.oneIn(2) ? node.set_domain(choices.oneIn(2) ? "ai.onnx.ml" : "nowhere") : node.clear_attribute();
  default:
    return rearrange(*node.mutable_attribute(), choices);
  }
}

void changeGraph(GraphProto &graph, Choices &choices) {
  switch (choices.below(4)) {
  case 0:
    return rearrange(*graph.mutable_input(), choices);
  case 1:
    return rearrange(*graph.mutable_output(), choices);
  case 2:
    return rearrange(*graph.mutable_initializer(), choices);
  default:
    return rearrange(*graph.mutable_node(), choices);
  }
}

} // namespace

ModelMutator::ModelMutator(const std::vector<std::string> &paths) {
  std::set<std::string> types;
  for (const std::string &path : paths) {
    std::string bytes = readModelSeed(path);
    ModelProto model;
    if (bytes.empty() || !model.ParseFromString(bytes))
      continue;
    for (const NodeProto &node : model.graph().node())
      types.insert(node.op_type());
    seeds.push_back(std::move(bytes));
  }
  opTypes.assign(types.begin(), types.end());
}

ModelProto ModelMutator::seedOf(Choices &choices) const {
  ModelProto model;
  const std::vector<std::string> &further = reachedByNew();
  if (further.empty() || choices.oneIn(2) || !model.ParseFromString(choices.of(further)) || !model.has_graph())
    model.ParseFromString(choices.of(seeds));
  return model;
}

void ModelMutator::mutateOnce(ModelProto &model, Choices &choices) const {
  Parts parts(model);
  switch (choices.below(12)) {
  case 0:
    if (model.opset_import_size() > 0)
      model.mutable_opset_import(0)->set_version(choices.oneIn(2) ? choices.integer()
                                                                  : static_cast<int64_t>(1 + choices.below(30)));
    return;
  case 1:
    return changeGraph(*choices.of(parts.graphs), choices);
  case 2:
  case 3:
    if (!parts.nodes.empty() && !opTypes.empty())
      changeNode(*choices.of(parts.nodes), choices, opTypes);
    return;
  case 4:
    // Any value may come from any other: undefined, defined twice, cyclic, or of another shape.
    if (!parts.names.empty())
      *choices.of(parts.names) = *choices.of(parts.names);
    return;
  case 5: {
    // A node of another model between two values of this one.
    ModelProto other = seedOf(choices);
    if (other.graph().node().empty() || parts.names.empty())
      return;
    NodeProto &node = *model.mutable_graph()->add_node();
    node = choices.of(other.graph().node());
    for (auto *names : {node.mutable_input(), node.mutable_output()})
      for (std::string &name : *names)
        name = *choices.of(parts.names);
    return;
  }
  case 6:
  case 7:
    if (!parts.types.empty())
      changeType(*choices.of(parts.types), choices);
    return;
  case 8:
  case 9:
    if (!parts.tensors.empty())
      return changeTensor(*choices.of(parts.tensors), choices);
    [[fallthrough]];
  default:
    if (!parts.attributes.empty())
      changeAttribute(*choices.of(parts.attributes), choices);
  }
}

std::string ModelMutator::mutate(Choices &choices) const {
  if (choices.oneIn(8)) {
    std::string bytes = choices.of(seeds);
    mutateBytes(bytes, choices);
    return bytes;
  }
  ModelProto model = seedOf(choices);
  if (choices.oneIn(3)) {
    for (size_t i = 0, n = 1 + choices.below(3); i < n; ++i)
      if (size_t edits = editCount(model))
        applyEdit(model, choices.below(edits));
    return model.SerializeAsString();
  }
  for (size_t i = 0, n = 1 + choices.below(3); i < n; ++i)
    mutateOnce(model, choices);
  return model.SerializeAsString();
}

} // namespace sinter::fuzz
