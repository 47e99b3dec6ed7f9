// See the header.
#include "codegen/Frontend.h"
#include "codegen/CheckLimits.h"
#include "codegen/Output.h"
#include "codegen/RewriteCheck.h"
#include "codegen/check/RewriteGuard.h"
#include "codegen/llvm/Elements.h"
#include "codegen/llvm/KernelEmitter.h"
#include "codegen/onednn/OneDnn.h"
#include "codegen/tuning/Tuner.h"
#include "ir/Diagnostics.h"
#include "ir/Limits.h"
#include "ir/Ops.h"
#include "ir/RangeRules.h"
#include "ir/TextCheck.h"
#include "ir/Weights.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "onnx/onnx_pb.h"
#include "passes/AssignBackend.h"
#include "passes/Explain.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"
#include "passes/RangeAnalysis.h"
#include "runtime/File.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <set>

using namespace mlir;

namespace sinter::codegen {

//===- Diagnostics --------------------------------------------------------===//

DiagnosticCollector::DiagnosticCollector(MLIRContext &context, const std::function<void(const std::string &)> &warn) {
  auto collect = [this, warn](Diagnostic &diagnostic) {
    bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
    if (!isError && diagnostic.getSeverity() != DiagnosticSeverity::Warning)
      return;
    // Who gives a file of IR reads the dialect's words.
    auto file = dyn_cast<FileLineColLoc>(diagnostic.getLocation());
    std::string op, message = file ? diagnostic.str() : nn::messageOf(diagnostic, &op);
    StringRef text = message;
    bool isUnsupported = text.consume_front(nn::unsupportedPrefix);
    std::string name = nn::nameOf(diagnostic.getLocation());
    if (file)
      name = (file.getFilename().getValue() + ":" + Twine(file.getLine())).str();
    bool isNamed = name.empty() || text.contains("'" + name + "'");
    std::string node = op.empty() ? "'" + name + "'" : "node '" + name + "' (" + op + ")";
    std::string whole = (isNamed ? "" : node + ": ") + text.str();
    if (!isError) {
      if (warn)
        warn(whole);
      return;
    }
    allUnsupported &= isUnsupported;
    // An op that became many kernels has the same said of each.
    if (!llvm::is_contained(messages, whole))
      messages.push_back(whole);
  };
  handler = std::make_unique<ScopedDiagnosticHandler>(&context, [collect](Diagnostic &diagnostic) {
    collect(diagnostic);
    return success();
  });
}

Failure DiagnosticCollector::failure(const std::string &fallback) const {
  if (messages.empty())
    return {ErrorCode::Internal, fallback};
  constexpr size_t shown = 5;
  std::string text = llvm::join(llvm::ArrayRef(messages).take_front(shown), "; ");
  if (messages.size() > shown)
    text += "; and " + std::to_string(messages.size() - shown) + " errors more";
  return {allUnsupported ? ErrorCode::Unsupported : ErrorCode::InvalidFile, text};
}

//===- Loading ------------------------------------------------------------===//

/// Inputs and outputs that have no name get that of their place, which is what tables call them.
static void nameArguments(func::FuncOp main) {
  Builder b(main.getContext());
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    if (!main.getArgAttrOfType<StringAttr>(i, "nn.name"))
      main.setArgAttr(i, "nn.name", b.getStringAttr("input" + Twine(i)));
  for (unsigned i = 0; i < main.getNumResults(); ++i)
    if (!main.getResultAttrOfType<StringAttr>(i, "nn.name"))
      main.setResultAttr(i, "nn.name", b.getStringAttr("output" + Twine(i)));
}

/// Whether inputs and outputs are such as the compiler knows: what is wrong with them, or nothing.
static std::string findInterfaceProblem(func::FuncOp main) {
  for (auto [i, type] : llvm::enumerate(main.getArgumentTypes())) {
    std::string which = "input " + std::to_string(i);
    auto ranked = dyn_cast<RankedTensorType>(type);
    if (!ranked || !nn::toDType(ranked.getElementType()))
      return which + " is no ranked tensor of a known element type";
    Attribute dims = main.getArgAttr(i, "nn.dims");
    auto names = dyn_cast_if_present<ArrayAttr>(dims);
    bool isList = names && static_cast<int64_t>(names.size()) == ranked.getRank() &&
                  llvm::all_of(names, llvm::IsaPred<StringAttr>);
    if (dims && !isList)
      return which + " needs as nn.dims a list of strings, one for each dimension";
  }
  for (auto [i, type] : llvm::enumerate(main.getResultTypes()))
    if (auto tensor = dyn_cast<TensorType>(type); !tensor || !nn::toDType(tensor.getElementType()))
      return "output " + std::to_string(i) + " is no tensor of a known element type";
  for (Type type : llvm::concat<const Type>(main.getArgumentTypes(), main.getResultTypes()))
    if (type != nn::withoutLayout(type))
      return "inputs or outputs are in a layout: those of a model are plain tensors";
  return "";
}

/// Why a value of a file of IR cannot be, or nothing.
static std::string refuseValue(Value value, const nn::Limits &limits) {
  RankedTensorType type = nn::rankedType(value);
  if (type && type.getRank() > nn::maxRank)
    return "has a value of rank " + std::to_string(type.getRank()) + "; the limit is " + std::to_string(nn::maxRank);
  std::string reason = type ? nn::refuseType(type, limits) : "";
  return reason.empty()
             ? ""
             : "line " +
                   std::to_string(isa<FileLineColLoc>(value.getLoc()) ? cast<FileLineColLoc>(value.getLoc()).getLine()
                                                                      : 0) +
                   ": " + reason;
}

/// Why a constant of a file of IR cannot be, or nothing. Its data is not touched.
static std::string refuseConstant(ElementsAttr value, const nn::Limits &limits) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  int64_t bytes = type ? nn::bytesOf(type).value_or(-1) : -1;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (bytes < 0 || !blob || static_cast<int64_t>(blob->getData().size()) != bytes)
      return "leaves out weights: write it with --dump-weights";
    return "";
  }
  if (bytes < 0 || !isa<DenseElementsAttr>(value))
    return "has a constant of no known form";
  // One element of text may stand for any number.
  return bytes > limits.foldBytes && isa<SplatElementsAttr>(value)
             ? "has a constant of more bytes than --limit fold-bytes allows: expand it with nn.expand"
             : "";
}

/// What is wrong with the sizes and constants of a file of IR, or nothing.
static std::string findSizeProblem(ModuleOp module, const nn::Limits &limits) {
  std::string problem;
  int64_t ops = 0;
  module->walk<WalkOrder::PreOrder>([&](Operation *op) {
    auto check = [&](const std::string &reason) { problem = problem.empty() ? reason : problem; };
    if (++ops > 2 * limits.ops + 64)
      check("has more than " + std::to_string(2 * limits.ops + 64) +
            " ops: make it smaller, or raise the limit (--limit ops=N)");
    if (op->getNumOperands() > limits.parts || op->getNumResults() > limits.parts)
      check("has an op of more than " + std::to_string(limits.parts) +
            " operands or results: use fewer, or raise the limit (--limit parts=N)");
    for (Value result : op->getResults())
      check(refuseValue(result, limits));
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Value argument : block.getArguments())
          check(refuseValue(argument, limits));
    if (auto constant = dyn_cast<nn::ConstantOp>(op))
      check(refuseConstant(constant.getValue(), limits));
    return problem.empty() ? WalkResult::advance() : WalkResult::interrupt();
  });
  return problem;
}

/// `text`: the source with a zero behind it.
static Expected<OwningOpRef<ModuleOp>> parseMlir(const std::string &path, std::span<const std::byte> text,
                                                 MLIRContext &context, const nn::Limits &limits) {
  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  DiagnosticCollector diagnostics(context);
  auto buffer =
      llvm::MemoryBuffer::getMemBuffer(StringRef(reinterpret_cast<const char *>(text.data()), text.size() - 1), path);
  if (std::string problem = nn::refuseText(buffer->getBuffer()); !problem.empty())
    return Failure{ErrorCode::InvalidFile, "'" + path + "' " + problem};
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return Failure{ErrorCode::InvalidFile, diagnostics.failure("'" + path + "' cannot be parsed").message};
  if (std::string problem = findSizeProblem(*module, limits); !problem.empty())
    return Failure{ErrorCode::InvalidFile, "'" + path + "' " + problem};
  auto function = module->lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal() || !function.getBody().hasOneBlock())
    return Failure{ErrorCode::InvalidFile, "'" + path + "' has no function @main of one block"};
  if (std::string problem = findInterfaceProblem(function); !problem.empty())
    return Failure{ErrorCode::InvalidFile, "'" + path + "': " + problem};
  nameArguments(function);
  return module;
}

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

void ModelSource::readInputs(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  for (auto [i, type] : llvm::enumerate(main.getArgumentTypes())) {
    auto given = main.getArgAttrOfType<StringAttr>(i, "nn.name");
    std::string name = given ? given.str() : "input" + std::to_string(i);
    auto ranked = dyn_cast<RankedTensorType>(type);
    bool isOpen = ranked && !ranked.hasStaticShape();
    if (inputs_.emplace(name, isOpen ? Input::Open : Input::Fixed).second && !main.getArgAttr(i, "nn.default"))
      required_.push_back(name);
  }
}

void ModelSource::readInputs(const onnx::GraphProto &graph) {
  std::set<StringRef> initialised;
  for (const auto &tensor : graph.initializer())
    initialised.insert(tensor.name());
  for (const auto &input : graph.input()) {
    const onnx::TypeProto *type = &input.type();
    bool isOptional = type->has_optional_type();
    if (isOptional)
      type = &type->optional_type().elem_type();
    auto isOpen = [](const auto &dim) { return !dim.has_dim_value() || dim.dim_value() < 0; };
    const auto &tensor = type->tensor_type();
    Input kind = !type->has_tensor_type()                                                          ? Input::Sequence
                 : isOptional || !tensor.has_shape() || llvm::any_of(tensor.shape().dim(), isOpen) ? Input::Open
                                                                                                   : Input::Fixed;
    if (inputs_.emplace(input.name(), kind).second && !initialised.contains(input.name()))
      required_.push_back(input.name());
  }
}

Expected<ModelSource> ModelSource::openAndLoad(const std::string &path, const CompileOptions &options,
                                               LoadedModel &model) {
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
    source.readInputs(*model.module);
  return source;
}

Expected<ModelSource> ModelSource::open(const std::string &path, const CompileOptions &options, bool readsData) {
  if (StringRef(path).ends_with(".mlir")) {
    LoadedModel model;
    return openAndLoad(path, options, model);
  }
  ModelSource source;
  source.path_ = path;
  Expected<nn::ModelFile> file = nn::readModelFile(path, readsData, options.content);
  if (!file)
    return file.failure();
  source.readInputs(file->proto->graph());
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

/// "x[2]" where x is a sequence.
bool ModelSource::isElement(const std::string &name) const {
  size_t bracket = name.rfind('[');
  auto input = inputs_.find(name.substr(0, bracket));
  return bracket != std::string::npos && name.ends_with("]") && input != inputs_.end() &&
         input->second == Input::Sequence;
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
    auto input = inputs_.find(name);
    if (input != inputs_.end() ? input->second != Input::Fixed : isElement(name))
      chosen.shapes.emplace(name, tensor.shape());
  }
  return chosen;
}

Expected<LoadedModel> ModelSource::load(const CompileOptions &options, std::vector<nn::NodeReport> *report) const {
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
  nn::setLimits(*model.module, options.limits);
  nn::countGivenBytes(*model.module);
  if (!onnx_)
    declareValues(*model.module, options.values);
  return model;
}

} // namespace sinter::codegen

namespace sinter {

Status checkLimits(const CompileOptions &options) {
  nn::Limits limits;
  for (const auto &[name, most] : options.limits)
    if (!limits.find(name) || most < 0)
      return {ErrorCode::InvalidArgument,
              "there is no limit '" + name + "'; the limits are numbers from 0 on for " + nn::Limits::names()};
  return {};
}

} // namespace sinter

namespace sinter::codegen {

Expected<LoadedModel> loadModel(const std::string &path, const CompileOptions &options) {
  LoadedModel model;
  if (Expected<ModelSource> source = ModelSource::openAndLoad(path, options, model); !source)
    return source.failure();
  return model;
}

//===- Passes -------------------------------------------------------------===//

namespace {

/// Writes the IR after passes: to stderr where --print-ir-after asks, to numbered files of --dump-dir.
class DumpIr : public PassInstrumentation {
public:
  /// `problem` is told of a file that could not be written.
  DumpIr(const CompileOptions &options, Status &problem) : options(options), problem(problem) {}

  void runAfterPass(Pass *pass, Operation *op) override {
    if (StringRef name = pass->getArgument(); !name.empty())
      write(name, op);
  }

  void write(StringRef stage, Operation *op) {
    auto asks = [&](const std::string &asked) { return asked == "all" || asked == stage; };
    OpPrintingFlags shortened;
    shortened.elideLargeElementsAttrs(16).elideLargeResourceString(64);
    if (llvm::any_of(options.printIrAfter, asks)) {
      llvm::errs() << "// ----- after " << stage << "\n";
      op->print(llvm::errs(), shortened);
      llvm::errs() << "\n";
    }
    if (options.dumpDir.empty())
      return;
    std::string file;
    llvm::raw_string_ostream(file) << options.dumpDir << "/" << llvm::format("%02d-", count++) << stage << ".mlir";
    OutputSet dump;
    Status status = codegen::addOutput(dump, file, [&](llvm::raw_ostream &out) {
      op->print(out, options.dumpWeights ? OpPrintingFlags().enableDebugInfo() : shortened);
    });
    if (status.ok())
      status = dump.commit();
    if (!status.ok())
      problem = status;
  }

private:
  const CompileOptions &options;
  Status &problem;
  int count = 0;
};

/// Reports each pass as it begins. A pass manager cannot be stopped from outside: once cancelled, its passes do
/// nothing.
class PassProgress {
public:
  PassProgress(MLIRContext &context, const CompileOptions &options, size_t passes)
      : context(context), options(options), passes(passes) {
    // --verify-rewrites needs the context's one handler for itself.
    isOn = options.progress && !options.verifyRewrites;
    listen();
  }
  /// Takes the handler, again where others had it meanwhile.
  void listen() {
    if (!isOn)
      return;
    context.registerActionHandler([this](function_ref<void()> act, const tracing::Action &action) {
      if (isa<PassExecutionAction>(action) && status.ok()) {
        double part = std::min(1.0, static_cast<double>(started++) / static_cast<double>(passes));
        status = reportProgress(options, "optimise", 0.05 + 0.25 * part);
      }
      if (status.ok())
        act();
    });
  }
  ~PassProgress() {
    if (isOn)
      context.registerActionHandler(nullptr);
  }
  PassProgress(const PassProgress &) = delete;
  PassProgress &operator=(const PassProgress &) = delete;

  Status status;

private:
  MLIRContext &context;
  const CompileOptions &options;
  const size_t passes;
  bool isOn = false;
  size_t started = 0;
};

/// Tells of rewrites that the guard found, and writes them to where `explain` reads.
Status reportUnsound(ModuleOp module, const RewriteGuard &guard, const CompileOptions &options) {
  Builder b(module.getContext());
  SmallVector<Attribute> rows;
  for (const UnsoundRewrite &rewrite : guard.found()) {
    if (options.failOnUnsound || !rewrite.isWithheld)
      return {ErrorCode::Internal, rewrite.message()};
    if (options.warn)
      options.warn(rewrite.message());
    rows.push_back(b.getStrArrayAttr({rewrite.pass, rewrite.rewrite, rewrite.change}));
  }
  if (!rows.empty())
    module->setAttr(nn::unsoundRewritesAttr, b.getArrayAttr(rows));
  module->setAttr(nn::rewriteCheckAttr,
                  b.getDictionaryAttr({b.getNamedAttr("compared", b.getI64IntegerAttr(guard.compared)),
                                       b.getNamedAttr("unchecked", b.getI64IntegerAttr(guard.unchecked)),
                                       b.getNamedAttr("reason", b.getStringAttr(guard.why))}));
  return {};
}

} // namespace

Expected<Target> targetFor(const CompileOptions &options) {
  Expected<Target> target = resolveTarget(options.targetTriple, options.targetCpu);
  if (!target || options.math != "strict")
    return target;
  // Products are rounded before they are added, whatever the processor could do in one step, and none is saved.
  target->hasFma = target->winograd = false;
  return target;
}

static nn::PipelineOptions pipelineOptions(const CompileOptions &options) {
  nn::PipelineOptions pipeline;
  pipeline.optimise = options.optimise;
  pipeline.prune = options.prune;
  pipeline.refactor = options.math != "strict";
  pipeline.exposeKernels = options.exposeKernels;
  for (const auto &[name, shape] : options.shapes)
    pipeline.shapes.push_back(name + "=" + toString(shape));
  for (const auto &[name, size] : options.dims)
    pipeline.dims.push_back(name + "=" + std::to_string(size));
  return pipeline;
}

/// The names of @main's arguments, for messages.
static std::string inputNames(func::FuncOp main) {
  std::string names;
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    if (auto name = main.getArgAttrOfType<StringAttr>(i, "nn.name"))
      names += (names.empty() ? "" : ", ") + name.str();
  return names;
}

/// Writes what the options say of inputs and values to where range analysis reads it.
static Status declareRanges(ModuleOp module, const CompileOptions &options) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  Builder b(module.getContext());
  if (options.assumeFinite)
    module->setAttr(nn::assumeFiniteAttr, b.getUnitAttr());
  if (options.math == "strict")
    module->setAttr(roundEachOpAttr, b.getUnitAttr());
  for (const auto &[name, range] : options.inputRanges) {
    unsigned i = 0;
    while (i < main.getNumArguments() && main.getArgAttrOfType<StringAttr>(i, "nn.name") != name)
      ++i;
    if (i == main.getNumArguments())
      return {ErrorCode::InvalidArgument, "--input-range names '" + name +
                                              "', which is no input of the model; its inputs are: " + inputNames(main)};
    auto [low, high] = range;
    if (!(std::isfinite(low) && std::isfinite(high) && low <= high))
      return {ErrorCode::InvalidArgument, "the range of input '" + name + "' needs finite bounds, the lower one first"};
    if (nn::elementTypeOf(main.getArgument(i)).isInteger(1))
      return {ErrorCode::InvalidArgument,
              "input '" + name + "' holds no numbers, so it has no range; the inputs are: " + inputNames(main)};
    main.setArgAttr(i, nn::inputRangeAttr, b.getDenseF64ArrayAttr({low, high}));
  }
  return {};
}

Status specialiseShapes(LoadedModel &model, const CompileOptions &options) {
  DiagnosticCollector diagnostics(*model.context, options.warn);
  PassManager passes(model.context.get());
  nn::PipelineOptions pipeline = pipelineOptions(options);
  nn::SpecialiseShapesOptions shapes;
  shapes.shapes.assign(pipeline.shapes.begin(), pipeline.shapes.end());
  shapes.dims.assign(pipeline.dims.begin(), pipeline.dims.end());
  shapes.wideNorms = pipeline.refactor;
  passes.addPass(nn::createSpecialiseShapes(shapes));
  if (failed(passes.run(*model.module)))
    return diagnostics.failure("shapes cannot be inferred: please report this model");
  return {};
}

Status lowerToKernels(LoadedModel &model, const CompileOptions &options, const Target &target, const Judge &judge,
                      std::optional<Fault> *fault) {
  if (std::error_code error =
          options.dumpDir.empty() ? std::error_code() : llvm::sys::fs::create_directories(options.dumpDir))
    return {ErrorCode::Io, "cannot create the folder '" + options.dumpDir + "': " + error.message()};
  if (Status declared = declareRanges(*model.module, options); !declared.ok())
    return declared;
  DiagnosticCollector diagnostics(*model.context, options.warn);
  PassManager passes(model.context.get());
  Status dumped;
  auto dump = std::make_unique<DumpIr>(options, dumped);
  dump->write("import", *model.module);
  passes.addInstrumentation(std::move(dump));
  PassWatch judged(judge);
  if (judge)
    judged.attach(passes);
  RewriteCheck check(options);
  PassWatch checked([&](StringRef pass, ModuleOp module) { return check.accepts(pass, module); });
  if (options.verifyRewrites)
    checked.attach(passes);
  nn::PipelineOptions pipeline = pipelineOptions(options);
  // The reference is what passes are compared with: it computes each node as it was imported.
  pipeline.optimise &= options.backend != "reference";
  // oneDNN and the reference have layouts of their own.
  bool isOurs = options.backend == "auto" || options.backend == "llvm";
  pipeline.lowPrecision = isOurs && options.precision == "bf16";
  if (pipeline.lowPrecision && !target.hasBfloatDots)
    return {ErrorCode::Unsupported,
            "--precision bf16 needs AVX512-BF16, which " + target.cpu +
                " lacks: leave it out, or compile for a processor that has it (--target-cpu cooperlake)"};
  if (pipeline.lowPrecision && options.optimise)
    model.module->getOperation()->setAttr(nn::bfloatProductsAttr, UnitAttr::get(model.context.get()));
  pipeline.layoutBlock = isOurs ? target.lanes(32) : 0;
  pipeline.secondOutputs = pipeline.integerKernels = isOurs;
  pipeline.addBackendAssignment = [&](OpPassManager &manager) {
    nn::AssignBackendOptions choice;
    choice.backend = options.backend;
    manager.addPass(nn::createAssignBackend(
        choice, {[&](nn::KernelOp kernel) { return refuseKernel(kernel, target); },
                 [&](nn::KernelOp kernel) { return refuseOneDnn(kernel, /*assumeFinite=*/false); },
                 [&](nn::KernelOp kernel) { return algorithmOf(kernel, target); },
                 // strict keeps roundings that oneDNN does not promise.
                 isTuned(options.tune) && options.backend == "auto" && options.math != "strict"}));
  };
  auto build = [&](OpPassManager &manager) { nn::buildPipeline(manager, pipeline); };
  build(passes);
  PassProgress progress(*model.context, options, passes.size());
  // What looks for faults itself wants to see them.
  RewriteGuard guard(build, [&] { progress.listen(); });
  bool isGuarded = options.checkRewrites && !options.verifyRewrites && !judge;
  if (isGuarded)
    guard.attach(passes);
  if (failed(passes.run(*model.module)))
    return diagnostics.failure("a pass failed without a reason: please report this model");
  if (!progress.status.ok())
    return progress.status;
  if (Status status = isGuarded ? reportUnsound(*model.module, guard, options) : Status(); !status.ok())
    return status;
  if (fault)
    *fault = judged.findFault(build);
  if (std::optional<Fault> found = checked.findFault(build))
    return check.status(*found);
  return dumped;
}

} // namespace sinter::codegen
