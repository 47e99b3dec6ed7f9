// nn-form-kernels: ops into kernels. An elementwise op joins the kernel of an operand only it reads; the
// joined kernel stands where its last op stood, so every operand is defined before it.
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
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
      copyAliasedOutputs(body);
      for (Operation &op : llvm::make_early_inc_range(body.without_terminator())) {
        if (isa<ConstantOp, KernelOp>(op) || (isView(&op) && !op.hasAttr(copyMarker)))
          continue;
        op.removeAttr(copyMarker);
        KernelOp producer = fuse ? joinable(&op) : KernelOp();
        producer ? join(producer, &op) : wrap(&op);
      }
    }
  }

private:
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

  /// The kernel that `op` can join, the latest one if there are several; null if there is none.
  KernelOp joinable(Operation *op) {
    if (!isa<ElementwiseOpInterface>(op) || op->getNumResults() != 1)
      return {};
    Type type = op->getResult(0).getType();
    KernelOp found;
    for (Value operand : op->getOperands()) {
      // One element type throughout keeps a kernel's vectors of one length.
      if (elementTypeOf(operand) != elementTypeOf(op->getResult(0)))
        return {};
      auto kernel = operand.getDefiningOp<KernelOp>();
      if (!kernel || kernel->getNumResults() != 1 || operand.getType() != type ||
          kernel->getBlock() != op->getBlock())
        continue;
      bool onlyReader = llvm::all_of(operand.getUsers(), [&](Operation *user) { return user == op; });
      if (onlyReader && takesEpilogue(kernel) && (!found || found->isBeforeInBlock(kernel)))
        found = kernel;
    }
    return found;
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
};

} // namespace
} // namespace sinter::nn
