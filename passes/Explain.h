// The report as JSON: what `sinter explain --format json` prints and what every compiled model carries.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"

namespace sinter::nn {

/// Integer attribute of the module: multiply-adds of one run of the model as imported.
inline constexpr llvm::StringLiteral macsBeforeAttr = "nn.macs_before";
/// Integer attribute of the module: channels that were proved constant and left the network.
inline constexpr llvm::StringLiteral constantChannelsRemovedAttr = "nn.constant_channels_removed";
/// Array attribute of the module, [pass, rewrite, change] each: rewrites that were left out because they change values.
inline constexpr llvm::StringLiteral unsoundRewritesAttr = "nn.unsound_rewrites";

/// Dictionary attribute of the module: how many pairs of values were compared while the passes ran, how many could not
/// be, and why not.
inline constexpr llvm::StringLiteral rewriteCheckAttr = "nn.rewrite_check";

/// Integer attribute of the module: bytes of the constant tensors that folds added where padding meets no shift.
inline constexpr llvm::StringLiteral borderConstantBytesAttr = "nn.border_constant_bytes";

/// The object that docs/explain.md documents; `module` has kernels and a settled report.
llvm::json::Object explanationOf(mlir::ModuleOp module);
/// The explanation as text on one line.
std::string explanationText(mlir::ModuleOp module);

} // namespace sinter::nn
