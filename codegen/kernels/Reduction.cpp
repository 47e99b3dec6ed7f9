// Reductions over axes, global pools and arg reductions as loops.
#include "codegen/emit/ReductionLoops.h"
#include "codegen/kernels/Emitters.h"
#include "codegen/kernels/conv/Blocked.h"
#include "ir/ops/MathExpansions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

using Part = ReductionLoops::Part;
using Cell = ReductionLoops::Cell;

static Element plus(Element a, Element b) { return a + b; }
static Element times(Element a, Element b) { return a * b; }

/// The result of one cell: a fold of terms and what follows it.
static Element reduceCell(KernelEmitter &e, ReductionLoops &loops, const Cell &cell, Value x, ReduceKind kind) {
  Element least = lowest(e, x), zero = least.constant(0);
  auto sumOf = [&](function_ref<Element(Element)> term) {
    return loops.fold(cell, zero, [&](Element sum, const Part &part) { return sum + term(part.value); }, plus);
  };
  switch (kind) {
  case ReduceKind::Sum:
    return sumOf([](Element v) { return v; });
  case ReduceKind::Mean:
    return sumOf([](Element v) { return v; }) / static_cast<double>(loops.cellSize());
  case ReduceKind::Prod:
    return loops.fold(cell, least.constant(1), [](Element a, const Part &part) { return a * part.value; }, times);
  case ReduceKind::Max:
    return loops.fold(cell, least, [](Element a, const Part &part) { return maximum(a, part.value); }, maximum);
  case ReduceKind::Min:
    return loops.fold(cell, highest(e, x), [](Element a, const Part &part) { return minimum(a, part.value); }, minimum);
  case ReduceKind::L1:
    return sumOf([](Element v) { return abs(v); });
  case ReduceKind::SumSquare:
    return sumOf([](Element v) { return v * v; });
  case ReduceKind::L2:
    return sqrt(sumOf([](Element v) { return v * v; }));
  case ReduceKind::LogSum:
    return log(sumOf([](Element v) { return v; }));
  case ReduceKind::LogSumExp:
    break;
  }
  Element most = loops.fold(cell, least, [](Element a, const Part &part) { return maximum(a, part.value); }, maximum);
  Element sum = loops.fold(
      cell, zero, [&](Element a, const Part &part) { return a + exp(part.value - loops.spread(most, part)); }, plus);
  // An infinite or NaN maximum is the answer: x - most would make it NaN.
  Element isFinite = abs(most) < std::numeric_limits<double>::infinity();
  return select(isFinite, most + log(sum), most);
}

static LogicalResult emitReduce(KernelEmitter &e, Value x, ArrayRef<bool> reduced, bool keepdims,
                                function_ref<Element(ReductionLoops &, const Cell &)> cellValue) {
  ReductionLoops loops(e, x, rankedType(x).getShape(), reduced);
  e.addFlops(static_cast<double>(rankedType(x).getNumElements()));
  loops.forEachCell(1,
                    [&](const Cell &cell) { e.finish(0, cellValue(loops, cell), loops.resultPoint(cell, keepdims)); });
  return success();
}

//===- Reductions ---------------------------------------------------------===//

static std::string checkReduction(Operation *op, const Target &) {
  ReduceAttributes a = *reduceAttributes(op);
  if (a.axes && !constantInts(a.axes))
    return "its axes are computed";
  bool isFloatKind = a.kind == ReduceKind::Mean || a.kind == ReduceKind::L2 || a.kind == ReduceKind::LogSum ||
                     a.kind == ReduceKind::LogSumExp;
  if (isFloatKind && !isa<FloatType>(elementTypeOf(a.x)))
    return "it computes a fraction from integers";
  return "";
}

static LogicalResult emitReduction(KernelEmitter &e, Operation *op) {
  ReduceAttributes a = *reduceAttributes(op);
  SmallVector<int64_t> axes;
  if (a.axes)
    axes = *constantInts(a.axes);
  std::optional<SmallVector<bool>> reduced = reducedAxes(axes, rankedType(a.x).getRank(), a.noopWithEmptyAxes);
  if (!reduced)
    return op->emitOpError("has axes out of range");
  return emitReduce(e, a.x, *reduced, a.keepdims,
                    [&](ReductionLoops &loops, const Cell &cell) { return reduceCell(e, loops, cell, a.x, a.kind); });
}

//===- Global pools -------------------------------------------------------===//

static SmallVector<bool> spatialAxes(Value x) {
  SmallVector<bool> reduced(static_cast<size_t>(rankedType(x).getRank()), true);
  std::fill_n(reduced.begin(), 2, false);
  return reduced;
}

template <ReduceKind kind> static LogicalResult emitGlobalPool(KernelEmitter &e, Operation *op) {
  Value x = op->getOperand(0);
  return emitReduce(e, x, spatialAxes(x), true,
                    [&](ReductionLoops &loops, const Cell &cell) { return reduceCell(e, loops, cell, x, kind); });
}

static LogicalResult emitGlobalLpPool(KernelEmitter &e, Operation *op) {
  auto pool = cast<GlobalLpPoolOp>(op);
  int64_t p = pool.getP();
  return emitReduce(e, pool.getX(), spatialAxes(pool.getX()), true, [&](ReductionLoops &loops, const Cell &cell) {
    Element zero = lowest(e, pool.getX()).constant(0);
    return powerRoot(
        loops.fold(cell, zero, [&](Element sum, const Part &part) { return sum + powerTerm(part.value, p); }, plus), p);
  });
}

static std::string checkGlobalAverage(Operation *op, const Target &) {
  return layoutOf(op->getOperand(0).getType()) == layoutOf(op->getResult(0).getType()) ? "" : "it changes the layout";
}

static LogicalResult emitGlobalAverage(KernelEmitter &e, Operation *op) {
  return layoutOf(op->getResult(0).getType()) ? emitBlockedGlobalAverage(e, cast<GlobalAveragePoolOp>(op))
                                              : emitGlobalPool<ReduceKind::Mean>(e, op);
}

//===- Arg reductions -----------------------------------------------------===//

/// Finds the best value, then the first (or last) position that holds it: both vectorise.
template <typename Op> static LogicalResult emitArg(KernelEmitter &e, Operation *op) {
  auto arg = cast<Op>(op);
  Value x = arg.getX();
  RankedTensorType type = rankedType(x);
  SmallVector<bool> reduced = *reducedAxes({static_cast<int64_t>(arg.getAxis())}, type.getRank(), false);
  return emitReduce(e, x, reduced, arg.getKeepdims(), [&](ReductionLoops &loops, const Cell &cell) {
    auto better = [](Element a, Element b) { return Op::isMax ? maximum(a, b) : minimum(a, b); };
    Element start = Op::isMax ? lowest(e, x) : highest(e, x);
    Element best = loops.fold(cell, start, [&](Element a, const Part &part) { return better(a, part.value); }, better);
    return firstPosition(e, loops, cell, best, arg.getSelectLastIndex());
  });
}

void registerReductionEmitters(EmitterTable &table) {
  AnchorEmitter reduction{checkReduction, emitReduction};
  table.add<ReduceSumOp>(reduction);
  table.add<ReduceMeanOp>(reduction);
  table.add<ReduceMaxOp>(reduction);
  table.add<ReduceMinOp>(reduction);
  table.add<ReduceProdOp>(reduction);
  table.add<ReduceL1Op>(reduction);
  table.add<ReduceL2Op>(reduction);
  table.add<ReduceLogSumOp>(reduction);
  table.add<ReduceLogSumExpOp>(reduction);
  table.add<ReduceSumSquareOp>(reduction);
  table.add<GlobalAveragePoolOp>({checkGlobalAverage, emitGlobalAverage, true});
  table.add<GlobalMaxPoolOp>({nullptr, emitGlobalPool<ReduceKind::Max>});
  table.add<GlobalLpPoolOp>({nullptr, emitGlobalLpPool});
  table.add<ArgMaxOp>({nullptr, emitArg<ArgMaxOp>});
  table.add<ArgMinOp>({nullptr, emitArg<ArgMinOp>});
}

} // namespace sinter::codegen
