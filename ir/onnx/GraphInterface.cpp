// The interface of a graph: its inputs and initialisers, and its outputs.
#include "ir/Bounds.h"
#include "ir/Diagnostics.h"
#include "ir/onnx/Bounded.h"
#include "ir/onnx/GraphCheck.h"
#include "ir/onnx/GraphImporter.h"
#include "ir/ops/Constant.h"
#include "ir/ops/View.h"
#include "runtime/OptionMark.h"
#include "runtime/TensorProto.h"

using namespace mlir;

namespace sinter::nn {

/// Larger inputs are data, from which no shape follows.
static constexpr int64_t maxShapeElements = 4096;

//===- Inputs -------------------------------------------------------------===//

Status GraphImporter::addInitializers(const onnx::GraphProto &graph, Scope &scope) {
  if (graph.sparse_initializer_size())
    return {ErrorCode::Unsupported,
            "sparse initializer '" + graph.sparse_initializer(0).values().name() + "': store it densely"};
  for (const onnx::TensorProto &proto : graph.initializer()) {
    Expected<Tensor> tensor = tensorFromProto(proto, folder);
    if (!tensor && goesOn(tensor.failure(), proto.name(), "initializer", &scope))
      continue;
    if (!tensor)
      return tensor.failure();
    scope.initializers[proto.name()] = makeElements(*tensor, builder.getContext(), proto.name());
  }
  return {};
}

/// The declared type, with the shape and dimensions that the options give where they fit.
Expected<RankedTensorType> GraphImporter::declaredType(const std::string &name, const onnx::TypeProto &declared,
                                                       SmallVectorImpl<Attribute> &dimNames) {
  auto fail = [&](ErrorCode code, const std::string &what) {
    return Failure{code, "graph input '" + name + "' " + what};
  };
  if (!declared.has_tensor_type())
    return fail(ErrorCode::Unsupported,
                "is no tensor (maps, sparse tensors and sequences of sequences are not supported)");
  const auto &tensor = declared.tensor_type();
  Expected<DType> type = typeFromOnnx(tensor.elem_type());
  if (!type)
    return fail(type.failure().code,
                "has element type " + onnxTypeName(tensor.elem_type()) + ", which is not supported");
  auto shapeGiven = options.shapes.find(name);
  bool isGiven = shapeGiven != options.shapes.end();
  if (!tensor.has_shape() && !isGiven)
    return fail(ErrorCode::Unsupported,
                "has no shape, not even a rank: give it, " + optionMark("shape", name + "=1x3x224x224"));
  SmallVector<int64_t> shape;
  for (const auto &dim : tensor.shape().dim()) {
    bool fixed = dim.has_dim_value() && dim.dim_value() >= 0;
    auto size = options.dims.find(dim.dim_param());
    bool isNamed = !fixed && !dim.dim_param().empty() && size != options.dims.end();
    shape.push_back(fixed ? dim.dim_value() : isNamed ? size->second : ShapedType::kDynamic);
    dimNames.push_back(builder.getStringAttr(dim.dim_param()));
  }
  if (!tensor.has_shape())
    shape.assign(shapeGiven->second.begin(), shapeGiven->second.end());
  else if (isGiven && succeeded(verifyCompatibleShape(shape, shapeGiven->second)))
    shape.assign(shapeGiven->second.begin(), shapeGiven->second.end());
  if (llvm::any_of(shape, [](int64_t dim) { return dim < 0 && !ShapedType::isDynamic(dim); }))
    return fail(ErrorCode::InvalidArgument, "was given a negative dimension");
  if (static_cast<int64_t>(shape.size()) > maxRank)
    return fail(ErrorCode::Unsupported,
                "has rank " + std::to_string(shape.size()) + "; the limit is " + std::to_string(maxRank));
  auto result = RankedTensorType::get(shape, toMlir(*type, builder.getContext()));
  if (std::string reason = checkType(result, options.limits); !reason.empty())
    return fail(ErrorCode::Unsupported, "cannot be: " + reason);
  return result;
}

Imported GraphImporter::addArgument(const std::string &name, Type type, NamedAttrList named) {
  Block &body = function.getBody().front();
  Value argument = body.addArgument(type, nameLoc(name));
  named.set("nn.name", builder.getStringAttr(name));
  if (auto value = options.values.find(name);
      value != options.values.end() && value->second.size() <= maxShapeElements &&
      succeeded(verifyCompatibleShape(typeOf(value->second, builder.getContext()), type)) &&
      toMlir(value->second.type(), builder.getContext()) == elementTypeOf(argument))
    named.set(valueAttr, makeElements(value->second, builder.getContext()));
  argumentAttributes.push_back(named.getDictionary(builder.getContext()));
  return argument;
}

Expected<Imported> GraphImporter::addInput(const onnx::ValueInfoProto &info, const onnx::TypeProto &type,
                                           Scope &scope) {
  const std::string &name = info.name();
  if (type.has_optional_type()) {
    if (options.empty.count(name))
      return Imported::empty();
    return addInput(info, type.optional_type().elem_type(), scope);
  }
  if (type.has_sequence_type()) {
    std::vector<Imported> elements;
    auto nameOf = [&](size_t i) { return name + "[" + std::to_string(i) + "]"; };
    while (options.shapes.count(nameOf(elements.size()))) {
      SmallVector<Attribute> dimNames;
      std::string element = nameOf(elements.size());
      Expected<RankedTensorType> elementType = declaredType(element, type.sequence_type().elem_type(), dimNames);
      if (!elementType)
        return elementType.failure();
      elements.push_back(addArgument(element, *elementType, {}));
    }
    if (elements.empty() && !options.empty.count(name))
      return Failure{ErrorCode::Unsupported,
                     "graph input '" + name + "' is a sequence: give the shape of each element, " +
                         optionMark("shape", nameOf(0) + "=2x3") + " and so on, or " + optionMark("empty", name)};
    return Imported::sequence(std::move(elements));
  }
  auto initializer = scope.initializers.find(name);
  bool hasDefault = initializer != scope.initializers.end();
  SmallVector<Attribute> dimNames;
  Expected<RankedTensorType> declared = declaredType(name, type, dimNames);
  if (!declared && !hasDefault)
    return declared.failure();
  NamedAttrList named;
  Type argumentType = hasDefault ? initializer->second.getType() : Type(*declared);
  if (hasDefault) {
    named.set("nn.default", initializer->second);
    scope.initializers.erase(initializer);
  } else if (llvm::any_of(dimNames, [](Attribute dim) { return !cast<StringAttr>(dim).empty(); })) {
    named.set("nn.dims", builder.getArrayAttr(dimNames));
  }
  return addArgument(name, argumentType, named);
}

Status GraphImporter::addInputs(Scope &scope) {
  bool overridable = model.ir_version() >= 4 && !options.freezeInputs;
  for (const onnx::ValueInfoProto &info : graph.input()) {
    if (scope.initializers.contains(info.name()) && !overridable)
      continue;
    if (scope.values.contains(info.name()))
      return {ErrorCode::InvalidFile, "two graph inputs are named '" + info.name() + "'"};
    Expected<Imported> input = addInput(info, info.type(), scope);
    if (!input && goesOn(input.failure(), info.name(), "input", &scope))
      continue;
    if (!input)
      return input.failure();
    scope.values[info.name()] = *input;
  }
  Block &body = function.getBody().front();
  function.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), {}));
  function.setAllArgAttrs(argumentAttributes);
  return {};
}
//===- Outputs ------------------------------------------------------------===//

/// Fails where the element type that the file declares of an output is not the computed one; warns of another shape.
Status GraphImporter::checkDeclared(const onnx::ValueInfoProto &info, Value value) {
  if (!info.type().has_tensor_type() || info.type().tensor_type().elem_type() == onnx::TensorProto::UNDEFINED)
    return {};
  const auto &declared = info.type().tensor_type();
  RankedTensorType computed = rankedType(value);
  std::string which = "graph output '" + info.name() + "' is declared ", from = nameOf(value.getLoc());
  std::string maker = from == info.name() || from.empty() ? "" : " ('" + from + "')";
  Expected<DType> type = typeFromOnnx(declared.elem_type());
  if (!type || toMlir(*type, builder.getContext()) != elementTypeOf(value))
    return {ErrorCode::InvalidFile,
            which + (type ? std::string(sinter::nameOf(*type)) : onnxTypeName(declared.elem_type())) +
                ", and what computes it" + maker + " gives " + typeText(value.getType()) + ": export the model again"};
  if (!computed || !declared.has_shape() || !options.warn)
    return {};
  SmallVector<int64_t> shape;
  for (const auto &dim : declared.shape().dim())
    shape.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : ShapedType::kDynamic);
  if (failed(verifyCompatibleShape(shape, computed.getShape())))
    options.warn(which + typeText(RankedTensorType::get(shape, elementTypeOf(value))) + ", and what computes it" +
                 maker + " gives " + typeText(computed) + ", which it will be");
  return {};
}

Status GraphImporter::addOutputs(Scope &scope) {
  SmallVector<std::pair<std::string, Imported>> named;
  auto add = [&](const std::string &name, const Imported &value) { named.push_back({name, value}); };
  for (const onnx::ValueInfoProto &info : graph.output()) {
    Imported value = lookUp(info.name(), &scope);
    switch (value.kind) {
    case Imported::Missing:
      if (options.report)
        break;
      return {ErrorCode::InvalidFile,
              "graph output '" + info.name() + "' is produced by no node: export the model again"};
    case Imported::Tensor:
      if (Status status = checkDeclared(info, value.tensor);
          !status.ok() && !goesOn(status.failure(), info.name(), "output"))
        return status;
      add(info.name(), value);
      break;
    case Imported::Empty:
      break;
    case Imported::Sequence:
      for (auto [i, element] : llvm::enumerate(*value.elements)) {
        if (element.kind != Imported::Tensor && options.report)
          continue;
        if (element.kind != Imported::Tensor)
          return {ErrorCode::Unsupported, "graph output '" + info.name() + "' is a sequence of sequences"};
        if (element.isBounded()) {
          add(info.name() + "[" + std::to_string(i) + "]", element);
          continue;
        }
        add(info.name() + "[" + std::to_string(i) + "]",
            Value(IdentityOp::create(builder, nameLoc(info.name()), element.tensor.getType(), element.tensor)));
      }
      break;
    }
  }
  if (graph.output_size() == 0)
    return {ErrorCode::InvalidFile, "the graph has no outputs: there is nothing to compute"};
  // Sizes that a run says come first.
  SmallVector<Value> results;
  SmallVector<DictionaryAttr> attributes;
  for (const auto &[name, value] : named)
    if (value.isBounded() && !llvm::is_contained(results, value.count)) {
      results.push_back(value.count);
      attributes.push_back(
          builder.getDictionaryAttr({builder.getNamedAttr("nn.name", builder.getStringAttr(name + " (size)")),
                                     builder.getNamedAttr(countAttr, builder.getUnitAttr())}));
    }
  for (const auto &[name, value] : named) {
    NamedAttrList attribute;
    attribute.set("nn.name", builder.getStringAttr(name));
    if (value.isBounded())
      attribute.set(boundAttr,
                    builder.getDenseI64ArrayAttr({value.axis, llvm::find(results, value.count) - results.begin()}));
    attributes.push_back(attribute.getDictionary(builder.getContext()));
  }
  for (const auto &[name, value] : named)
    results.push_back(value.tensor);
  func::ReturnOp::create(builder, function.getLoc(), results);
  Block &body = function.getBody().front();
  function.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), ValueRange(results).getTypes()));
  function.setAllResultAttrs(attributes);
  return {};
}

/// Turns the inputs whose values importers read into constants.
void GraphImporter::freezeInputs() {
  Block &body = function.getBody().front();
  llvm::BitVector frozen(body.getNumArguments());
  builder.setInsertionPointToStart(&body);
  for (BlockArgument argument : body.getArguments()) {
    unsigned index = argument.getArgNumber();
    if (!function.getArgAttr(index, frozenAttr))
      continue;
    auto elements = function.getArgAttrOfType<ElementsAttr>(index, valueAttr);
    if (!elements)
      elements = function.getArgAttrOfType<ElementsAttr>(index, "nn.default");
    argument.replaceAllUsesWith(ConstantOp::create(builder, argument.getLoc(), elements.getType(), elements));
    frozen.set(index);
  }
  LogicalResult erased = function.eraseArguments(frozen);
  (void)erased;
  assert(succeeded(erased) && "arguments without uses can be erased");
}

} // namespace sinter::nn
