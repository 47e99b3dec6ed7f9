// Reads the interface from protobuf and from modules, and finds inputs in it.
#include "compiler/ModelInterface.h"
#include "ir/Ops.h"
#include "ir/onnx/ModelFile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "onnx/onnx_pb.h"
#include "runtime/TensorProto.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <set>

using namespace mlir;

namespace sinter {

bool InterfaceValue::isOpen() const {
  return kind == "optional" || !shape || std::ranges::find(*shape, -1) != shape->end();
}

static const InterfaceValue *find(const std::vector<InterfaceValue> &values, const std::string &name) {
  auto found = std::ranges::find(values, name, &InterfaceValue::name);
  return found == values.end() ? nullptr : &*found;
}

const InterfaceValue *ModelInterface::findInput(const std::string &name) const { return find(inputs, name); }
const InterfaceValue *ModelInterface::findOutput(const std::string &name) const { return find(outputs, name); }

bool ModelInterface::takes(const std::string &name) const {
  if (findInput(name))
    return true;
  size_t bracket = name.rfind('[');
  const InterfaceValue *sequence =
      bracket != std::string::npos && name.ends_with("]") ? findInput(name.substr(0, bracket)) : nullptr;
  return sequence && !sequence->holdsTensor;
}

std::vector<const InterfaceValue *> ModelInterface::requiredInputs() const {
  std::vector<const InterfaceValue *> required;
  for (const InterfaceValue &input : inputs)
    if (!input.hasDefault)
      required.push_back(&input);
  return required;
}

//===- ONNX ---------------------------------------------------------------===//

static std::string kindOf(const onnx::TypeProto &type) {
  switch (type.value_case()) {
  case onnx::TypeProto::kTensorType:
    return "tensor";
  case onnx::TypeProto::kSequenceType:
    return "sequence";
  case onnx::TypeProto::kOptionalType:
    return "optional";
  case onnx::TypeProto::kMapType:
    return "map";
  case onnx::TypeProto::kSparseTensorType:
    return "sparse tensor";
  default:
    return "unknown";
  }
}

static InterfaceValue valueOf(const onnx::ValueInfoProto &info) {
  InterfaceValue value{info.name(), kindOf(info.type())};
  bool isOptional = info.type().has_optional_type();
  value.typeName = value.kind;
  value.holdsTensor = (isOptional ? info.type().optional_type().elem_type() : info.type()).has_tensor_type();
  if (!info.type().has_tensor_type())
    return value;
  const auto &tensor = info.type().tensor_type();
  Expected<DType> type = typeFromOnnx(tensor.elem_type());
  value.typeName = type ? std::string(nameOf(*type)) : onnxTypeName(tensor.elem_type());
  if (type)
    value.type = *type;
  if (!tensor.has_shape())
    return value;
  value.shape.emplace();
  for (const auto &dim : tensor.shape().dim()) {
    value.shape->push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : -1);
    value.dimNames.push_back(dim.dim_param());
  }
  return value;
}

ModelInterface interfaceOf(const onnx::ModelProto &model) {
  const onnx::GraphProto &graph = model.graph();
  ModelInterface interface{graph.name(), model.ir_version(), {}, {}};
  std::set<StringRef> initialised;
  for (const onnx::TensorProto &tensor : graph.initializer())
    initialised.insert(tensor.name());
  for (const auto &input : graph.input()) {
    interface.inputs.push_back(valueOf(input));
    interface.inputs.back().hasDefault = initialised.contains(input.name());
  }
  for (const auto &output : graph.output())
    interface.outputs.push_back(valueOf(output));
  return interface;
}

Expected<ModelInterface> readInterface(const std::string &path) {
  Expected<nn::ModelFile> file = nn::readModelFile(path, /*readsData=*/false);
  if (!file)
    return file.failure();
  return interfaceOf(*file->proto);
}

//===- Modules ------------------------------------------------------------===//

static InterfaceValue valueOf(Type type, StringAttr name, StringRef role, size_t index) {
  InterfaceValue value{name ? name.str() : (role + Twine(index)).str()};
  auto shaped = dyn_cast<ShapedType>(type);
  if (shaped)
    value.type = nn::toDType(shaped.getElementType());
  value.typeName = value.type ? std::string(nameOf(*value.type)) : value.kind;
  if (!shaped || !shaped.hasRank())
    return value;
  value.shape = Shape(shaped.getShape());
  std::ranges::replace(*value.shape, ShapedType::kDynamic, int64_t(-1));
  value.dimNames.resize(value.shape->size());
  return value;
}

ModelInterface interfaceOf(ModuleOp module) {
  ModelInterface interface;
  if (auto name = module->getAttrOfType<StringAttr>("nn.graph"))
    interface.name = name.str();
  auto main = module.lookupSymbol<func::FuncOp>("main");
  for (auto [i, type] : llvm::enumerate(main.getArgumentTypes())) {
    interface.inputs.push_back(valueOf(type, main.getArgAttrOfType<StringAttr>(i, "nn.name"), "input", i));
    InterfaceValue &input = interface.inputs.back();
    input.hasDefault = bool(main.getArgAttr(i, "nn.default"));
    if (auto names = main.getArgAttrOfType<ArrayAttr>(i, "nn.dims"))
      for (auto [dim, name] : llvm::zip(input.dimNames, names.getAsRange<StringAttr>()))
        dim = name.str();
  }
  for (auto [i, type] : llvm::enumerate(main.getResultTypes()))
    interface.outputs.push_back(valueOf(type, main.getResultAttrOfType<StringAttr>(i, "nn.name"), "output", i));
  return interface;
}

//===- Tensors ------------------------------------------------------------===//

std::string elementName(const std::string &sequence, size_t index) {
  return sequence + "[" + std::to_string(index) + "]";
}

void addOpenShapes(const ModelInterface &interface, const std::map<std::string, Tensor> &tensors,
                   std::map<std::string, Shape> &shapes) {
  for (const InterfaceValue &input : interface.inputs) {
    if (auto tensor = tensors.find(input.name); tensor != tensors.end() && input.isOpen())
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
