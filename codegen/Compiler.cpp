// The stages of a compilation, and which of them each kind of output takes.
#include "codegen/Compiler.h"
#include "codegen/Frontend.h"
#include "codegen/Reference.h"
#include "codegen/llvm/CompileKernels.h"
#include "codegen/llvm/Jit.h"
#include "codegen/llvm/Link.h"
#include "codegen/llvm/ModelHeader.h"
#include "codegen/llvm/StandaloneHeader.h"
#include "codegen/tuning/Tuner.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

namespace sinter {

using namespace codegen;

namespace {

/// What all outputs start from: kernels planned for a target.
struct Planned {
  Target target;
  LoadedModel model;
};

Expected<Planned> plan(const std::string &path, const CompileOptions &options) {
  Expected<Target> target = targetFor(options);
  if (!target)
    return target.failure();
  if (Status status = checkTuning(options, *target); !status.ok())
    return status.failure();
  if (Status status = reportProgress(options, "import", 0); !status.ok())
    return status.failure();
  Expected<LoadedModel> model = loadModel(path, options);
  if (!model)
    return model.failure();
  if (Status status = lowerToKernels(*model, options, *target); !status.ok())
    return status.failure();
  if (Status status = tuneKernels(*model, options, *target); !status.ok())
    return status.failure();
  return Planned{std::move(*target), std::move(*model)};
}

std::string printed(const LoadedModel &model) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  (*model.module)->print(stream, mlir::OpPrintingFlags().enableDebugInfo());
  return text + "\n";
}

} // namespace

Status reportProgress(const CompileOptions &options, const char *stage, double fraction) {
  if (options.progress && !options.progress(stage, fraction))
    return {ErrorCode::Internal, "the compilation was cancelled"};
  return {};
}

Expected<std::shared_ptr<CompiledModel>> compileInProcess(const std::string &modelPath, const CompileOptions &options) {
  Expected<Planned> planned = plan(modelPath, options);
  if (!planned)
    return planned.failure();
  if (options.backend == "reference")
    return interpretedModel(std::move(planned->model));
  Expected<Program> program = buildProgram(planned->model, options, planned->target);
  if (!program)
    return program.failure();
  Expected<std::vector<std::string>> objects = compileObjects(*program, planned->target, options);
  if (!objects)
    return objects.failure();
  if (Status status = reportProgress(options, "link", 0.95); !status.ok())
    return status.failure();
  return linkInProcess(*program, std::move(*objects), planned->target);
}

/// The options of a standalone object, with what follows from them.
static Expected<CompileOptions> standaloneOptions(CompileOptions options, const std::string &outPath, Emit emit) {
  if (emit != Emit::Obj)
    return Failure{ErrorCode::InvalidArgument, "a standalone model is an object: add --emit obj"};
  if (options.backend == "onednn")
    return Failure{ErrorCode::InvalidArgument, "a standalone object cannot call oneDNN: use --backend llvm"};
  if (options.backend == "auto")
    options.backend = "llvm";
  if (options.symbol.empty())
    options.symbol = identifierOf(llvm::sys::path::stem(outPath));
  else if (options.symbol != identifierOf(options.symbol))
    return Failure{ErrorCode::InvalidArgument, "--symbol '" + options.symbol + "' is no C identifier"};
  return options;
}

Status compileToFile(const std::string &modelPath, const std::string &outPath, Emit emit,
                     const CompileOptions &given) {
  CompileOptions options = given;
  if (given.standalone) {
    Expected<CompileOptions> adapted = standaloneOptions(given, outPath, emit);
    if (!adapted)
      return adapted.failure();
    options = std::move(*adapted);
  }
  if (options.backend == "reference" && emit != Emit::Mlir)
    return {ErrorCode::InvalidArgument, "--backend reference interprets the model: it can run it, not write code for it"};
  Expected<Planned> planned = plan(modelPath, options);
  if (!planned)
    return planned.failure();
  if (emit == Emit::Mlir)
    return writeTextFile(outPath, printed(planned->model));
  Expected<Program> program = buildProgram(planned->model, options, planned->target);
  if (!program)
    return program.failure();
  if (options.standalone)
    program->standalone = Standalone{options.symbol, options.weightsFile};
  if (emit == Emit::Llvm || emit == Emit::Asm) {
    Expected<std::string> text = compileToText(*program, planned->target, emit == Emit::Asm);
    return text ? writeTextFile(outPath, *text) : Status(text.failure());
  }
  Expected<std::vector<std::string>> objects = compileObjects(*program, planned->target, options);
  if (!objects)
    return objects.failure();
  if (Status status = reportProgress(options, "link", 0.95); !status.ok())
    return status;
  if (Status status = linkToFile(*program, *objects, planned->target, outPath, emit == Emit::So); !status.ok())
    return status;
  if (emit != Emit::Obj)
    return {};
  if (!options.weightsFile.empty())
    if (Status status = writeWeightsFile(program->weights, options.weightsFile); !status.ok())
      return status;
  return writeTextFile(headerPath(outPath), options.standalone ? standaloneHeader(*program, planned->target)
                                                               : modelHeader(*program));
}

Expected<std::string> describeTarget(const CompileOptions &options) {
  Expected<Target> target = targetFor(options);
  if (!target)
    return target.failure();
  return target->triple + " " + target->cpu;
}

} // namespace sinter
