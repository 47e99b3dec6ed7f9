// Whether a function computes what it computed before a pass: docs/checked-rewrites.md.
#pragma once

#include "compiler/check/CheckMemory.h"
#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace sinter::codegen {

/// The outcome of one comparison.
struct FunctionVerdict {
  std::string change;     ///< where and how values differ, in words; empty if they do not
  unsigned compared = 0;  ///< pairs of values that were compared by elements
  unsigned unchecked = 0; ///< pairs that could not be, for the first of these reasons
  std::string why;

  explicit operator bool() const { return change.empty(); }
};

/// Compares @main of two modules of one context: values by number (ValueNumbering.h), and those that differ by single
/// elements (Cone.h). Shapes are static. Pairs for which no work is left are unchecked.
FunctionVerdict compareFunctions(mlir::ModuleOp before, mlir::ModuleOp after, CheckMemory &memory);

} // namespace sinter::codegen
