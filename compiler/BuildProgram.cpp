// Copies the options that the generator reads into its own struct, and attaches the explanation to each variant.
#include "compiler/BuildProgram.h"
#include "ir/Limits.h"
#include "passes/Explain.h"
#include "llvm/Support/JSON.h"

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

std::string inWordsOf(const CompileOptions &options, const std::string &json) {
  // Marks stand in strings of JSON.
  return expandOptionMarks(json, [&](std::string_view name, std::string_view value) {
    std::string words = options.words ? options.words(name, value) : optionInC(name, value), literal;
    llvm::raw_string_ostream(literal) << llvm::json::Value(llvm::json::fixUTF8(words));
    return literal.substr(1, literal.size() - 2);
  });
}

std::string explanationFor(mlir::ModuleOp module, const CompileOptions &options) {
  return inWordsOf(options, nn::explanationText(module));
}

Status addVariant(Program &program, const LoadedModel &model, const CompileOptions &options, const Target &target,
                  bool takesWeights) {
  // Before weights are taken: it counts them.
  std::string explanation = explanationFor(*model.module, options);
  if (Status status = addVariant(program, *model.module, codegenOptions(options), target, takesWeights); !status.ok())
    return status;
  program.variants.back().explanation = std::move(explanation);
  return {};
}

} // namespace sinter::codegen
