// Words for users about operators, types and diagnostics: nodes by their names, operators as ONNX calls them, types as
// f32[1x3x224x224]. Errors that mean "well-formed, but beyond what Sinter implements" are told apart from errors in the
// model.
#pragma once

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Operation.h"

namespace sinter::nn {

/// Messages about well-formed models that Sinter does not implement start with this.
inline constexpr llvm::StringLiteral unsupportedPrefix = "unsupported: ";

inline mlir::InFlightDiagnostic emitUnsupported(mlir::Operation *op) {
  return mlir::emitError(op->getLoc()) << unsupportedPrefix;
}

/// "Conv" of an nn.conv: the operator as ONNX calls it, or would if it had it.
std::string operatorName(mlir::Operation *op);
/// "'conv1' (Conv)": how messages name an op.
std::string describe(mlir::Operation *op);
/// "f32[1x3x?x?]"; a scalar is f32[].
std::string typeText(mlir::Type type);
/// The message as users read it, without the dialect's words; `op` gets the operator that it speaks of where it says
/// so.
std::string messageOf(mlir::Diagnostic &diagnostic, std::string *op = nullptr);

/// Attribute of the last of the ops that an importer wrote in place of one node that `sinter explain` lists:
/// the node's ONNX operator type. Empty on an activation that is only a part of its node, and has no row there.
inline constexpr llvm::StringLiteral nodeKindAttr = "nn.onnx_op";

/// The user's name of an op; fused locations are joined by '+'.
std::string nameOf(mlir::Location loc);

} // namespace sinter::nn
