// Reads, binds and draws the inputs of `run`, `bench`, `explain` and `verify`.
#include "tools/sinter/Inputs.h"

#include "compiler/ModelInterface.h"
#include "runtime/Output.h"
#include "runtime/TensorProto.h"
#include "tools/sinter/CommonOptions.h"
#include "tools/sinter/OpenModel.h"

#include <filesystem>
#include <fmt/format.h>
#include <random>

namespace sinter {

Expected<GivenTensors> readTensors(const std::vector<std::string> &assignments, std::string_view option) {
  GivenTensors given;
  for (const std::string &text : assignments) {
    // A file whose own name holds '=' is still found when no name is given.
    std::error_code error;
    auto parts = splitAssignment(text);
    if (!parts || (assignments.size() == 1 && std::filesystem::exists(text, error)))
      parts = std::pair(std::string(), text);
    protectInput(parts->second);
    Expected<NamedTensor> tensor = readTensor(parts->second);
    if (!tensor)
      return tensor.failure();
    std::string name = parts->first.empty() && assignments.size() > 1 ? tensor->name : parts->first;
    if (name.empty() && assignments.size() > 1)
      return Failure{ErrorCode::InvalidArgument,
                     fmt::format("{} '{}' has no name: with several inputs write NAME=FILE", option, text)};
    if (!given.emplace(name, tensor->tensor).second)
      return Failure{ErrorCode::InvalidArgument, fmt::format("{} names '{}' twice", option, name)};
  }
  return given;
}

void nameOnlyTensor(GivenTensors &given, const std::vector<std::string> &required) {
  if (!given.contains("") || required.size() != 1)
    return;
  auto node = given.extract("");
  node.key() = required[0];
  given.insert(std::move(node));
}

Status takeOpenShapes(const std::string &modelPath, GivenTensors &given, std::map<std::string, Shape> &shapes) {
  if (!modelPath.ends_with(".onnx"))
    return {};
  Expected<ModelInterface> interface = readInterface(modelPath);
  if (!interface)
    return interface.failure();
  std::vector<std::string> required;
  for (const InterfaceValue *input : interface->requiredInputs())
    required.push_back(input->name);
  nameOnlyTensor(given, required);
  addOpenShapes(*interface, given, shapes);
  return {};
}

Expected<std::vector<Tensor>> bindTensors(const Model &model, GivenTensors given, std::string_view option) {
  std::vector<const SinterTensorInfo *> required;
  for (const SinterTensorInfo &info : model.inputs())
    if (!info.defaultValue)
      required.push_back(&info);
  if (given.contains("") && required.size() != 1)
    return Failure{ErrorCode::InvalidArgument, fmt::format("the model has {} inputs, so {} needs a name: {}",
                                                           required.size(), option, describe(model.inputs()))};
  std::vector<Tensor> bound;
  std::vector<std::string> missing;
  for (const SinterTensorInfo &info : model.inputs()) {
    auto node = given.extract(info.name);
    if (node.empty() && !required.empty() && &info == required[0])
      node = given.extract("");
    bound.push_back(node.empty() ? Tensor() : asDeclared(info, node.mapped()));
    if (node.empty() && !info.defaultValue)
      missing.push_back(info.name);
  }
  if (!given.empty())
    return Failure{ErrorCode::InvalidArgument, fmt::format("the model has no input '{}'; its inputs are: {}",
                                                           given.begin()->first, describe(model.inputs()))};
  if (!missing.empty())
    return Failure{ErrorCode::InvalidArgument,
                   fmt::format("input '{0}' is missing: give {2} {0}=FILE (.npy or .pb); the inputs are: {1}",
                               missing[0], describe(model.inputs()), option)};
  std::vector<std::shared_ptr<const Model>> variants = model.variants();
  Expected<size_t> variant = variants.size() == 1 ? Expected<size_t>(size_t(0)) : model.variantFor(bound);
  if (!variant)
    return variant.failure();
  for (size_t i = 0; i < bound.size(); ++i) {
    bool absent = !bound[i].data() && bound[i].rank() == 0;
    if (Status s = absent ? Status() : checkTensor(variants[*variant]->inputs()[i], bound[i], "input"); !s.ok())
      return s.failure();
  }
  return bound;
}

Expected<std::vector<Tensor>> randomInputs(const Model &model, double low, double high,
                                           const std::map<std::string, std::pair<double, double>> &ranges,
                                           unsigned seed, const DrawValue &draw) {
  std::mt19937 generator(seed);
  std::function<double()> next = [&] { return static_cast<double>(generator() >> 8) * 0x1p-24; };
  std::vector<Tensor> inputs;
  for (const SinterTensorInfo &info : model.inputs()) {
    std::optional<Tensor> tensor = Tensor::allocate(typeOf(info), shapeOf(info));
    if (!tensor)
      return Failure{ErrorCode::OutOfMemory, fmt::format("not enough memory for input '{}'", info.name)};
    auto range = ranges.find(info.name);
    auto [from, to] = range == ranges.end() ? std::pair(low, high) : range->second;
    std::vector<double> values(static_cast<size_t>(tensor->size()));
    for (double &v : values)
      v = draw ? draw({typeOf(info), from, to, range != ranges.end()}, next) : from + (to - from) * next();
    storeDoubles(*tensor, values);
    inputs.push_back(info.defaultValue ? Tensor() : std::move(*tensor));
  }
  return inputs;
}

} // namespace sinter
