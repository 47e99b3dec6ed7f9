// Reductions for oneDNN. The logarithmic ones are left out with log itself.
#include "codegen/onednn/Lowering.h"

using namespace mlir;
using namespace sinter::nn;
using namespace sinter::onednn;

namespace sinter::codegen {
namespace {

template <typename Op, Algorithm algorithm> std::string lowerReduction(Lowering &lowering, Op op) {
  bool losesInfinity = algorithm == Algorithm::ReduceMax || algorithm == Algorithm::ReduceMin;
  if (std::string reason = losesInfinity ? lowering.checkInfinity() : ""; !reason.empty())
    return reason;
  Argument source = lowering.argument(op.getX());
  int64_t rank = rankedType(op.getX()).getRank();
  std::optional<SmallVector<int64_t>> axes = op.getAxes() ? constantInts(op.getAxes()) : SmallVector<int64_t>();
  std::optional<SmallVector<bool>> reduced = axes ? reducedAxes(*axes, rank, op.getNoopWithEmptyAxes()) : std::nullopt;
  if (!reduced)
    return "its axes are computed at run time";
  Shape kept = source.shape;
  for (auto [dim, isReduced] : llvm::zip(kept, *reduced))
    dim = isReduced ? 1 : dim;
  // oneDNN refuses a reduction that changes no dimension.
  if (kept == source.shape)
    return "nothing is reduced";
  if (std::is_same_v<Op, ReduceSumSquareOp>) {
    Argument squared = lowering.temporary(source.shape);
    lowering.eltwise(Algorithm::Square, source, squared);
    source = squared;
  }
  Step step;
  step.kind = Kind::Reduction;
  step.algorithm = algorithm;
  step.sources = {source};
  step.destination = lowering.argument(op.getY(), kept);
  lowering.add(std::move(step));
  return "";
}

} // namespace

void addReductions(LoweringTable &table) {
  table.add(lowerReduction<ReduceSumOp, Algorithm::ReduceSum>);
  table.add(lowerReduction<ReduceMeanOp, Algorithm::ReduceMean>);
  table.add(lowerReduction<ReduceMaxOp, Algorithm::ReduceMax>);
  table.add(lowerReduction<ReduceMinOp, Algorithm::ReduceMin>);
  table.add(lowerReduction<ReduceProdOp, Algorithm::ReduceProduct>);
  table.add(lowerReduction<ReduceL1Op, Algorithm::ReduceL1>);
  table.add(lowerReduction<ReduceL2Op, Algorithm::ReduceL2>);
  table.add(lowerReduction<ReduceSumSquareOp, Algorithm::ReduceSum>);
}

} // namespace sinter::codegen
