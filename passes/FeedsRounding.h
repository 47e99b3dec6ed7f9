// Which ops had better keep their own roundings: a quantisation, comparison or index behind them makes a whole step of
// a last bit.
#pragma once

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseSet.h"

namespace sinter::nn {

/// Whether a last bit more or less of an operand can change the op's result by a whole step.
bool makesSteps(mlir::Operation *op);

/// The ops of a block, as it stands now, whose results are reproducible and reach an op that rounds by ops that keep
/// them so. Reproducible is what every order of computing gives the same bits of: elementwise ops, movement, maxima and
/// integers of such values. Sums of floats are not, nor BatchNorms, which are computed as affines.
llvm::DenseSet<mlir::Operation *> findOpsBeforeRoundings(mlir::Block &body);

} // namespace sinter::nn
