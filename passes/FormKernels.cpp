// nn-form-kernels: ops into kernels. An elementwise op joins the kernel of an operand: where others read that
// too, the kernel gets a second output. A convolution takes in the elementwise ops that only it reads.
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "ir/analysis/Attention.h"
#include "ir/analysis/DepthwiseFeed.h"
#include "ir/analysis/Views.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/Report.h"
#include "passes/Rewrite.h"
#include "passes/SharedStorage.h"
#include "passes/Unused.h"
#include "runtime/OptionMark.h"

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
      declined.clear();
      copyAliasedOutputs(body);
      // Constants first, so that they stand before every kernel.
      for (auto constant : llvm::make_early_inc_range(body.getOps<ConstantOp>()))
        constant->moveBefore(&body, body.begin());
      if (fuse && secondOutputs)
        wrapAttentions(body);
      if (fuse)
        copyDequantisations(body);
      for (Operation &op : llvm::make_early_inc_range(body.without_terminator())) {
        if (isComputedByReader(&op))
          continue;
        if (isa<ConstantOp, KernelOp>(op) || isConcatInPlace(&op) || (isView(&op) && !op.hasAttr(copyMarker)))
          continue;
        op.removeAttr(copyMarker);
        KernelOp kernel = joinable(&op);
        if (!kernel)
          kernel = joinablePrologue(&op);
        if (!kernel || !rewrite(&op, "fuse", [&] { join(kernel, &op); }))
          wrap(&op);
      }
      recordMissed(body);
    }
  }

private:
  /// Chains of thousands of operators (an unrolled loop) would make functions that take minutes to compile.
  static constexpr unsigned maxOps = 64;

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

  /// Each attention becomes a kernel, with copies of the ops that pick its operands from something else.
  void wrapAttentions(Block &body) {
    DenseSet<Operation *> erased;
    for (MatmulOp product : llvm::to_vector(body.getOps<MatmulOp>())) {
      std::optional<Attention> attention = erased.contains(product) ? std::nullopt : matchAttention(product);
      if (!attention)
        continue;
      OpBuilder builder(attention->result.getDefiningOp());
      auto locations = llvm::map_to_vector(attention->ops, [](Operation *op) { return op->getLoc(); });
      Location loc = builder.getFusedLoc(locations);
      auto kernel = KernelOp::create(builder, loc, TypeRange(attention->result.getType()), nameOf(loc));
      builder.createBlock(&kernel.getBody());
      IRMapping inside;
      for (Operation *op : attention->ops)
        builder.clone(*op, inside);
      YieldOp::create(builder, loc, ValueRange(inside.lookup(attention->result)));
      attention->result.replaceAllUsesWith(kernel.getResult(0));
      for (Operation *op : llvm::reverse(attention->ops))
        if (op->use_empty()) {
          erased.insert(op);
          op->erase();
        }
    }
  }

  //===- Dequantisations --------------------------------------------------===//

  /// Dequantisations, and with low precision conversions from bf16: what they read is cheaper to pass on.
  bool widens(Operation *op) const {
    return isa<DequantizeOp>(op) || (lowPrecision && isa<CastOp>(op) && elementTypeOf(op->getOperand(0)).isBF16() &&
                                     elementTypeOf(op->getResult(0)).isF32());
  }

  /// Every reader of a dequantised value gets a dequantisation of its own, right before it.
  void copyDequantisations(Block &body) {
    SmallVector<Operation *> ops;
    for (Operation &op : body)
      if (widens(&op))
        ops.push_back(&op);
    for (Operation *op : ops)
      for (OpOperand &use : llvm::make_early_inc_range(op->getResult(0).getUses()))
        if (canDequantise(use.getOwner())) {
          OpBuilder builder(use.getOwner());
          use.set(builder.clone(*op)->getResult(0));
        }
    eraseUnused(body);
  }

  /// Whether kernels of the op compute its operands element by element.
  bool canDequantise(Operation *op) const {
    if (auto mean = dyn_cast<GlobalAveragePoolOp>(op))
      return static_cast<bool>(layoutOf(mean.getX().getType()));
    return isa<ElementwiseOpInterface>(op) && !widens(op);
  }

  /// A dequantisation that belongs into the kernel of the only op that reads it.
  bool isComputedByReader(Operation *op) {
    return fuse && widens(op) && op->hasOneUse() && canDequantise(*op->user_begin()) &&
           !isa<KernelOp>(op->getParentOp());
  }

  /// The value that the op reads in memory in place of the operand.
  Value readFrom(Value operand) {
    Operation *producer = operand.getDefiningOp();
    return producer && isComputedByReader(producer) ? producer->getOperand(0) : operand;
  }

  /// The dequantisations that the op, now in a kernel, reads go there too.
  void takeDequantisations(Operation *op) {
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp();
          producer && widens(producer) && producer->getBlock() != op->getBlock())
        producer->moveBefore(op);
  }

  //===- Joining ----------------------------------------------------------===//

  void wrap(Operation *op) {
    OpBuilder builder(op);
    auto kernel = KernelOp::create(builder, op->getLoc(), TypeRange(op->getResultTypes()), nameOf(op->getLoc()));
    Block *block = builder.createBlock(&kernel.getBody());
    op->replaceAllUsesWith(kernel);
    op->moveBefore(block, block->end());
    takeDequantisations(op);
    builder.setInsertionPointToEnd(block);
    YieldOp::create(builder, op->getLoc(), op->getResults());
  }

  /// The kernel that `op` can join, the latest one if there are several; null, with the reason in `declined`,
  /// if there is none.
  KernelOp joinable(Operation *op) {
    if (!fuse)
      return decline(op, "NOT_OPTIMISED", optionMark("optimise", "false") + " and the reference fuse nothing");
    if (!isa<ElementwiseOpInterface>(op) || op->getNumResults() != 1)
      return decline(op, "NOT_ELEMENTWISE", "its results need more than one element of each operand");
    KernelOp found;
    Legality reason;
    for (Value operand : op->getOperands()) {
      // One element type throughout keeps a kernel's vectors of one length; those of quantised values come to 32 bits.
      if (elementTypeOf(operand) != elementTypeOf(op->getResult(0)) && !convertsInRegisters(op))
        return decline(op, "ELEMENT_TYPE", "its operands and result differ in element type");
      if (operand.getDefiningOp<ConstantOp>())
        continue;
      Legality joins = canJoin(operand, op);
      auto kernel = readFrom(operand).getDefiningOp<KernelOp>();
      if (joins && (!found || found->isBeforeInBlock(kernel)))
        found = kernel;
      if (reason)
        reason = joins;
    }
    return found ? found : decline(op, reason.code, reason.sentence);
  }

  bool convertsInRegisters(Operation *op) const {
    if (!isa<CastOp>(op))
      return isa<QuantizeOp, DequantizeOp>(op);
    Type from = elementTypeOf(op->getOperand(0)), to = elementTypeOf(op->getResult(0));
    bool isNarrowing = lowPrecision && from.isF32() && to.isBF16();
    return (from.isSignlessInteger(32) && to.isF32()) || isNarrowing || widens(op);
  }

  KernelOp decline(Operation *op, StringRef code, StringRef reason) {
    declined[op] = Legality::no(code, reason);
    return {};
  }

  /// Whether `op` can join the kernel that computes `operand`.
  Legality canJoin(Value operand, Operation *op) {
    Operation *producer = readFrom(operand).getDefiningOp();
    if (!producer)
      return Legality::no("NO_PRODUCER", "it reads a graph input: no kernel comes before it");
    auto kernel = dyn_cast<KernelOp>(producer);
    if (isConcatInPlace(producer))
      return Legality::no("NO_EPILOGUE",
                          describe(producer) + " before it has no kernel: what it joins is computed in its place");
    if (!kernel)
      return Legality::no("SHAPE_CHANGES", describe(producer) + " before it changes the shape");
    RankedTensorType from = rankedType(operand), to = rankedType(op->getResult(0));
    if (from.getShape() != to.getShape() || from.getEncoding() != to.getEncoding())
      return Legality::no("SHAPE_CHANGES", "its operand is broadcast to its result");
    if (llvm::range_size(kernel.getBody().front()) > maxOps)
      return Legality::no("KERNEL_FULL", describe(kernel) + " before it holds as many operators as a kernel can");
    if (!takesEpilogue(kernel))
      return Legality::no("NO_EPILOGUE",
                          describe(kernel) + " before it computes nothing element by element at its end");
    if (isOnlyReader(op, kernel) || canStandAt(kernel, op))
      return Legality::yes();
    for (Operation *user : operand.getUsers())
      if (isa<func::ReturnOp>(user))
        return Legality::no("GRAPH_OUTPUT", "the value before it is a graph output");
      else if (user != op)
        return Legality::no("MULTI_CONSUMER", describe(user) + " reads the value before it too");
    return Legality::no("MULTI_CONSUMER", "several nodes read what " + describe(kernel) + " computes");
  }

  bool isOnlyReader(Operation *op, KernelOp kernel) {
    return llvm::all_of(kernel->getUsers(), [&](Operation *user) {
      return user == op || (isComputedByReader(user) && *user->user_begin() == op);
    });
  }

  /// Whether the op could stand where the kernel stands, as one more output of it.
  bool canStandAt(KernelOp kernel, Operation *op) {
    return secondOutputs && llvm::all_of(op->getOperands(), [&](Value operand) {
             Operation *producer = readFrom(operand).getDefiningOp();
             return !producer || producer == kernel || producer->isBeforeInBlock(kernel);
           });
  }

  /// The kernel that a convolution in channel blocks can compute while it loads its input: an elementwise one, or a
  /// depthwise convolution.
  KernelOp joinablePrologue(Operation *op) {
    auto conv = dyn_cast<ConvOp>(op);
    if (!fuse || !secondOutputs || !conv || conv.getGroup() != 1 || !elementTypeOf(conv.getX()).isF32() ||
        !layoutOf(conv.getX().getType()) || !layoutOf(conv.getY().getType()))
      return {};
    auto kernel = conv.getX().getDefiningOp<KernelOp>();
    if (kernel && canFeed(kernel, conv))
      return kernel;
    // Lines that two iterations read are computed twice: worth it for a few instructions.
    bool isCheap =
        kernel && llvm::all_of(kernel.getBody().front().without_terminator(), [](Operation &inner) {
          return isa<ChannelAffineOp, AddOp, SubOp, MulOp, MaxOp, MinOp, ReluOp, LeakyReluOp, PReluOp, ClipOp>(inner);
        });
    return isCheap && kernel->hasOneUse() ? kernel : KernelOp();
  }

  /// Whether the kernel is a depthwise convolution whose lines a pointwise one had better read from a buffer: what it
  /// writes is more than the L2 cache keeps, and a line of it leaves room in the L1 cache.
  static bool canFeed(KernelOp kernel, ConvOp conv) {
    constexpr int64_t minBytes = 512 << 10, maxLineBytes = 16 << 10;
    if (kernel->getNumResults() != 1 || !kernel->hasOneUse() || !isPointwise(conv))
      return false;
    int64_t bytes = storageBytes(conv.getX()),
            lines = rankedType(conv.getX()).getDimSize(0) * rankedType(conv.getX()).getDimSize(2);
    if (bytes < minBytes || bytes / lines > maxLineBytes)
      return false;
    Block &ops = kernel.getBody().front();
    ConvOp feed = depthwiseFeed(ops.getTerminator()->getOperand(0));
    return feed && feed == &ops.front();
  }

  /// Says why elementwise ops need kernels of their own, and writes of BatchNorms and activations to the report.
  void recordMissed(Block &body) {
    Report report(getOperation());
    for (auto kernel : body.getOps<KernelOp>()) {
      auto ops = kernel.getBody().front().without_terminator();
      auto found = declined.find(&*ops.begin());
      if (found == declined.end())
        continue;
      // A convolution joins no kernel; an elementwise op that has none before it and none behind it asks why.
      if (llvm::all_of(ops, [](Operation &op) { return isa<ElementwiseOpInterface>(op); }))
        remarkMissed(&*ops.begin(), getArgument(), found->second);
      if (llvm::any_of(ops, [](Operation &op) { return reportKind(&op).empty(); }))
        continue;
      const std::string &code = found->second.code, &reason = found->second.sentence;
      Location loc = (*ops.begin()).getLoc();
      for (const std::string &name : namesOf(loc))
        if (ReportRow *row = report.find(name); row && row->code.empty())
          report.note(loc, code, reason);
        else if (row)
          row->reason += "; not fused: " + reason;
    }
    report.save();
  }

  /// Whether the kernel computes element by element at its end. Pure data movement is left alone: it copies
  /// whole runs.
  bool takesEpilogue(KernelOp kernel) {
    return llvm::all_of(kernel.getBody().front().without_terminator(),
                        [](Operation &op) { return isa<ElementwiseOpInterface>(op) || op.hasTrait<TakesEpilogue>(); });
  }

  /// The op at the end of the kernel, which then stands where the op stood, or stays where it is if others
  /// read it. Results that nothing reads any more are dropped.
  void join(KernelOp producer, Operation *op) {
    bool stays = !isOnlyReader(op, producer);
    OpBuilder builder(stays ? producer.getOperation() : op);
    Location loc = builder.getFusedLoc({producer.getLoc(), op->getLoc()});
    Block &ops = producer.getBody().front();
    Operation *yield = ops.getTerminator();
    // Inside, the op reads what the kernel yields.
    SmallVector<Operation *> joining;
    for (Value operand : op->getOperands())
      if (readFrom(operand) != operand)
        joining.push_back(operand.getDefiningOp());
    joining.push_back(op);
    for (Operation *reader : joining)
      for (auto [result, inner] : llvm::zip_equal(producer.getResults(), yield->getOperands()))
        reader->replaceUsesOfWith(result, inner);
    SmallVector<Value> kept, inner;
    for (auto [result, value] : llvm::zip_equal(producer.getResults(), yield->getOperands()))
      if (!result.use_empty())
        kept.push_back(result), inner.push_back(value);
    llvm::append_range(kept, op->getResults());
    llvm::append_range(inner, op->getResults());
    auto kernel = KernelOp::create(builder, loc, TypeRange(ValueRange(inner)), nameOf(loc));
    for (auto [old, result] : llvm::zip_equal(kept, kernel.getResults()))
      old.replaceAllUsesWith(result);
    kernel.getBody().takeBody(producer.getBody());
    for (Operation *reader : joining)
      reader->moveBefore(yield);
    yield->setOperands(inner);
    producer.erase();
    if (!stays)
      takeElementwise(op);
  }

  /// Elementwise kernels that nothing but the op reads go into its kernel, where f16 and bf16 are not rounded between
  /// ops; of wider types they stay, as their bounds do.
  void takeElementwise(Operation *op) {
    auto type = dyn_cast<FloatType>(elementTypeOf(op->getResult(0)));
    if (!type || type.getWidth() != 16)
      return;
    auto kernel = cast<KernelOp>(op->getParentOp());
    for (OpOperand &operand : op->getOpOperands()) {
      auto other = operand.get().getDefiningOp<KernelOp>();
      if (!other || other == kernel || other->getNumResults() != 1 || !other->hasOneUse() ||
          !isWhollyElementwise(other) || operand.get().getType() != op->getResult(0).getType() ||
          llvm::range_size(other.getBody().front()) + llvm::range_size(kernel.getBody().front()) > maxOps)
        continue;
      Block &ops = other.getBody().front();
      operand.set(ops.getTerminator()->getOperand(0));
      for (Operation &inner : llvm::make_early_inc_range(ops.without_terminator()))
        inner.moveBefore(op);
      Location loc = FusedLoc::get(op->getContext(), {other.getLoc(), kernel.getLoc()});
      kernel->setLoc(loc);
      kernel.setName(nameOf(loc));
      other.erase();
    }
  }

  static bool isWhollyElementwise(KernelOp kernel) {
    return llvm::all_of(kernel.getBody().front().without_terminator(), [](Operation &op) {
      auto type = dyn_cast<FloatType>(elementTypeOf(op.getResult(0)));
      return isa<ElementwiseOpInterface>(op) && type && type.getWidth() == 16;
    });
  }

  /// Why ops joined no kernel, by op.
  DenseMap<Operation *, Legality> declined;
};

} // namespace
} // namespace sinter::nn
