// How code that stands apart (KernelEmitter::apart) is marked until it becomes functions of its own.
#pragma once

#include "llvm/ADT/StringRef.h"

namespace sinter::codegen {

/// Marks the scf.execute_region ops that become functions.
constexpr llvm::StringLiteral apartAttribute = "sinter.apart";
/// Behind the name of the kernel, in the names of these functions.
constexpr llvm::StringLiteral apartSuffix = "_apart";

} // namespace sinter::codegen
