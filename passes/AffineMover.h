// Moves per-channel affines to where they cost nothing: into constants of ops before or after them, through
// whatever lets them pass. Every step is the ops' own answer (AffineOpInterface, ChannelFlowOpInterface).
#pragma once

#include "ir/NN.h"
#include "mlir/IR/Builders.h"

namespace sinter::nn {

/// An op that is a per-channel affine of one operand: nn.batch_norm or nn.channel_affine with constant
/// parameters, or nn.mul, nn.add, nn.sub, nn.div, nn.neg with constants.
struct AffineOf {
  mlir::Value x;
  ChannelAffine affine;
};

/// The op as an affine, or why it is none (NOT_AFFINE for ops that never are).
std::pair<std::optional<AffineOf>, Legality> affineOf(mlir::Operation *op);

/// One attempt at moving one affine: first asks along the whole way, then changes the IR.
class AffineMover {
public:
  /// `largest` is asked where sums might overflow.
  explicit AffineMover(LargestOf largest) : largest(largest) {}

  /// Whether v can be replaced by affine(v) with changes only to the ops that compute v, which no other op may read.
  Legality canMoveUp(mlir::Value v, const ChannelAffine &affine);
  /// Does it; returns the value that is affine(v). Ops that become unused are left to the caller.
  mlir::Value moveUp(mlir::Value v, const ChannelAffine &affine, mlir::Location loc);

  /// Whether every reader of v can be changed to give the same results from v as from affine(v). With
  /// `borders`, convolutions may add a constant tensor where padding makes the shift position-dependent.
  Legality canMoveDown(mlir::Value v, const ChannelAffine &affine, bool borders);
  /// Does it to the readers of `v`: afterwards they read `raw`.
  void moveDown(mlir::Value v, mlir::Value raw, const ChannelAffine &affine, mlir::Location loc);

  /// The results to which constant tensors would be added, in the last answer with `borders`.
  llvm::ArrayRef<mlir::RankedTensorType> borderedResults() const { return bordered; }

  /// Names of the ops whose constants took the affine up, in order.
  llvm::ArrayRef<std::string> takers() const { return names; }
  /// Ops that are gone since one that took an affine up stands in their place: for looking up, not for use.
  const llvm::DenseSet<mlir::Operation *> &erasedOps() const { return erased; }

private:
  llvm::DenseSet<mlir::Operation *> erased;
  Legality canMoveUpFrom(mlir::Value v, const ChannelAffine &affine, int depth);
  Legality canMoveDownTo(mlir::OpOperand &use, const ChannelAffine &affine, bool borders, int depth);
  Legality canMoveDownFrom(mlir::Value v, const ChannelAffine &affine, bool borders, int depth);
  void replace(mlir::Operation *op, mlir::Value by, mlir::Location loc);

  /// False once a question has asked more ops than any network needs: paths may multiply from op to op.
  bool mayAsk(int depth);

  LargestOf largest;
  llvm::SmallVector<std::string> names;
  llvm::SmallVector<mlir::RankedTensorType> bordered;
  int asked = 0;
};

/// Whether makeParameters returns constants.
bool canMakeParameters(mlir::RankedTensorType type, const ChannelAffine &affine);
/// s and t of an affine as constants that broadcast to a tensor type; null where they do not round to finite
/// values.
std::pair<mlir::Value, mlir::Value> makeParameters(mlir::OpBuilder &builder, mlir::Location loc,
                                                   mlir::RankedTensorType type, const ChannelAffine &affine);

} // namespace sinter::nn
