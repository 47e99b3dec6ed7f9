// From a model file to a function of kernels: import and the pass pipeline, with diagnostics as values.
#pragma once

#include "codegen/Compiler.h"
#include "codegen/PassWatch.h"
#include "codegen/llvm/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace sinter::codegen {

/// A module and the context it lives in.
struct LoadedModel {
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// Reads .onnx, or .mlir of the nn stage.
Expected<LoadedModel> loadModel(const std::string &path, const CompileOptions &options);

/// The target of the options, with what their math mode allows.
Expected<Target> targetFor(const CompileOptions &options);

/// Runs every pass, up to planned memory; kernels get the backend that `options` and the target call for.
/// Where there is a judge, it is asked after each, and `fault` has what it refused first.
Status lowerToKernels(LoadedModel &model, const CompileOptions &options, const Target &target,
                      const Judge &judge = {}, std::optional<Fault> *fault = nullptr);

/// Makes the shapes of an imported model static, and nothing else.
Status specialiseShapes(LoadedModel &model, const CompileOptions &options);

/// Collects the errors that MLIR emits while it lives, instead of printing them.
class DiagnosticCollector {
public:
  explicit DiagnosticCollector(mlir::MLIRContext &context);
  /// The errors as one Failure; `fallback` where there are none. Unsupported where all are marked so.
  Failure failure(const std::string &fallback) const;

private:
  std::vector<std::string> messages;
  bool allUnsupported = true;
  std::unique_ptr<mlir::ScopedDiagnosticHandler> handler;
};

} // namespace sinter::codegen
