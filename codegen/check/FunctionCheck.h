// Whether a function computes what it computed before a pass: docs/checked-rewrites.md.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace sinter::codegen {

/// What one comparison came to.
struct FunctionVerdict {
  std::string change; ///< where and how values differ, in words; empty if they do not
  unsigned compared = 0; ///< pairs of values that were compared by elements
  unsigned unchecked = 0; ///< pairs that could not be, for the first of these reasons
  std::string why;

  explicit operator bool() const { return change.empty(); }
};

/// Products and moves that all comparisons of one compilation may take: what a tenth of the time that networks of some
/// hundred ops take to compile is enough for. A recurrent network of ten thousand ops is compared in part.
inline constexpr int64_t mostWorkOfAll = 24'000'000;

/// Compares @main of two modules of one context: values by number (ValueNumbering.h), and those that differ by single
/// elements (Cone.h). Shapes are static. `workLeft` shrinks by what that takes; pairs for which none is left are unchecked.
FunctionVerdict compareFunctions(mlir::ModuleOp before, mlir::ModuleOp after, int64_t &workLeft);

} // namespace sinter::codegen
