// nn-assign-backend with the backends' own answers, which codegen/ gives.
#pragma once

#include "ir/ops/Kernel.h"
#include "mlir/Pass/Pass.h"

namespace sinter::nn {

struct AssignBackendOptions;

/// Unit attribute of a kernel offered to oneDNN: no value that it reads or computes is NaN.
inline constexpr llvm::StringLiteral freeOfNaNAttr = "nn.free_of_nan";

/// The same: no such value is infinite either.
inline constexpr llvm::StringLiteral finiteAttr = "nn.finite";

/// String attribute of a kernel that generated code computes otherwise than its ops say: the algorithm's name.
inline constexpr llvm::StringLiteral algorithmAttr = "nn.algorithm";

/// String attribute of a kernel: how its loops are to be cut up (codegen/llvm/Schedule.h); by the cost models if it has
/// none.
inline constexpr llvm::StringLiteral scheduleAttr = "nn.schedule";

/// String attribute of a kernel: what was measured, where its backend or schedule was chosen by that.
inline constexpr llvm::StringLiteral measuredAttr = "nn.measured";

/// Unit attribute of a kernel of generated code: oneDNN would take it, too. Set where BackendRefusals::surveys.
inline constexpr llvm::StringLiteral alsoOneDnnAttr = "nn.also_onednn";

/// Why a backend cannot take a kernel; empty if it can.
using BackendRefusal = std::function<std::string(KernelOp)>;

/// What is not set: generated code takes all, oneDNN nothing.
struct BackendRefusals {
  BackendRefusal llvm, oneDnn;
  /// The algorithm that generated code uses for a kernel; empty for the ops' own arithmetic.
  std::function<std::string(KernelOp)> algorithm;
  bool surveys = false;
};

std::unique_ptr<mlir::Pass> createAssignBackend(const AssignBackendOptions &options, BackendRefusals refusals);

} // namespace sinter::nn
