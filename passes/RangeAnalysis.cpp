// The transfer functions are the ops' own (RangeOpInterface); here is how they meet the solver.
#include "passes/RangeAnalysis.h"
#include "ir/Limits.h"
#include "ir/Ops.h"
#include "ir/RangeRules.h"
#include "mlir/Analysis/DataFlow/DeadCodeAnalysis.h"
#include "mlir/Analysis/DataFlow/SparseAnalysis.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

namespace {

using RangeLattice = dataflow::Lattice<TensorRange>;

/// The range of an input: all that its type holds, or the range that the caller declares, rounded to its type.
TensorRange inputRange(Type type, ArrayRef<double> declared, bool assumeFinite, bool bfloatReaders) {
  Type element = cast<ShapedType>(type).getElementType();
  TensorRange range = TensorRange::unknown(type);
  if (!declared.empty() && !isa<FloatType>(element))
    return TensorRange::uniform(integersBetween(declared[0], declared[1], element), false);
  if (!declared.empty())
    range = TensorRange::uniform({declared[0], declared[1]}, false);
  else if (assumeFinite && isa<FloatType>(element))
    range = TensorRange::uniform(limitsOf(element), false);
  return bfloatReaders ? storedOrNarrow(range, type) : stored(range, type);
}

[[maybe_unused]] bool isNaN(const Interval &interval) { return std::isnan(interval.lo) || std::isnan(interval.hi); }

/// The ranges of an op's results; everything where the op does not say.
SmallVector<TensorRange> resultRanges(Operation *op, ArrayRef<TensorRange> operands, bool bfloatReaders) {
  SmallVector<TensorRange> results;
  for (Type type : op->getResultTypes())
    results.push_back(TensorRange::unknown(type));
  auto interface = dyn_cast<RangeOpInterface>(op);
  // One interval for each index of a long axis would take more than it is worth.
  bool isLong = hasLongAxis(op);
  SmallVector<TensorRange> uniform;
  if (isLong)
    for (const TensorRange &operand : operands)
      uniform.push_back(operand.collapsed());
  if (interface && (!isLong || isa<ConstantOp, ElementwiseOpInterface>(op)))
    interface.inferRange(isLong ? uniform : operands, results);
  for (auto [range, type] : llvm::zip_equal(results, op->getResultTypes())) {
    assert(llvm::none_of(range.channels, isNaN) && "NaN bounds nothing: it is told by mayBeNaN");
    range = bfloatReaders ? storedOrNarrow(range, type) : stored(range, type);
  }
  return results;
}

class RangeSolver : public dataflow::SparseForwardDataFlowAnalysis<RangeLattice> {
public:
  RangeSolver(DataFlowSolver &solver, bool assumeFinite, bool bfloatReaders)
      : SparseForwardDataFlowAnalysis(solver), assumeFinite(assumeFinite), bfloatReaders(bfloatReaders) {}

  LogicalResult visitOperation(Operation *op, ArrayRef<const RangeLattice *> operands,
                               ArrayRef<RangeLattice *> results) override {
    if (auto kernel = dyn_cast<KernelOp>(op)) {
      visitKernel(kernel, results);
      return success();
    }
    SmallVector<TensorRange> known;
    for (const RangeLattice *operand : operands) {
      if (!operand->getValue().isReached())
        return success();
      known.push_back(operand->getValue());
    }
    for (auto [lattice, range] : llvm::zip_equal(results, resultRanges(op, known, bfloatReaders)))
      propagateIfChanged(lattice, lattice->join(range));
    return success();
  }

  void setToEntryState(RangeLattice *lattice) override {
    Value value = lattice->getAnchor();
    ArrayRef<double> range;
    auto argument = dyn_cast<BlockArgument>(value);
    if (auto function = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : func::FuncOp())
      if (auto declared = function.getArgAttrOfType<DenseF64ArrayAttr>(argument.getArgNumber(), inputRangeAttr))
        range = declared;
    propagateIfChanged(lattice, lattice->join(inputRange(value.getType(), range, assumeFinite, bfloatReaders)));
  }

private:
  /// A kernel's results are what its region yields.
  void visitKernel(KernelOp kernel, ArrayRef<RangeLattice *> results) {
    Operation *yield = kernel.getBody().front().getTerminator();
    ProgramPoint *after = getProgramPointAfter(kernel);
    for (auto [lattice, value] : llvm::zip_equal(results, yield->getOperands()))
      if (const TensorRange &range = getLatticeElementFor(after, value)->getValue(); range.isReached())
        propagateIfChanged(lattice, lattice->join(range));
  }

  const bool assumeFinite, bfloatReaders;
};

} // namespace

RangeAnalysis::RangeAnalysis(func::FuncOp function)
    : assumeFinite(function->getParentOp()->hasAttr(assumeFiniteAttr)),
      bfloatReaders(function->getParentOp()->hasAttr(bfloatProductsAttr)) {
  solver.load<dataflow::DeadCodeAnalysis>();
  solver.load<RangeSolver>(assumeFinite, bfloatReaders);
  (void)solver.initializeAndRun(function);
}

void RangeAnalysis::extend(Operation *op) {
  SmallVector<TensorRange> operands =
      llvm::map_to_vector(op->getOperands(), [&](Value value) { return rangeOf(value); });
  for (auto [result, range] : llvm::zip_equal(op->getResults(), resultRanges(op, operands, bfloatReaders)))
    added[result] = range;
}

TensorRange RangeAnalysis::rangeOf(Value value) const {
  if (auto known = added.find(value); known != added.end())
    return known->second;
  const auto *lattice = solver.lookupState<RangeLattice>(value);
  if (lattice && lattice->getValue().isReached())
    return lattice->getValue();
  return TensorRange::unknown(value.getType());
}

} // namespace sinter::nn
