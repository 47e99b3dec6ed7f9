// A source keeps the parsed file and its mapped data; each load imports it into a new context.
#include "compiler/ModelSource.h"
#include "compiler/ModelText.h"
#include "compiler/Options.h"
#include "compiler/Symbols.h"
#include "ir/Limits.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "onnx/onnx_pb.h"
#include "runtime/File.h"
#include <set>

using namespace mlir;

namespace sinter::codegen {

/// Notes what inputs will hold where shapes may follow from it, as the importer does.
static void declareValues(ModuleOp module, const std::map<std::string, Tensor> &values) {
  constexpr int64_t most = 4096;
  auto main = module.lookupSymbol<func::FuncOp>("main");
  for (auto [i, type] : llvm::enumerate(main.getArgumentTypes())) {
    auto name = main.getArgAttrOfType<StringAttr>(i, "nn.name");
    auto value = values.find(name ? name.str() : "");
    auto ranked = dyn_cast<RankedTensorType>(type);
    if (value == values.end() || !ranked || value->second.size() > most)
      continue;
    RankedTensorType given = nn::typeOf(value->second, module.getContext());
    if (given.getElementType() == ranked.getElementType() && succeeded(verifyCompatibleShape(given, ranked)))
      main.setArgAttr(i, nn::valueAttr, nn::makeElements(value->second, module.getContext()));
  }
}

void ModelSource::describe(ModelInterface interface) {
  interface_ = std::move(interface);
  for (const InterfaceValue *input : interface_.requiredInputs())
    required_.push_back(input->name);
}

Expected<ModelSource> ModelSource::openAndLoad(const std::string &path, const CompileOptions &options,
                                               LoadedModel &model) {
  if (Status status = checkOptions(options); !status.ok())
    return status.failure();
  ModelSource source;
  source.path_ = path;
  bool isMlir = StringRef(path).ends_with(".mlir");
  if (!isMlir) {
    Expected<ModelSource> opened = open(path, options);
    if (!opened)
      return opened.failure();
    source = std::move(*opened);
  } else if (options.content.data()) {
    source.text_.assign(options.content.begin(), options.content.end());
    source.text_.push_back(std::byte(0)); // MLIR's lexer reads up to it
  } else {
    // MLIR would wait for a pipe and read devices for ever, and map a file that may change before the next load.
    Expected<std::vector<std::byte>> text = readFile(path);
    if (!text)
      return text.failure();
    source.text_ = std::move(*text);
    source.text_.push_back(std::byte(0));
  }
  Expected<LoadedModel> loaded = source.load(options);
  if (!loaded)
    return loaded.failure();
  model = std::move(*loaded);
  if (isMlir)
    source.describe(interfaceOf(*model.module));
  return source;
}

Expected<ModelSource> ModelSource::open(const std::string &path, const CompileOptions &options, bool readsData) {
  if (StringRef(path).ends_with(".mlir")) {
    LoadedModel model;
    return openAndLoad(path, options, model);
  }
  if (Status status = checkOptions(options); !status.ok())
    return status.failure();
  ModelSource source;
  source.path_ = path;
  Expected<nn::ModelFile> file = nn::readModelFile(path, readsData, options.content);
  if (!file)
    return file.failure();
  source.describe(interfaceOf(*file->proto));
  source.onnx_ = std::move(*file);
  return source;
}

Status ModelSource::watch() {
  for (const std::unique_ptr<FileWatch> &watch : watches_)
    if (Status status = watch->check(/*reads=*/false); !status.ok())
      return status;
  if (!onnx_)
    return {};
  for (std::shared_ptr<const MappedFile> &file : onnx_->folder.files()) {
    if (llvm::any_of(watches_, [&](const auto &watch) { return watch->file() == file.get(); }))
      continue;
    Expected<std::unique_ptr<FileWatch>> watch = FileWatch::of(std::move(file));
    if (!watch)
      return watch.failure();
    watches_.push_back(std::move(*watch));
  }
  return {};
}

Status ModelSource::check() const {
  for (const std::unique_ptr<FileWatch> &watch : watches_)
    if (Status status = watch->check(); !status.ok())
      return status;
  return {};
}

CompileOptions ModelSource::withShapes(const CompileOptions &options, const ShapeSet &shapes) const {
  CompileOptions chosen = options;
  for (const auto &[name, shape] : shapes)
    if (shape.size() == 1 && !hasInput(name))
      chosen.dims[name] = shape[0];
    else
      chosen.shapes[name] = shape;
  return chosen;
}

CompileOptions ModelSource::withInputs(const CompileOptions &options, const InputTensors &inputs) const {
  CompileOptions chosen = options;
  for (const auto &[name, tensor] : inputs) {
    if (tensor.data() || tensor.bytes() == 0)
      chosen.values.emplace(name, tensor);
    const InterfaceValue *input = interface_.findInput(name);
    if (input ? input->isOpen() : hasInput(name))
      chosen.shapes.emplace(name, tensor.shape());
  }
  return chosen;
}

Expected<LoadedModel> ModelSource::load(const CompileOptions &options, std::vector<nn::NodeReport> *report) const {
  if (onnx_)
    if (Status status = checkDeclaredSizes(interface_, options); !status.ok())
      return status.failure();
  LoadedModel model;
  // Passes run on one thread: a model is one function. Kernels are compiled in parallel by their own threads.
  model.context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  nn::ImportOptions import{options.freezeInputs, options.values, options.shapes, options.dims, options.empty, report};
  import.warn = options.warn;
  import.limits = nn::Limits::with(options.limits);
  Expected<OwningOpRef<ModuleOp>> module =
      onnx_ ? nn::importOnnx(*onnx_, *model.context, import) : parseMlir(path_, text_, *model.context, import.limits);
  if (!module)
    return module.failure();
  model.module = std::move(*module);
  if (!onnx_)
    if (Status status = checkDeclaredSizes(interfaceOf(*model.module), options); !status.ok())
      return status.failure();
  nn::setLimits(*model.module, options.limits);
  nn::countGivenBytes(*model.module);
  if (!onnx_)
    declareValues(*model.module, options.values);
  return model;
}

Expected<LoadedModel> loadModel(const std::string &path, const CompileOptions &options) {
  LoadedModel model;
  if (Expected<ModelSource> source = ModelSource::openAndLoad(path, options, model); !source)
    return source.failure();
  return model;
}

} // namespace sinter::codegen
