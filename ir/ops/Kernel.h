// Ops of the family Kernel; documented in ir/ops/Kernel.td.
#pragma once

#include "ir/NN.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"

#define GET_OP_CLASSES
#include "ir/ops/Kernel.h.inc"

namespace sinter::nn {

/// Unit attribute of a kernel offered to oneDNN: no value that it reads or computes is NaN.
inline constexpr llvm::StringLiteral freeOfNaNAttr = "nn.free_of_nan";

/// The same: no such value is infinite either.
inline constexpr llvm::StringLiteral finiteAttr = "nn.finite";

/// String attribute of a kernel that generated code computes otherwise than its ops say: the algorithm's name.
inline constexpr llvm::StringLiteral algorithmAttr = "nn.algorithm";

/// String attribute of a kernel: how its loops are to be cut up (codegen/emit/Schedule.h); by the cost models if it has
/// none.
inline constexpr llvm::StringLiteral scheduleAttr = "nn.schedule";

/// String attribute of a kernel: what was measured, where its backend or schedule was chosen by that.
inline constexpr llvm::StringLiteral measuredAttr = "nn.measured";

} // namespace sinter::nn
