// nn-assign-backend with the backends' own answers, which codegen/ gives.
#pragma once

#include "ir/ops/Kernel.h"
#include "mlir/Pass/Pass.h"

namespace sinter::nn {

struct AssignBackendOptions;

/// Unit attribute of a kernel offered to oneDNN: no value that it reads or computes is NaN.
inline constexpr llvm::StringLiteral freeOfNaNAttr = "nn.free_of_nan";

/// Why a backend cannot take a kernel; empty if it can.
using BackendRefusal = std::function<std::string(KernelOp)>;

/// What is not set: generated code takes all, oneDNN nothing.
struct BackendRefusals {
  BackendRefusal llvm, oneDnn;
};

std::unique_ptr<mlir::Pass> createAssignBackend(const AssignBackendOptions &options,
                                                BackendRefusals refusals);

} // namespace sinter::nn
