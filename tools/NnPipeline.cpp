// The passes come from compiler/PassPipeline; this file has the text of their options alone.
#include "tools/NnPipeline.h"
#include "compiler/LowerToKernels.h"
#include "compiler/PassPipeline.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "runtime/BackendChoice.h"
#include "runtime/OptionMark.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace sinter {
namespace {

struct PipelineText : PassPipelineOptions<PipelineText> {
  Option<bool> optimise{*this, "optimise", llvm::cl::desc("false: as with -O0"), llvm::cl::init(true)};
  Option<std::string> targetCpu{*this, "target-cpu", llvm::cl::desc("as --target-cpu; empty: this machine's")};
  Option<std::string> targetTriple{*this, "target-triple", llvm::cl::desc("as --target-triple; empty: this machine's")};
  Option<std::string> backend{*this, "backend", llvm::cl::desc("as --backend"), llvm::cl::init("auto")};
  Option<std::string> math{*this, "math", llvm::cl::desc("as --math"), llvm::cl::init("default")};
  Option<std::string> precision{*this, "precision", llvm::cl::desc("as --precision"), llvm::cl::init("f32")};
  Option<bool> prune{*this, "prune", llvm::cl::desc("false: as with --no-prune"), llvm::cl::init(true)};
  Option<bool> assumeFinite{*this, "assume-finite", llvm::cl::desc("as --assume-finite"), llvm::cl::init(false)};
  Option<bool> exposeKernels{*this, "expose-kernels", llvm::cl::desc("results of kernels are outputs, too"),
                             llvm::cl::init(false)};
  ListOption<std::string> shapes{*this, "shapes", llvm::cl::desc("input shapes, NAME=1x3x224x224")};
  ListOption<std::string> dims{*this, "dims", llvm::cl::desc("values of symbolic dimensions, NAME=4")};
};

/// Writes what the options say into the module, as a compilation does before its first pass.
struct DeclareOptions : PassWrapper<DeclareOptions, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(DeclareOptions)
  explicit DeclareOptions(CompileOptions options) : options(std::move(options)) {}
  void runOnOperation() override {
    if (Status status = codegen::declareOptions(getOperation(), options); !status.ok()) {
      getOperation()->emitError() << status.message();
      signalPassFailure();
    }
  }
  CompileOptions options;
};

/// Why the value is none of the choices; empty if it is one.
std::string checkChoice(StringRef option, const std::string &value, ArrayRef<std::string> choices) {
  if (llvm::is_contained(choices, value))
    return "";
  return (option + " '" + value + "' is none of " + llvm::join(choices, ", ")).str();
}

std::string checkChoices(const CompileOptions &options) {
  if (std::string wrong = checkChoice("backend", options.backend, BackendChoice::all()); !wrong.empty())
    return wrong;
  if (std::string wrong = checkChoice("math", options.math, {"strict", "default", "fast"}); !wrong.empty())
    return wrong;
  return checkChoice("precision", options.precision, {"f32", "bf16"});
}

/// The pipeline that the text asks for.
Expected<nn::PipelineOptions> pipelineOf(const PipelineText &text, CompileOptions &options) {
  options.optimise = text.optimise;
  options.targetCpu = text.targetCpu;
  options.targetTriple = text.targetTriple;
  options.backend = text.backend;
  options.math = text.math;
  options.precision = text.precision;
  options.prune = text.prune;
  options.assumeFinite = text.assumeFinite;
  options.exposeKernels = text.exposeKernels;
  if (std::string wrong = checkChoices(options); !wrong.empty())
    return Failure{ErrorCode::InvalidArgument, wrong};
  Expected<codegen::Target> target = codegen::targetFor(options);
  if (!target)
    return target.failure();
  Expected<nn::PipelineOptions> pipeline = codegen::pipelineFor(options, *target);
  if (pipeline) {
    // nn-specialise-shapes takes them as text.
    pipeline->shapes.assign(text.shapes.begin(), text.shapes.end());
    pipeline->dims.assign(text.dims.begin(), text.dims.end());
  }
  return pipeline;
}

/// "math=strict": how the pipeline's text sets a compile option.
std::string asPassOption(std::string_view name, std::string_view value) {
  return std::string(name) + (value.empty() ? "" : "=") + std::string(value);
}

} // namespace

void registerNnPipeline() {
  auto build = [](OpPassManager &passes, StringRef text, function_ref<LogicalResult(const Twine &)> fail) {
    PipelineText parsed;
    if (failed(parsed.parseFromString(text)))
      return failure();
    CompileOptions options;
    Expected<nn::PipelineOptions> pipeline = pipelineOf(parsed, options);
    if (!pipeline)
      return fail(expandOptionMarks(pipeline.failure().message, asPassOption));
    passes.addPass(std::make_unique<DeclareOptions>(options));
    nn::buildPipeline(passes, *pipeline);
    return success();
  };
  auto visit = [](function_ref<void(const detail::PassOptions &)> take) { take(PipelineText()); };
  registerPassPipeline("nn-pipeline", "all passes in order, as `sinter compile` runs them with these options", build,
                       visit);
}

} // namespace sinter
