// Reads the model's protobuf classes.
#include "tools/sinter/OnnxInterface.h"

#include "ir/onnx/ModelFile.h"

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
    value.shape.push_back(dimension.has_dim_value() && dimension.dim_value() >= 0 ? dimension.dim_value() : -1);
  return value;
}

} // namespace

bool OnnxValue::dynamic() const { return !hasShape || std::find(shape.begin(), shape.end(), -1) != shape.end(); }

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
  Expected<nn::ModelFile> file = nn::readModelFile(path, /*readsData=*/false);
  if (!file)
    return file.failure();
  const onnx::GraphProto &graph = file->proto->graph();
  std::set<std::string> initialised;
  for (const auto &tensor : graph.initializer())
    initialised.insert(tensor.name());
  OnnxInterface interface{file->proto->ir_version(), {}, {}};
  for (const auto &input : graph.input()) {
    interface.inputs.push_back(convert(input));
    interface.inputs.back().hasDefault = initialised.contains(input.name());
  }
  for (const auto &output : graph.output())
    interface.outputs.push_back(convert(output));
  return interface;
}

std::string elementName(const std::string &sequence, size_t index) { return fmt::format("{}[{}]", sequence, index); }

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
