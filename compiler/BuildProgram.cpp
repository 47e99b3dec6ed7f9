// Copies the options that the generator reads into its own struct, and attaches the explanation to each variant.
#include "compiler/BuildProgram.h"
#include "ir/Limits.h"
#include "passes/Explain.h"

namespace sinter::codegen {

CodegenOptions codegenOptions(const CompileOptions &options) {
  CodegenOptions result;
  result.jobs = options.jobs;
  result.checkIndices = options.checkIndices;
  result.flushSubnormals = options.math != "strict";
  result.stackLimit = nn::Limits::with(options.limits).stack;
  result.progress = [&options](double part) { return reportProgress(options, "generate", 0.3 + 0.65 * part); };
  return result;
}

Status addVariant(Program &program, const LoadedModel &model, const CompileOptions &options, const Target &target,
                  bool takesWeights) {
  // Before weights are taken: it counts them.
  std::string explanation = nn::explanationText(*model.module);
  if (Status status = addVariant(program, *model.module, codegenOptions(options), target, takesWeights); !status.ok())
    return status;
  program.variants.back().explanation = std::move(explanation);
  return {};
}

} // namespace sinter::codegen
