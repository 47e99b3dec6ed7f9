// Functions for code that stands apart; see KernelEmitter::apart.
#pragma once

#include "llvm/ADT/StringRef.h"
#include <memory>

namespace mlir {
class Pass;
}

namespace sinter::codegen {

/// Marks the scf.execute_region ops that become functions.
constexpr llvm::StringLiteral apartAttribute = "sinter.apart";
/// Behind the name of the kernel, in the names of these functions.
constexpr llvm::StringLiteral apartSuffix = "_apart";

std::unique_ptr<mlir::Pass> createOutlineApart();

} // namespace sinter::codegen
