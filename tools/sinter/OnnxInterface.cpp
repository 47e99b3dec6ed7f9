// Parses the model with the ONNX project's protobuf classes, whose exceptions stay here.
#include "tools/sinter/OnnxInterface.h"

#include "runtime/File.h"

#include <algorithm>
#include <fmt/format.h>
#include <onnx/onnx_pb.h>
#include <set>

namespace sinter {
namespace {

OnnxValue convert(const onnx::ValueInfoProto &info) {
  OnnxValue value{info.name()};
  switch (info.type().value_case()) {
  case onnx::TypeProto::kTensorType:
    break;
  case onnx::TypeProto::kSequenceType:
    value.kind = "sequence";
    return value;
  case onnx::TypeProto::kOptionalType:
    value.kind = "optional";
    return value;
  case onnx::TypeProto::kMapType:
    value.kind = "map";
    return value;
  case onnx::TypeProto::kSparseTensorType:
    value.kind = "sparse tensor";
    return value;
  default:
    value.kind = "untyped value";
    return value;
  }
  value.hasShape = info.type().tensor_type().has_shape();
  for (const auto &dimension : info.type().tensor_type().shape().dim())
    value.shape.push_back(dimension.has_dim_value() && dimension.dim_value() >= 0 ? dimension.dim_value()
                                                                                  : -1);
  return value;
}

} // namespace

bool OnnxValue::dynamic() const {
  return !hasShape || std::find(shape.begin(), shape.end(), -1) != shape.end();
}

static const OnnxValue *find(const std::vector<OnnxValue> &values, const std::string &name) {
  auto found = std::find_if(values.begin(), values.end(), [&](const OnnxValue &v) { return v.name == name; });
  return found == values.end() ? nullptr : &*found;
}

const OnnxValue *OnnxInterface::findInput(const std::string &name) const { return find(inputs, name); }
const OnnxValue *OnnxInterface::findOutput(const std::string &name) const { return find(outputs, name); }

std::vector<const OnnxValue *> OnnxInterface::requiredInputs() const {
  std::vector<const OnnxValue *> required;
  for (const OnnxValue &input : inputs)
    if (!input.hasDefault)
      required.push_back(&input);
  return required;
}

Expected<OnnxInterface> readOnnxInterface(const std::string &path) {
  Expected<std::vector<std::byte>> bytes = readFile(path);
  if (!bytes)
    return bytes.failure();
  Failure invalid{ErrorCode::InvalidFile,
                  fmt::format("'{}' is not an ONNX model: it is empty, truncated or of another "
                              "format",
                              path)};
  google::protobuf::LogSilencer silencer;
  try {
    onnx::ModelProto model;
    if (bytes->empty() || !model.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())) ||
        !model.has_graph())
      return invalid;
    std::set<std::string> initialised;
    for (const auto &tensor : model.graph().initializer())
      initialised.insert(tensor.name());
    OnnxInterface interface{model.ir_version()};
    for (const auto &input : model.graph().input()) {
      interface.inputs.push_back(convert(input));
      interface.inputs.back().hasDefault = initialised.contains(input.name());
    }
    for (const auto &output : model.graph().output())
      interface.outputs.push_back(convert(output));
    return interface;
  } catch (const std::exception &) {
    return invalid;
  }
}

std::string elementName(const std::string &sequence, size_t index) {
  return fmt::format("{}[{}]", sequence, index);
}

void addOpenShapes(const OnnxInterface &interface, const std::map<std::string, Tensor> &tensors,
                   std::map<std::string, Shape> &shapes) {
  for (const OnnxValue &input : interface.inputs) {
    if (auto tensor = tensors.find(input.name); tensor != tensors.end() && input.dynamic())
      shapes.emplace(input.name, tensor->second.shape());
    for (size_t i = 0; input.kind != "tensor"; ++i) {
      auto element = tensors.find(elementName(input.name, i));
      if (element == tensors.end())
        break;
      shapes.emplace(element->first, element->second.shape());
    }
  }
}

} // namespace sinter
