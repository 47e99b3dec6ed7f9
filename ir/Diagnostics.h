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
/// Attribute of the last of the ops that an importer wrote in place of one node that `sinter explain` lists:
/// the node's ONNX operator type.
inline constexpr llvm::StringLiteral nodeKindAttr = "nn.onnx_op";

/// The user's name of an op; fused locations are joined by '+'.
std::string nameOf(mlir::Location loc);

} // namespace sinter::nn
