// The upstream conversions of kernels; their headers are heavy, so only Conversions.cpp includes them.
#pragma once

#include "codegen/target/Target.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"

namespace sinter::codegen {

/// The dialects that kernels are written in.
void registerKernelDialects(mlir::DialectRegistry &registry);

/// Adds the passes from scf, vector, memref, arith and math to the llvm dialect.
void addKernelConversions(mlir::PassManager &passes, const Target &target);

} // namespace sinter::codegen
