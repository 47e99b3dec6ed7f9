// Kernels that do the same with other numbers share one function, which reads the numbers from memory.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"

#include <memory>
#include <vector>

namespace sinter::codegen {

/// The function and parameters that one kernel's code was given.
struct CodeShare {
  /// The kernel whose code runs: the first of those that look alike.
  size_t representative = 0;
  /// The numbers that this kernel's calls hand over, as i64; none where all kernels of the group agree. If there are
  /// any, every function of the representative's module has one more argument behind its others: memref<?xi64> of this
  /// size.
  std::vector<int64_t> parameters;
};

/// Finds kernels whose modules (of functions that KernelEmitter made) differ in sizes alone: of loops, of distances
/// between elements, of memory. What differs becomes a parameter of the representative's functions; the modules of the
/// others go as soon as they are known, so that a network of many like layers takes the memory of one. Numbers that
/// shape the code itself, such as steps of loops and divisors, do not become parameters.
class CodeSharing {
public:
  CodeSharing();
  ~CodeSharing();
  /// The next kernel's module; all are of one context.
  void add(mlir::OwningOpRef<mlir::ModuleOp> code);
  size_t size() const { return kernels.size(); }
  /// Gives the representatives their parameters. Once, after the last kernel.
  std::vector<CodeShare> finish();
  /// The code that a kernel runs: its representative's.
  mlir::ModuleOp module(size_t kernel) const;

private:
  struct Group;
  struct Member {
    Group *group;
    size_t number; ///< in the group
  };
  std::vector<std::unique_ptr<Group>> groups;
  llvm::StringMap<Group *> groupByKey;
  std::vector<Member> kernels;
  bool isFinished = false;
};

} // namespace sinter::codegen
