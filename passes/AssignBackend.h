// nn-assign-backend with the backends' own answers, which codegen/ gives.
#pragma once

#include "ir/ops/Kernel.h"
#include "mlir/Pass/Pass.h"

namespace sinter::nn {

struct AssignBackendOptions;

/// Why a backend cannot take a kernel; empty if it can.
using BackendRefusal = std::function<std::string(KernelOp)>;

/// What is not set: generated code takes all, oneDNN nothing.
struct BackendRefusals {
  BackendRefusal llvm, oneDnn;
  /// The algorithm that generated code uses for a kernel; empty for the ops' own arithmetic.
  std::function<std::string(KernelOp)> algorithm;
  bool asksBoth = false;
};

std::unique_ptr<mlir::Pass> createAssignBackend(const AssignBackendOptions &options, BackendRefusals refusals);

} // namespace sinter::nn
