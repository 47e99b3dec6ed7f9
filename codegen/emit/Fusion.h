// Emits kernels without an anchor, and outputs of a kernel that its anchor does not reach.
#pragma once

#include "codegen/emit/KernelEmitter.h"

namespace sinter::codegen {

/// The number of a kernel's output, and the value it yields there.
using KernelOutput = std::pair<unsigned, mlir::Value>;

/// Emits phases for outputs that only elementwise ops compute.
void emitElementwise(KernelEmitter &emitter, llvm::ArrayRef<KernelOutput> outputs);

/// Whether `to` is `from`, or computed from it by elementwise ops of the same kernel.
bool reaches(mlir::Value from, mlir::Value to);

} // namespace sinter::codegen
