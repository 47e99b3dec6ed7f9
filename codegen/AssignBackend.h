// nn-assign-backend: which backend computes each kernel.
#pragma once

#include "codegen/Compiler.h"
#include "codegen/llvm/Target.h"
#include "mlir/Pass/Pass.h"

namespace sinter::codegen {

/// Sets the attribute `backend` of every nn.kernel to what `options.backend` demands: generated code where it can (auto),
/// or an error that lists the kernels that the demanded backend cannot compute.
std::unique_ptr<mlir::Pass> createAssignBackend(const CompileOptions &options, const Target &target);

} // namespace sinter::codegen
