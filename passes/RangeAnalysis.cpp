// The transfer functions are the ops' own (RangeOpInterface); here is how they meet the solver.
#include "passes/RangeAnalysis.h"
#include "ir/Ops.h"
#include "mlir/Analysis/DataFlow/DeadCodeAnalysis.h"
#include "mlir/Analysis/DataFlow/SparseAnalysis.h"

using namespace mlir;

namespace sinter::nn {

namespace {

using RangeLattice = dataflow::Lattice<TensorRange>;

class Ranges : public dataflow::SparseForwardDataFlowAnalysis<RangeLattice> {
public:
  Ranges(DataFlowSolver &solver, bool assumeFinite)
      : SparseForwardDataFlowAnalysis(solver), assumeFinite(assumeFinite) {}

  LogicalResult visitOperation(Operation *op, ArrayRef<const RangeLattice *> operands,
                               ArrayRef<RangeLattice *> results) override {
    if (auto kernel = dyn_cast<KernelOp>(op)) {
      visitKernel(kernel, results);
      return success();
    }
    auto interface = dyn_cast<RangeOpInterface>(op);
    if (!interface) {
      setAllToEntryStates(results);
      return success();
    }
    SmallVector<TensorRange> known, computed;
    for (const RangeLattice *operand : operands) {
      if (!operand->getValue().isReached())
        return success();
      known.push_back(operand->getValue());
    }
    for (Type type : op->getResultTypes())
      computed.push_back(TensorRange::unknown(type));
    interface.inferRange(known, computed);
    for (auto [lattice, range] : llvm::zip_equal(results, computed)) {
      range = stored(range, lattice->getAnchor().getType());
      range.mayBeNaN &= !assumeFinite;
      propagateIfChanged(lattice, lattice->join(range));
    }
    return success();
  }

  void setToEntryState(RangeLattice *lattice) override {
    Value value = lattice->getAnchor();
    TensorRange range = TensorRange::unknown(value.getType());
    range.mayBeNaN &= !assumeFinite;
    auto argument = dyn_cast<BlockArgument>(value);
    if (auto function =
            argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : func::FuncOp())
      if (auto declared =
              function.getArgAttrOfType<DenseF64ArrayAttr>(argument.getArgNumber(), inputRangeAttr))
        range = TensorRange::uniform({declared[0], declared[1]}, false);
    propagateIfChanged(lattice, lattice->join(range));
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

  const bool assumeFinite;
};

} // namespace

RangeAnalysis::RangeAnalysis(func::FuncOp function) {
  bool assumeFinite = function->getParentOp()->hasAttr(assumeFiniteAttr);
  solver.load<dataflow::DeadCodeAnalysis>();
  solver.load<Ranges>(assumeFinite);
  (void)solver.initializeAndRun(function);
}

TensorRange RangeAnalysis::rangeOf(Value value) const {
  const auto *lattice = solver.lookupState<RangeLattice>(value);
  if (lattice && lattice->getValue().isReached())
    return lattice->getValue();
  return TensorRange::unknown(value.getType());
}

} // namespace sinter::nn
