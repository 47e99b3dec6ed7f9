// nn-assign-backend with the backends of a program, which codegen/ implements.
#pragma once

#include "ir/KernelBackend.h"
#include "mlir/Pass/Pass.h"

namespace sinter::nn {

struct AssignBackendOptions;

/// The backends that can be asked. Without any, generated code takes all kernels, and the others none.
struct BackendSet {
  KernelBackends backends;
  bool asksAll = false; ///< for alsoTakenByAttr
};

std::unique_ptr<mlir::Pass> createAssignBackend(const AssignBackendOptions &options, BackendSet set);

/// Gives a kernel to a backend that takes it, and notes how that computes it.
void giveTo(const KernelBackend &backend, KernelOp kernel);

} // namespace sinter::nn
