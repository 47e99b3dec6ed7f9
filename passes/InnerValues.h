// Patterns that one op replaces: what they compute inside must be theirs alone.
#pragma once

#include "ir/Legality.h"
#include "mlir/IR/Operation.h"

namespace sinter::nn {

/// Whether the ops of a pattern, but for the last, are read by ops of the pattern alone.
Legality readInsideAlone(llvm::ArrayRef<mlir::Operation *> ops, mlir::Operation *last);

} // namespace sinter::nn
