// Kernels that compute a whole attention (ir/analysis/Attention.h).
#pragma once

#include "codegen/emit/KernelEmitter.h"
#include "ir/analysis/Attention.h"

namespace sinter::codegen {

/// Why generated code cannot compute it; empty if it can.
std::string checkAttention(const nn::Attention &attention, const Target &target);
mlir::LogicalResult emitAttention(KernelEmitter &emitter, const nn::Attention &attention);

} // namespace sinter::codegen
