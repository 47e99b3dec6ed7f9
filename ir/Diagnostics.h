// Errors that mean "well-formed, but beyond what Sinter implements", told apart from errors in the model.
#pragma once

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Operation.h"

namespace sinter::nn {

/// What such a message starts with.
inline constexpr llvm::StringLiteral unsupportedPrefix = "unsupported: ";

inline mlir::InFlightDiagnostic emitUnsupported(mlir::Operation *op) {
  return mlir::emitError(op->getLoc()) << unsupportedPrefix;
}

/// "'conv1' (nn.conv)": how messages name an op.
std::string describe(mlir::Operation *op);
/// The user's name of an op; fused locations are joined by '+'.
std::string nameOf(mlir::Location loc);

} // namespace sinter::nn
