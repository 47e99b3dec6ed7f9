// Kernels that do the same with other numbers share one function, which reads the numbers from memory.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <vector>

namespace sinter::codegen {

/// What became of one kernel's code.
struct CodeShare {
  /// The kernel whose code runs: the first of those that look alike.
  size_t representative = 0;
  /// The numbers that this kernel's calls hand over, as i64; none where all kernels of the group agree. If there are any,
  /// every function of the representative's module has one more argument behind its others: memref<?xi64> of this size.
  std::vector<int64_t> parameters;
};

/// Finds kernels whose modules (of functions that KernelEmitter made) differ in sizes alone: of loops, of distances between
/// elements, of memory. What differs becomes a parameter of the representative's functions; the modules of the others are
/// done with. Numbers that shape the code itself, such as steps of loops and divisors, do not become parameters.
std::vector<CodeShare> shareCode(llvm::MutableArrayRef<mlir::OwningOpRef<mlir::ModuleOp>> codes);

} // namespace sinter::codegen
