// From a kernel in scf, vector and memref to an LLVM module.
#pragma once

#include "codegen/target/Target.h"
#include "runtime/Status.h"

#include <memory>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace sinter::codegen {

/// Lowers a module of functions named @kernel, @kernel_1, ... (text of MLIR; see KernelEmitter) and exports each as
/// `<symbol>`, `<symbol>_1`, ...: void(void *const *buffers, int64_t begin, int64_t end), hidden. Safe to call from
/// several threads.
Expected<std::unique_ptr<llvm::Module>> lowerKernels(const std::string &mlir, const std::string &symbol,
                                                     const Target &target, llvm::LLVMContext &context);

} // namespace sinter::codegen
