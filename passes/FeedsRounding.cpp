// One walk down the block finds reproducible values, one walk up it the ops whose result reaches a rounding.
#include "passes/FeedsRounding.h"
#include "ir/Ops.h"

using namespace mlir;

namespace sinter::nn {

bool makesSteps(Operation *op) {
  if (auto cast = dyn_cast<CastOp>(op))
    return isa<FloatType>(elementTypeOf(cast.getX())) && !isa<FloatType>(elementTypeOf(cast.getY()));
  return isa<QuantizeOp, RoundOp, FloorOp, CeilOp, SignOp, ModOp, ArgMaxOp, ArgMinOp, TopKOp, HardmaxOp, EqualOp,
             GreaterOp, GreaterOrEqualOp, LessOp, LessOrEqualOp>(op);
}

/// Whether the op computes the same bits in every kernel, given the same bits.
static bool isReproducible(Operation *op) {
  if (isa<BatchNormOp, BatchNormTrainingOp, ChannelAffineOp>(op))
    return false;
  if (isa<ElementwiseOpInterface, ConstantOp, IdentityOp, ReshapeOp, FlattenOp, SqueezeOp, UnsqueezeOp, TransposeOp,
          ConcatOp, SplitOp, SliceOp, ExpandOp, TileOp, DepthToSpaceOp, SpaceToDepthOp, PadOp, GatherOp,
          GatherElementsOp, GatherNDOp, MaxPoolOp, GlobalMaxPoolOp, ReduceMaxOp, ReduceMinOp>(op))
    return true;
  return llvm::all_of(op->getResults(), [](Value result) { return isa<IntegerType>(elementTypeOf(result)); });
}

DenseSet<Operation *> findOpsBeforeRoundings(Block &body) {
  DenseSet<Value> unsure; // values that are not reproducible
  for (Operation &op : body.without_terminator())
    if (!isReproducible(&op) ||
        (!makesSteps(&op) && llvm::any_of(op.getOperands(), [&](Value v) { return unsure.contains(v); })))
      unsure.insert(op.result_begin(), op.result_end());
  DenseSet<Operation *> found;
  for (Operation &op : llvm::reverse(body.without_terminator()))
    if (op.getNumResults() && !unsure.contains(op.getResult(0)) &&
        llvm::any_of(op.getUsers(), [&](Operation *user) { return makesSteps(user) || found.contains(user); }))
      found.insert(&op);
  return found;
}

} // namespace sinter::nn
