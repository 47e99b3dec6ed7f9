// The stages of a compilation, and which of them each kind of output takes.
#include "compiler/Compiler.h"
#include "codegen/Output.h"
#include "codegen/artefact/CompileKernels.h"
#include "codegen/artefact/Jit.h"
#include "codegen/artefact/Link.h"
#include "codegen/artefact/ModelHeader.h"
#include "codegen/artefact/StandaloneHeader.h"
#include "codegen/artefact/WeightPool.h"
#include "compiler/BuildProgram.h"
#include "compiler/InProcess.h"
#include "compiler/Interpreter.h"
#include "compiler/LowerToKernels.h"
#include "compiler/ModelSource.h"
#include "compiler/Symbols.h"
#include "compiler/tuning/Tuner.h"
#include "runtime/BackendChoice.h"
#include "runtime/OptionMark.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <optional>

namespace sinter {

using namespace codegen;

namespace {

/// One variant of what is compiled: shapes on a processor.
struct PlannedVariant {
  const Target *target;
  CompileOptions options;
  LoadedModel model;
};

/// Variants of a model, with kernels planned for their targets: every kind of file is made from them.
struct Planned {
  std::vector<std::unique_ptr<Target>> targets; ///< the most demanding first
  std::vector<PlannedVariant> variants;         ///< the program needs their models
  std::optional<ModelSource> source;            ///< no output replaces its files while it is here

  const Target &base() const { return *targets.back(); }
};

/// "x86-64-v3,x86-64-v2" taken apart; an empty name is this machine's processor.
std::vector<std::string> targetCpus(const CompileOptions &options) {
  llvm::SmallVector<llvm::StringRef> parts;
  llvm::StringRef(options.targetCpu).split(parts, ',');
  return {parts.begin(), parts.end()};
}

/// The targets of the options, which may list several processors.
Expected<std::vector<std::unique_ptr<Target>>> targetsFor(const CompileOptions &options) {
  std::vector<std::unique_ptr<Target>> targets;
  std::vector<std::string> cpus = targetCpus(options);
  for (const std::string &cpu : cpus) {
    if (cpu.empty() && cpus.size() > 1)
      return Failure{ErrorCode::InvalidArgument,
                     optionMark("target-cpu") + " '" + options.targetCpu + "' has an empty name"};
    CompileOptions one = options;
    one.targetCpu = cpu;
    Expected<Target> target = targetFor(one);
    if (!target)
      return target.failure();
    targets.push_back(std::make_unique<Target>(std::move(*target)));
  }
  llvm::stable_sort(targets, [](const auto &a, const auto &b) { return a->required.size() > b->required.size(); });
  for (size_t i = 0; i + 1 < targets.size(); ++i)
    if (targets[i]->required == targets[i + 1]->required)
      return Failure{ErrorCode::InvalidArgument, optionMark("target-cpu") + " lists '" + targets[i]->cpu + "' and '" +
                                                     targets[i + 1]->cpu +
                                                     "', which need the same features: a loader could not choose"};
  return targets;
}

/// The model for each target and set of shapes, or the one that the options describe.
Expected<Planned> plan(const std::string &path, const CompileOptions &options) {
  Expected<std::vector<std::unique_ptr<Target>>> targets = targetsFor(options);
  if (!targets)
    return targets.failure();
  for (const std::unique_ptr<Target> &target : *targets)
    if (Status status = checkTuning(options, *target); !status.ok())
      return status.failure();
  if (Status status = reportProgress(options, "import", 0); !status.ok())
    return status.failure();
  Expected<ModelSource> source = ModelSource::open(path, options);
  if (!source)
    return source.failure();
  Planned planned{std::move(*targets), {}, {}};
  size_t shapes = std::max<size_t>(1, options.shapeSets.size()), count = shapes * planned.targets.size();
  for (size_t i = 0; i < count; ++i) {
    const Target &target = *planned.targets[i / shapes];
    CompileOptions chosen =
        options.shapeSets.empty() ? options : source->withShapes(options, options.shapeSets[i % shapes]);
    if (Status status = checkSizesOfFile(source->interface(), chosen); !status.ok())
      return status.failure();
    Expected<LoadedModel> model = source->load(chosen);
    if (!model)
      return model.failure();
    if (count > 1 && !options.dumpDir.empty())
      chosen.dumpDir += "/shapes-" + std::to_string(i);
    if (Status status = lowerToKernels(*model, chosen, target); !status.ok())
      return status.failure();
    if (Status status = tuneKernels(*model, chosen, target); !status.ok())
      return status.failure();
    planned.variants.push_back({&target, std::move(chosen), std::move(*model)});
  }
  planned.source = std::move(*source);
  return planned;
}

Expected<Program> buildProgram(const Planned &planned) {
  Program program;
  for (const PlannedVariant &variant : planned.variants)
    if (Status status = addVariant(program, variant.model, variant.options, *variant.target, /*takesWeights=*/true);
        !status.ok())
      return status.failure();
  return program;
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

Expected<std::shared_ptr<CompiledModel>> codegen::compileInProcess(LoadedModel model, const CompileOptions &options,
                                                                   WeightPool *pool) {
  Expected<Target> target = targetFor(options);
  if (!target)
    return target.failure();
  if (Status status = checkTuning(options, *target); !status.ok())
    return status.failure();
  if (Status status = lowerToKernels(model, options, *target); !status.ok())
    return status.failure();
  if (Status status = tuneKernels(model, options, *target); !status.ok())
    return status.failure();
  if (BackendChoice(options.backend).isReference())
    return interpretedModel(std::move(model), options);
  Program program;
  if (Status status = addVariant(program, model, options, *target, /*takesWeights=*/true); !status.ok())
    return status.failure();
  // The tables say where weights lie.
  WeightPool own;
  if (Status status = (pool ? *pool : own).place(program); !status.ok())
    return status.failure();
  Expected<std::vector<std::string>> objects = compileObjects(program, codegenOptions(options));
  if (!objects)
    return objects.failure();
  if (Status status = reportProgress(options, "link", 0.95); !status.ok())
    return status.failure();
  return linkInProcess(std::move(program), std::move(*objects), *target);
}

Expected<std::shared_ptr<CompiledModel>> compileInProcess(const std::string &modelPath, const CompileOptions &options) {
  if (Status status = reportProgress(options, "import", 0); !status.ok())
    return status.failure();
  Expected<LoadedModel> model = loadModel(modelPath, options);
  if (!model)
    return model.failure();
  return codegen::compileInProcess(std::move(*model), options);
}

/// The options of a standalone object, with what follows from them.
static Expected<CompileOptions> standaloneOptions(CompileOptions options, const std::string &outPath, Emit emit) {
  if (emit != Emit::Obj)
    return Failure{ErrorCode::InvalidArgument, "a standalone model is an object: add " + optionMark("emit", "obj")};
  BackendChoice backend(options.backend);
  if (backend.prefersLibrary())
    return Failure{ErrorCode::InvalidArgument, "a standalone object cannot call " +
                                                   std::string(backendTitle(backend.name())) + ": use " +
                                                   optionMark("backend", std::string(generatedCode))};
  if (backend.isAuto())
    options.backend = generatedCode;
  if (options.symbol.empty() && isStream(outPath))
    return Failure{ErrorCode::InvalidArgument,
                   "a standalone object that goes into a pipe has no name to take its symbols from: add " +
                       optionMark("symbol", "NAME")};
  if (options.symbol.empty())
    options.symbol = identifierOf(llvm::sys::path::stem(outPath));
  else if (options.symbol != identifierOf(options.symbol))
    return Failure{ErrorCode::InvalidArgument, optionMark("symbol") + " '" + options.symbol + "' is no C identifier"};
  return options;
}

std::string headerPath(const std::string &objectPath) {
  size_t dot = objectPath.rfind('.'), slash = objectPath.rfind('/');
  bool hasEnding = dot != std::string::npos && (slash == std::string::npos || dot > slash);
  return objectPath.substr(0, hasEnding ? dot : objectPath.size()) + ".h";
}

static Status writeText(const std::string &path, const std::string &text) {
  return writeFile(path, std::as_bytes(std::span(text)));
}

/// The object, its weights where they go into a file, and the header: all of them or none.
static Status writeObject(const Program &program, const std::vector<std::string> &objects, const Target &target,
                          const std::string &outPath, const CompileOptions &options) {
  OutputSet outputs;
  Expected<std::string> temporary = outputs.add(outPath);
  if (!temporary)
    return temporary.failure();
  if (Status status = linkToFile(program, objects, target, *temporary, outPath, /*isShared=*/false); !status.ok())
    return status;
  if (!options.weightsFile.empty()) {
    auto write = [&](llvm::raw_ostream &out) {
      program.weights.write([&](const void *data, size_t size) { out.write(static_cast<const char *>(data), size); });
    };
    if (Status status = addOutput(outputs, options.weightsFile, write); !status.ok())
      return status;
  }
  // A pipe has no name to make the header's of.
  if (!isStream(outPath)) {
    std::string header = options.standalone ? standaloneHeader(program, target) : modelHeader(program);
    if (Status status = outputs.add(headerPath(outPath), std::as_bytes(std::span(header))); !status.ok())
      return status;
  }
  return outputs.commit();
}

/// Outputs that would replace the model are refused before the work.
static Status checkOutputs(const std::string &modelPath, const std::string &outPath, Emit emit,
                           const CompileOptions &options) {
  std::vector<std::string> paths = {outPath, options.weightsFile};
  if (emit == Emit::Obj && !isStream(outPath))
    paths.push_back(headerPath(outPath));
  for (const std::string &path : paths)
    if (!path.empty() && !options.content.data() && !isStream(path) && llvm::sys::fs::equivalent(path, modelPath))
      return {ErrorCode::InvalidArgument,
              "'" + path + "' is both the model and the output: give the output another name"};
  return {};
}

Status compileToFile(const std::string &modelPath, const std::string &outPath, Emit emit, const CompileOptions &given) {
  CompileOptions options = given;
  if (given.standalone) {
    Expected<CompileOptions> adapted = standaloneOptions(given, outPath, emit);
    if (!adapted)
      return adapted.failure();
    options = std::move(*adapted);
    if (options.shapeSets.size() > 1)
      return {ErrorCode::InvalidArgument,
              "a standalone object holds one shape: give " + optionMark("shapes") + " once, or compile each"};
  }
  if (BackendChoice(options.backend).isReference() && emit != Emit::Mlir)
    return {ErrorCode::InvalidArgument,
            optionMark("backend", "reference") + " interprets the model: it can run it, not write code for it"};
  if (emit == Emit::Mlir && options.shapeSets.size() > 1)
    return {ErrorCode::InvalidArgument,
            "IR is that of one shape: give " + optionMark("shapes") + " once, or " + optionMark("emit", "so")};
  if (emit != Emit::So && targetCpus(options).size() > 1)
    return {ErrorCode::InvalidArgument, "only a shared library holds several processors: give " +
                                            optionMark("target-cpu") + " one name, or " + optionMark("emit", "so")};
  if (Status status = checkOutputs(modelPath, outPath, emit, options); !status.ok())
    return status;
  Expected<Planned> planned = plan(modelPath, options);
  if (!planned)
    return planned.failure();
  if (emit == Emit::Mlir)
    return writeText(outPath, printed(planned->variants[0].model));
  Expected<Program> program = buildProgram(*planned);
  if (!program)
    return program.failure();
  if (options.standalone)
    program->standalone = Standalone{options.symbol, options.weightsFile};
  if (emit == Emit::Llvm || emit == Emit::Asm) {
    Expected<std::string> text = compileToText(*program, emit == Emit::Asm);
    return text ? writeText(outPath, *text) : Status(text.failure());
  }
  Expected<std::vector<std::string>> objects = compileObjects(*program, codegenOptions(options));
  if (!objects)
    return objects.failure();
  if (Status status = reportProgress(options, "link", 0.95); !status.ok())
    return status;
  if (emit == Emit::So)
    return writeLibrary(*program, *objects, planned->base(), outPath);
  return writeObject(*program, *objects, planned->base(), outPath, options);
}

Expected<std::string> describeTarget(const CompileOptions &options) {
  Expected<Target> target = targetFor(options);
  if (!target)
    return target.failure();
  return target->triple + " " + target->cpu;
}

} // namespace sinter
