// The passes that a compilation runs, with their options: `sinter compile` and sinter-opt's nn-pipeline both take them
// from here.
#pragma once

#include "codegen/target/Target.h"
#include "compiler/Compiler.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Pipeline.h"

namespace sinter::codegen {

/// The part of the pipeline that the options fix on every target.
nn::PipelineOptions pipelineFor(const CompileOptions &options);

/// The pipeline for one target. A kernel's backend is the one that `options.backend` prefers of those that take it.
Expected<nn::PipelineOptions> pipelineFor(const CompileOptions &options, const Target &target);

/// Writes what the options say of inputs and arithmetic to where passes and emitters read it: attributes of the module
/// and of @main's arguments. Before the pipeline runs.
Status declareOptions(mlir::ModuleOp module, const CompileOptions &options);

} // namespace sinter::codegen
