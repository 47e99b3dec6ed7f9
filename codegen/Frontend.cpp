// See the header.
#include "codegen/Frontend.h"
#include "codegen/llvm/KernelEmitter.h"
#include "codegen/onednn/OneDnn.h"
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "ir/onnx/Importer.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/AssignBackend.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace sinter::codegen {

//===- Diagnostics --------------------------------------------------------===//

DiagnosticCollector::DiagnosticCollector(MLIRContext &context) {
  auto collect = [this](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
      return;
    std::string message = diagnostic.str();
    StringRef text = message;
    allUnsupported &= text.consume_front(nn::unsupportedPrefix);
    std::string name = nn::nameOf(diagnostic.getLocation());
    if (auto file = dyn_cast<FileLineColLoc>(diagnostic.getLocation()))
      name = (file.getFilename().getValue() + ":" + Twine(file.getLine())).str();
    bool isNamed = name.empty() || text.contains("'" + name + "'");
    messages.push_back((isNamed ? "" : "'" + name + "': ") + text.str());
  };
  handler = std::make_unique<ScopedDiagnosticHandler>(&context, [collect](Diagnostic &diagnostic) {
    collect(diagnostic);
    return success();
  });
}

Failure DiagnosticCollector::failure(const std::string &fallback) const {
  if (messages.empty())
    return {ErrorCode::Internal, fallback};
  return {allUnsupported ? ErrorCode::Unsupported : ErrorCode::InvalidFile, llvm::join(messages, "\n")};
}

//===- Loading ------------------------------------------------------------===//

static Expected<OwningOpRef<ModuleOp>> parseMlir(const std::string &path, MLIRContext &context) {
  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  DiagnosticCollector diagnostics(context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(path, &context);
  if (!module)
    return Failure{ErrorCode::InvalidFile, diagnostics.failure("'" + path + "' cannot be parsed").message};
  auto function = module->lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal() || !function.getBody().hasOneBlock())
    return Failure{ErrorCode::InvalidFile, "'" + path + "' has no function @main of one block"};
  return module;
}

Expected<LoadedModel> loadModel(const std::string &path, const CompileOptions &options) {
  LoadedModel model;
  // Passes run on one thread: a model is one function. Kernels are compiled in parallel by their own threads.
  model.context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  bool isMlir = StringRef(path).ends_with(".mlir");
  nn::ImportOptions import{options.freezeInputs};
  Expected<OwningOpRef<ModuleOp>> module =
      isMlir ? parseMlir(path, *model.context) : nn::importOnnx(path, *model.context, import);
  if (!module)
    return module.failure();
  model.module = std::move(*module);
  return model;
}

//===- Passes -------------------------------------------------------------===//

namespace {

/// Writes the IR after passes: to stderr where --print-ir-after asks, to numbered files of --dump-dir.
class DumpIr : public PassInstrumentation {
public:
  explicit DumpIr(const CompileOptions &options) : options(options) {}

  void runAfterPass(Pass *pass, Operation *op) override {
    StringRef name = pass->getArgument();
    if (name.empty())
      return;
    auto asks = [&](const std::string &asked) { return asked == "all" || asked == name; };
    OpPrintingFlags flags;
    flags.elideLargeElementsAttrs(16).elideLargeResourceString(64);
    if (llvm::any_of(options.printIrAfter, asks)) {
      llvm::errs() << "// ----- after " << name << "\n";
      op->print(llvm::errs(), flags);
      llvm::errs() << "\n";
    }
    if (options.dumpDir.empty())
      return;
    std::string file;
    llvm::raw_string_ostream(file) << options.dumpDir << "/" << llvm::format("%02d-", count++) << name
                                   << ".mlir";
    std::error_code error;
    llvm::raw_fd_ostream out(file, error);
    if (!error)
      op->print(out, flags);
  }

private:
  const CompileOptions &options;
  int count = 1;
};

/// Calls a function after every pass that has a flag.
class Observe : public PassInstrumentation {
public:
  explicit Observe(const AfterPass &afterPass) : afterPass(afterPass) {}

  void runAfterPass(Pass *pass, Operation *op) override {
    if (auto module = dyn_cast<ModuleOp>(op); module && !pass->getArgument().empty())
      afterPass(pass->getArgument(), module);
  }

private:
  const AfterPass &afterPass;
};

} // namespace

static nn::PipelineOptions pipelineOptions(const CompileOptions &options) {
  nn::PipelineOptions pipeline;
  pipeline.optimise = options.optimise;
  pipeline.exposeKernels = options.exposeKernels;
  for (const auto &[name, shape] : options.shapes)
    pipeline.shapes.push_back(name + "=" + toString(shape));
  for (const auto &[name, size] : options.dims)
    pipeline.dims.push_back(name + "=" + std::to_string(size));
  return pipeline;
}

Status specialiseShapes(LoadedModel &model, const CompileOptions &options) {
  DiagnosticCollector diagnostics(*model.context);
  PassManager passes(model.context.get());
  nn::PipelineOptions pipeline = pipelineOptions(options);
  nn::SpecialiseShapesOptions shapes;
  shapes.shapes.assign(pipeline.shapes.begin(), pipeline.shapes.end());
  shapes.dims.assign(pipeline.dims.begin(), pipeline.dims.end());
  passes.addPass(nn::createSpecialiseShapes(shapes));
  if (failed(passes.run(*model.module)))
    return diagnostics.failure("shapes cannot be inferred: please report this model");
  return {};
}

Status lowerToKernels(LoadedModel &model, const CompileOptions &options, const Target &target,
                      const AfterPass &afterPass) {
  if (std::error_code error =
          options.dumpDir.empty() ? std::error_code() : llvm::sys::fs::create_directories(options.dumpDir))
    return {ErrorCode::Io, "cannot create the folder '" + options.dumpDir + "': " + error.message()};
  DiagnosticCollector diagnostics(*model.context);
  PassManager passes(model.context.get());
  passes.addInstrumentation(std::make_unique<DumpIr>(options));
  if (afterPass)
    passes.addInstrumentation(std::make_unique<Observe>(afterPass));
  nn::PipelineOptions pipeline = pipelineOptions(options);
  pipeline.addBackendAssignment = [&](OpPassManager &manager) {
    nn::AssignBackendOptions choice;
    choice.backend = options.backend;
    manager.addPass(nn::createAssignBackend(
        choice, {[&](nn::KernelOp kernel) { return refuseKernel(kernel, target); },
                 [&](nn::KernelOp kernel) { return refuseOneDnn(kernel, options.assumeFinite); }}));
  };
  nn::buildPipeline(passes, pipeline);
  if (failed(passes.run(*model.module)))
    return diagnostics.failure("a pass failed without a reason: please report this model");
  return {};
}

} // namespace sinter::codegen
