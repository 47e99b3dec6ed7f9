// From a planned model to code: what the driver tells the generator.
#pragma once

#include "codegen/artefact/Program.h"
#include "compiler/ModelSource.h"

namespace sinter::codegen {

/// The options of the generator, taken from `options`, which must outlive it.
CodegenOptions codegenOptions(const CompileOptions &options);

/// JSON with the marks of options (runtime/OptionMark.h) in the words of `options`.
std::string inWordsOf(const CompileOptions &options, const std::string &json);

/// The explain JSON of a model that lowerToKernels made, with options named in the words of `options`.
std::string explanationFor(mlir::ModuleOp module, const CompileOptions &options);

/// Adds a model that lowerToKernels made to the program, with its explanation; the model must outlive the program. As
/// of addVariant(Program &, ModuleOp, ...).
Status addVariant(Program &program, const LoadedModel &model, const CompileOptions &options, const Target &target,
                  bool takesWeights);

} // namespace sinter::codegen
