// Builds one pass manager with instrumentations for dumps, progress, bisecting and the check of rewrites, and runs it.
#include "compiler/LowerToKernels.h"
#include "codegen/Output.h"
#include "compiler/PassPipeline.h"
#include "compiler/Remarks.h"
#include "compiler/check/RewriteGuard.h"
#include "compiler/verify/RewriteCheck.h"
#include "ir/DiagnosticCollector.h"
#include "mlir/IR/Builders.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Explain.h"
#include "passes/Passes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace sinter::codegen {

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

Status specialiseShapes(LoadedModel &model, const CompileOptions &options) {
  DiagnosticCollector diagnostics(*model.context, options.warn);
  PassManager passes(model.context.get());
  nn::PipelineOptions pipeline = pipelineFor(options);
  nn::SpecialiseShapesOptions shapes;
  shapes.shapes.assign(pipeline.shapes.begin(), pipeline.shapes.end());
  shapes.dims.assign(pipeline.dims.begin(), pipeline.dims.end());
  shapes.wideNorms = pipeline.reassociate;
  passes.addPass(nn::createSpecialiseShapes(shapes));
  if (failed(passes.run(*model.module)))
    return diagnostics.failure("shapes cannot be inferred: please report this model");
  return {};
}

Status lowerToKernels(LoadedModel &model, const CompileOptions &options, const Target &target, const Judge &judge,
                      std::optional<Fault> *fault, RemarkCollector *remarks) {
  if (std::error_code error =
          options.dumpDir.empty() ? std::error_code() : llvm::sys::fs::create_directories(options.dumpDir))
    return {ErrorCode::Io, "cannot create the folder '" + options.dumpDir + "': " + error.message()};
  if (Status declared = declareOptions(*model.module, options); !declared.ok())
    return declared;
  DiagnosticCollector diagnostics(*model.context, options.warn);
  PassManager passes(model.context.get());
  Status dumped;
  auto dump = std::make_unique<DumpIr>(options, dumped);
  dump->write("import", *model.module);
  passes.addInstrumentation(std::move(dump));
  PassBisector judged(judge);
  if (judge)
    judged.attach(passes);
  RewriteCheck check(options);
  PassBisector checked([&](StringRef pass, ModuleOp module) { return check.accepts(pass, module); });
  if (options.verifyRewrites)
    checked.attach(passes);
  Expected<nn::PipelineOptions> pipeline = pipelineFor(options, target);
  if (!pipeline)
    return pipeline.failure();
  auto build = [&](OpPassManager &manager) { nn::buildPipeline(manager, *pipeline); };
  build(passes);
  PassProgress progress(*model.context, options, passes.size());
  // A caller that searches for faults itself wants to see them.
  RewriteGuard guard(build, [&] { progress.listen(); });
  bool isGuarded = options.checkRewrites && !options.verifyRewrites && !judge;
  if (isGuarded)
    guard.attach(passes);
  if (remarks)
    remarks->attach(passes);
  if (failed(passes.run(*model.module)))
    return diagnostics.failure("a pass failed without a reason: please report this model");
  if (!progress.status.ok())
    return progress.status;
  if (Status status = isGuarded ? reportUnsound(*model.module, guard, options) : Status(); !status.ok())
    return status;
  if (remarks)
    for (const UnsoundRewrite &unsound : guard.found())
      remarks->takeBack(unsound.pass, unsound.rewrite);
  if (fault)
    *fault = judged.findFault(build);
  if (std::optional<Fault> found = checked.findFault(build))
    return check.status(*found);
  return dumped;
}

} // namespace sinter::codegen
