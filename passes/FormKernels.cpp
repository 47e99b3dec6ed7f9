// nn-form-kernels: ops into kernels. An elementwise op joins the kernel of an operand only it reads; the
// joined kernel stands where its last op stood, so every operand is defined before it.
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "passes/Journal.h"
#include "passes/Passes.h"
#include "passes/Views.h"

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_FORMKERNELS
#include "passes/Passes.h.inc"

namespace {

struct FormKernelsPass : impl::FormKernelsBase<FormKernelsPass> {
  using FormKernelsBase::FormKernelsBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Block &body = function.getBody().front();
      refusals.clear();
      copyAliasedOutputs(body);
      for (Operation &op : llvm::make_early_inc_range(body.without_terminator())) {
        if (isa<ConstantOp, KernelOp>(op) || (isView(&op) && !op.hasAttr(copyMarker)))
          continue;
        op.removeAttr(copyMarker);
        KernelOp producer = joinable(&op);
        producer ? join(producer, &op) : wrap(&op);
      }
      recordRefusals(body);
    }
  }

private:
  struct Refusal {
    std::string code, reason;
  };

  /// Marks an nn.identity that must copy. Gone when the pass ends.
  static constexpr StringLiteral copyMarker = "copy";

  /// A graph output that shares its storage with an input, a constant or another output is copied.
  void copyAliasedOutputs(Block &body) {
    Operation *terminator = body.getTerminator();
    DenseSet<Value> taken;
    for (OpOperand &output : terminator->getOpOperands()) {
      Value root = storageRoot(output.get());
      bool owned = root.getDefiningOp() && !isa<ConstantOp>(root.getDefiningOp());
      if (owned && taken.insert(root).second)
        continue;
      OpBuilder builder(terminator);
      auto copy = IdentityOp::create(builder, output.get().getLoc(), output.get().getType(), output.get());
      copy->setAttr(copyMarker, builder.getUnitAttr());
      output.set(copy);
    }
  }

  void wrap(Operation *op) {
    OpBuilder builder(op);
    auto kernel = KernelOp::create(builder, op->getLoc(), TypeRange(op->getResultTypes()),
                                   StringRef(nameOf(op->getLoc())), "llvm", DenseI64ArrayAttr());
    Block *block = builder.createBlock(&kernel.getBody());
    op->replaceAllUsesWith(kernel);
    op->moveBefore(block, block->end());
    builder.setInsertionPointToEnd(block);
    YieldOp::create(builder, op->getLoc(), op->getResults());
  }

  /// The kernel that `op` can join, the latest one if there are several; null, with the reason in `refusals`,
  /// if there is none.
  KernelOp joinable(Operation *op) {
    if (!fuse)
      return refuse(op, "NOT_OPTIMISED", "-O0 fuses nothing");
    if (!isa<ElementwiseOpInterface>(op) || op->getNumResults() != 1)
      return refuse(op, "NOT_ELEMENTWISE", "its results need more than one element of each operand");
    KernelOp found;
    Refusal refusal;
    for (Value operand : op->getOperands()) {
      // One element type throughout keeps a kernel's vectors of one length.
      if (elementTypeOf(operand) != elementTypeOf(op->getResult(0)))
        return refuse(op, "ELEMENT_TYPE", "its operands and result differ in element type");
      if (operand.getDefiningOp<ConstantOp>())
        continue;
      Refusal problem = whyNotJoin(operand, op);
      auto kernel = operand.getDefiningOp<KernelOp>();
      if (problem.code.empty() && (!found || found->isBeforeInBlock(kernel)))
        found = kernel;
      if (refusal.code.empty())
        refusal = problem;
    }
    return found ? found : refuse(op, refusal.code, refusal.reason);
  }

  KernelOp refuse(Operation *op, StringRef code, StringRef reason) {
    refusals[op] = {code.str(), reason.str()};
    return {};
  }

  /// Why `op` cannot join the kernel that computes `operand`; empty if it can.
  Refusal whyNotJoin(Value operand, Operation *op) {
    Operation *producer = operand.getDefiningOp();
    if (!producer)
      return {"NO_PRODUCER", "it reads a graph input: no kernel comes before it"};
    auto kernel = dyn_cast<KernelOp>(producer);
    if (!kernel)
      return {"SHAPE_CHANGES", describe(producer) + " before it changes the shape"};
    if (operand.getType() != op->getResult(0).getType())
      return {"SHAPE_CHANGES", "its operand is broadcast to its result"};
    for (Operation *user : operand.getUsers())
      if (isa<func::ReturnOp>(user))
        return {"GRAPH_OUTPUT", "the value before it is a graph output"};
      else if (user != op)
        return {"MULTI_CONSUMER", describe(user) + " reads the value before it too"};
    if (kernel->getNumResults() != 1 || !takesEpilogue(kernel))
      return {"NO_EPILOGUE", describe(kernel) + " before it computes nothing element by element at its end"};
    return {};
  }

  /// Tells the journal why ops are alone in their kernels.
  void recordRefusals(Block &body) {
    Journal journal(getOperation());
    for (auto kernel : body.getOps<KernelOp>()) {
      Block &ops = kernel.getBody().front();
      auto refusal = refusals.find(&ops.front());
      if (!llvm::hasNItems(ops.without_terminator(), 1) || refusal == refusals.end() ||
          journalKind(&ops.front()).empty())
        continue;
      const auto &[code, reason] = refusal->second;
      for (const std::string &name : namesOf(ops.front().getLoc()))
        if (JournalRow *row = journal.find(name); row && row->code.empty())
          journal.note(ops.front().getLoc(), code, reason);
        else if (row)
          row->reason += "; not fused: " + reason;
    }
    journal.save();
  }

  /// Whether the kernel computes element by element at its end. Pure data movement is left alone: it copies
  /// whole runs.
  bool takesEpilogue(KernelOp kernel) {
    Operation *anchor = &kernel.getBody().front().front();
    return isa<ElementwiseOpInterface>(anchor) ||
           isa<ConvOp, ConvTransposeOp, GemmOp, MatmulOp, AveragePoolOp, MaxPoolOp, GlobalAveragePoolOp>(
               anchor);
  }

  void join(KernelOp producer, Operation *op) {
    OpBuilder builder(op);
    Location loc = builder.getFusedLoc({producer.getLoc(), op->getLoc()});
    auto kernel = KernelOp::create(builder, loc, TypeRange(op->getResultTypes()), StringRef(nameOf(loc)),
                                   "llvm", DenseI64ArrayAttr());
    kernel.getBody().takeBody(producer.getBody());
    Block *block = &kernel.getBody().front();
    Operation *yield = block->getTerminator();
    op->replaceAllUsesWith(kernel);
    op->moveBefore(yield);
    op->replaceUsesOfWith(producer.getResult(0), yield->getOperand(0));
    yield->setOperands(op->getResults());
    producer.erase();
  }

  /// Why ops joined no kernel, by op.
  DenseMap<Operation *, Refusal> refusals;
};

} // namespace
} // namespace sinter::nn
