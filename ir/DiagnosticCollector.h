// Diagnostics of MLIR as values.
#pragma once

#include "mlir/IR/Diagnostics.h"
#include "runtime/Status.h"
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sinter::codegen {

/// Collects the errors that MLIR emits while it lives, instead of printing them, and hands warnings on.
class DiagnosticCollector {
public:
  /// `warn` as of CompileOptions; it outlives this.
  explicit DiagnosticCollector(mlir::MLIRContext &context, const std::function<void(const std::string &)> &warn = {});
  /// The errors as one Failure; `fallback` where there are none. Unsupported where all are marked so.
  Failure failure(const std::string &fallback) const;

private:
  std::vector<std::string> messages;
  bool allUnsupported = true;
  std::unique_ptr<mlir::ScopedDiagnosticHandler> handler;
};

} // namespace sinter::codegen
