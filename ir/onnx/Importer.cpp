// From a file to a module: parse, check, inputs and initialisers, nodes in evaluation order, outputs.
#include "ir/onnx/Importer.h"
#include "ir/onnx/GraphCheck.h"
#include "ir/onnx/InlineBranches.h"
#include "ir/onnx/NodeImporter.h"
#include "ir/ops/Constant.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "runtime/TensorProto.h"
#include "llvm/ADT/ScopeExit.h"
#include <filesystem>
#include <fstream>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>

using namespace mlir;

namespace sinter::nn {

/// The opsets of the default domain whose operators the importers know.
static constexpr int64_t oldestOpset = 6, newestOpset = 27;

/// Larger inputs are data, from which no shape follows.
static constexpr int64_t mostShapeElements = 4096;

namespace {

class GraphImporter {
public:
  GraphImporter(const onnx::ModelProto &model, std::string folder, MLIRContext &context,
                const ImportOptions &options)
      : model(model), graph(model.graph()), folder(std::move(folder)), options(options), builder(&context),
        names(nodeNames(graph)) {}

  Expected<OwningOpRef<ModuleOp>> run();

private:
  Status readOpset();
  Status addInitializers();
  Status addInputs();
  Status addNodes();
  Status addOutputs();
  Expected<RankedTensorType> declaredType(const onnx::ValueInfoProto &info,
                                          SmallVectorImpl<Attribute> &dimNames);
  Location nameLoc(StringRef name) { return NameLoc::get(builder.getStringAttr(name)); }

  const onnx::ModelProto &model;
  const onnx::GraphProto &graph;
  const std::string folder;
  const ImportOptions &options;
  OpBuilder builder;
  const std::vector<std::string> names;
  int64_t opset = 0;
  func::FuncOp function;
  llvm::StringMap<Value> values;
  llvm::StringMap<ElementsAttr> initializers;
};

Status GraphImporter::readOpset() {
  for (const auto &import : model.opset_import())
    if (import.domain().empty() || import.domain() == "ai.onnx")
      opset = import.version();
  if (opset == 0 && model.opset_import_size() > 0)
    return {ErrorCode::Unsupported, "the model uses only operators of the domain '" +
                                        model.opset_import(0).domain() + "', which Sinter does not support"};
  if (opset == 0)
    return {ErrorCode::InvalidFile, "the model imports no opset of the default ONNX domain: export it again"};
  if (opset < oldestOpset || opset > newestOpset)
    return {ErrorCode::Unsupported, "the model uses opset " + std::to_string(opset) +
                                        "; Sinter reads opsets " + std::to_string(oldestOpset) + " to " +
                                        std::to_string(newestOpset) +
                                        ": convert it with onnx.version_converter"};
  return {};
}

Status GraphImporter::addInitializers() {
  if (graph.sparse_initializer_size())
    return {ErrorCode::Unsupported,
            "sparse initializer '" + graph.sparse_initializer(0).values().name() + "': store it densely"};
  for (const onnx::TensorProto &proto : graph.initializer()) {
    Expected<Tensor> tensor = tensorFromProto(proto, folder);
    if (!tensor)
      return tensor.failure();
    initializers[proto.name()] = makeElements(*tensor, builder.getContext(), proto.name());
  }
  return {};
}

Expected<RankedTensorType> GraphImporter::declaredType(const onnx::ValueInfoProto &info,
                                                       SmallVectorImpl<Attribute> &dimNames) {
  auto fail = [&](ErrorCode code, const std::string &what) {
    return Failure{code, "graph input '" + info.name() + "' " + what};
  };
  if (!info.type().has_tensor_type())
    return fail(ErrorCode::Unsupported, "is no tensor (sequences, maps and optionals are not supported)");
  const auto &tensor = info.type().tensor_type();
  Expected<DType> type = typeFromOnnx(tensor.elem_type());
  if (!type)
    return fail(type.failure().code,
                "has element type " + onnxTypeName(tensor.elem_type()) + ", which is not supported");
  if (!tensor.has_shape())
    return fail(ErrorCode::Unsupported, "has no shape, not even a rank: export the model with shapes");
  SmallVector<int64_t> shape;
  for (const auto &dim : tensor.shape().dim()) {
    bool fixed = dim.has_dim_value() && dim.dim_value() >= 0;
    shape.push_back(fixed ? dim.dim_value() : ShapedType::kDynamic);
    dimNames.push_back(builder.getStringAttr(dim.dim_param()));
  }
  return RankedTensorType::get(shape, toMlir(*type, builder.getContext()));
}

Status GraphImporter::addInputs() {
  bool overridable = model.ir_version() >= 4 && !options.freezeInputs;
  Block &body = function.getBody().front();
  SmallVector<DictionaryAttr> attributes;
  for (const onnx::ValueInfoProto &info : graph.input()) {
    auto initializer = initializers.find(info.name());
    bool hasDefault = initializer != initializers.end();
    if (hasDefault && !overridable)
      continue;
    SmallVector<Attribute> dimNames;
    Expected<RankedTensorType> type = declaredType(info, dimNames);
    if (!type && !hasDefault)
      return type.failure();
    Type argumentType = hasDefault ? initializer->second.getType() : Type(*type);
    values[info.name()] = body.addArgument(argumentType, nameLoc(info.name()));
    NamedAttrList named;
    named.set("nn.name", builder.getStringAttr(info.name()));
    if (hasDefault) {
      named.set("nn.default", initializer->second);
      initializers.erase(initializer);
    } else if (llvm::any_of(dimNames, [](Attribute name) { return !cast<StringAttr>(name).empty(); })) {
      named.set("nn.dims", builder.getArrayAttr(dimNames));
    }
    if (auto value = options.values.find(info.name());
        value != options.values.end() && value->second.size() <= mostShapeElements &&
        succeeded(verifyCompatibleShape(typeOf(value->second, builder.getContext()), argumentType)) &&
        toMlir(value->second.type(), builder.getContext()) == elementTypeOf(body.getArguments().back()))
      named.set(valueAttr, makeElements(value->second, builder.getContext()));
    attributes.push_back(named.getDictionary(builder.getContext()));
  }
  function.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), {}));
  function.setAllArgAttrs(attributes);
  return {};
}

Status GraphImporter::addNodes() {
  Expected<std::vector<int>> order = evaluationOrder(graph, names);
  if (!order)
    return order.failure();
  if (Status status = checkOperators(graph, names); !status.ok())
    return status;

  // Nodes that cannot be imported are collected; whatever reads their outputs is skipped.
  std::vector<std::string> problems;
  for (int i : *order) {
    const onnx::NodeProto &node = graph.node(i);
    SmallVector<Value> inputs;
    bool skipped = false;
    for (const std::string &input : node.input()) {
      Value value;
      if (!input.empty()) {
        if (auto initializer = initializers.find(input); initializer != initializers.end()) {
          OpBuilder::InsertionGuard guard(builder);
          builder.setInsertionPointToStart(&function.getBody().front());
          values[input] =
              ConstantOp::create(builder, nameLoc(input), initializer->second.getType(), initializer->second);
          initializers.erase(initializer);
        }
        value = values.lookup(input);
        skipped |= !value;
      }
      inputs.push_back(value);
    }
    if (skipped)
      continue;
    NodeImporter importer(builder, nameLoc(names[i]), node, opset, inputs, folder);
    if (succeeded(importers().find(node.op_type())(importer))) {
      for (auto [name, value] : llvm::zip(node.output(), importer.outputs()))
        if (!name.empty())
          values[name] = value;
      continue;
    }
    Failure failure =
        importer.problem().value_or(Failure{ErrorCode::Internal, "import failed without a reason"});
    std::string message = "node '" + names[i] + "' (" + node.op_type() + "): " + failure.message;
    if (failure.code != ErrorCode::Unsupported)
      return {failure.code, message};
    problems.push_back(message);
  }
  if (problems.empty())
    return {};
  if (problems.size() == 1)
    return {ErrorCode::Unsupported, problems[0] + " (not supported)"};
  constexpr size_t shown = 10;
  std::string message =
      "the model has " + std::to_string(problems.size()) + " nodes that Sinter does not support:";
  for (size_t i = 0; i < problems.size() && i < shown; ++i)
    message += "\n  " + problems[i];
  return {ErrorCode::Unsupported, message + (problems.size() > shown ? "\n  ..." : "")};
}

Status GraphImporter::addOutputs() {
  SmallVector<Value> results;
  for (const onnx::ValueInfoProto &info : graph.output()) {
    if (auto initializer = initializers.find(info.name()); initializer != initializers.end())
      values[info.name()] = ConstantOp::create(builder, nameLoc(info.name()), initializer->second.getType(),
                                               initializer->second);
    Value value = values.lookup(info.name());
    if (!value)
      return {ErrorCode::InvalidFile,
              "graph output '" + info.name() + "' is produced by no node: export the model again"};
    results.push_back(value);
  }
  if (results.empty())
    return {ErrorCode::InvalidFile, "the graph has no outputs: there is nothing to compute"};
  func::ReturnOp::create(builder, function.getLoc(), results);
  Block &body = function.getBody().front();
  function.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), ValueRange(results).getTypes()));
  SmallVector<DictionaryAttr> attributes;
  for (const onnx::ValueInfoProto &info : graph.output())
    attributes.push_back(
        builder.getDictionaryAttr(builder.getNamedAttr("nn.name", builder.getStringAttr(info.name()))));
  function.setAllResultAttrs(attributes);
  // What importers read becomes a constant.
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
  return succeeded(function.eraseArguments(frozen)) ? Status()
                                                    : Status(ErrorCode::Internal, "inputs cannot be frozen");
}

Expected<OwningOpRef<ModuleOp>> GraphImporter::run() {
  if (Status status = readOpset(); !status.ok())
    return status.failure();
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  builder.setInsertionPointToEnd(module->getBody());
  function = func::FuncOp::create(builder, nameLoc(graph.name()), "main", builder.getFunctionType({}, {}));
  if (!graph.name().empty())
    (*module)->setAttr("nn.graph", builder.getStringAttr(graph.name()));
  builder.setInsertionPointToStart(function.addEntryBlock());
  for (Status (GraphImporter::*step)() : {&GraphImporter::addInitializers, &GraphImporter::addInputs,
                                          &GraphImporter::addNodes, &GraphImporter::addOutputs})
    if (Status status = (this->*step)(); !status.ok())
      return status.failure();
  return module;
}

/// Parses without protobuf's own limit of 64 MB; its messages to stderr are silenced, ours name the file.
Expected<onnx::ModelProto> parse(const std::string &path) {
  auto fail = [&](ErrorCode code, const std::string &what) {
    return Failure{code, "'" + path + "' " + what};
  };
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return fail(ErrorCode::InvalidArgument, "is a folder: give the .onnx file in it");
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return fail(ErrorCode::Io, "cannot be read: check the path and its permissions");
  if (file.peek() == std::ifstream::traits_type::eof())
    return fail(ErrorCode::InvalidFile, "is empty: download or export the model again");
  onnx::ModelProto model;
  google::protobuf::LogSilencer silence;
  google::protobuf::io::IstreamInputStream stream(&file);
  google::protobuf::io::CodedInputStream coded(&stream);
  coded.SetTotalBytesLimit(std::numeric_limits<int>::max());
  if (!model.ParseFromCodedStream(&coded) || !coded.ConsumedEntireMessage())
    return fail(ErrorCode::InvalidFile, "is no ONNX model, or it is truncated: download or export it again");
  if (!model.has_graph() || model.graph().node_size() + model.graph().output_size() == 0)
    return fail(ErrorCode::InvalidFile, "holds no graph: it is no ONNX model");
  return model;
}

} // namespace

Expected<OwningOpRef<ModuleOp>> importOnnx(const std::string &path, MLIRContext &context,
                                           const ImportOptions &options) {
  context.loadDialect<NNDialect, func::FuncDialect>();
  try {
    Expected<onnx::ModelProto> model = parse(path);
    if (!model)
      return model.failure();
    std::string folder = std::filesystem::absolute(path).parent_path().string();
    if (Status status = inlineBranches(*model->mutable_graph()); !status.ok())
      return Failure{status.failure().code, "'" + path + "': " + status.failure().message};
    Expected<OwningOpRef<ModuleOp>> module = GraphImporter(*model, folder, context, options).run();
    if (!module)
      return Failure{module.failure().code, "'" + path + "': " + module.failure().message};
    return module;
  } catch (const std::bad_alloc &) {
    return Failure{ErrorCode::OutOfMemory, "'" + path + "' needs more memory than there is"};
  } catch (const std::exception &e) {
    return Failure{ErrorCode::InvalidFile, "'" + path + "': " + e.what()};
  }
}

} // namespace sinter::nn
