// The stages of a compilation, and which of them each kind of output takes.
#include "codegen/Compiler.h"
#include "codegen/Frontend.h"
#include "codegen/Reference.h"

namespace sinter {

using namespace codegen;

Expected<std::shared_ptr<CompiledModel>> compileInProcess(const std::string &modelPath, const CompileOptions &options) {
  Expected<Target> target = resolveTarget(options.targetTriple, options.targetCpu);
  if (!target)
    return target.failure();
  Expected<LoadedModel> model = loadModel(modelPath, options);
  if (!model)
    return model.failure();
  if (Status status = lowerToKernels(*model, options, *target); !status.ok())
    return status.failure();
  if (options.backend == "reference")
    return interpretedModel(std::move(*model));
  return Failure{ErrorCode::Unsupported, "only --backend reference"};
}

Status compileToFile(const std::string &, const std::string &, Emit, const CompileOptions &) {
  return {ErrorCode::Unsupported, "only --backend reference"};
}

Expected<std::string> describeTarget(const CompileOptions &options) {
  Expected<Target> target = resolveTarget(options.targetTriple, options.targetCpu);
  if (!target)
    return target.failure();
  return target->triple + " " + target->cpu;
}

} // namespace sinter
