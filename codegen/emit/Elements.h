// Converts values as a store and a load would, without memory between them.
#pragma once

#include "codegen/emit/KernelEmitter.h"

namespace sinter::codegen {

/// Unit attribute of a module (--math strict): what f16 and bf16 lose at an op's result is lost inside kernels, too.
inline constexpr llvm::StringLiteral roundEachOpAttr = "nn.round_each_op";

/// A value in compute type, of f16 or bf16, as it is once it has been in memory.
mlir::Value roundedTo(KernelEmitter &emitter, mlir::Type element, mlir::Value value);

} // namespace sinter::codegen
