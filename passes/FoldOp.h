// Evaluation of an op at compile time, shared by the passes that fold constants.
#pragma once

#include "mlir/IR/Operation.h"

namespace sinter::nn {

class Journal;

/// Replaces the op by constants if its results follow from constants (or, for shape and size, from its
/// operand's type) and none has more than `maxElements` elements. Erases the op then, and tells the journal.
/// Fails only if the evaluation finds the op invalid.
mlir::LogicalResult foldOp(mlir::Operation *op, int64_t maxElements, Journal &journal);

} // namespace sinter::nn
