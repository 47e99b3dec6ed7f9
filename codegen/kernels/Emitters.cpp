// Which kernels the LLVM backend takes, and how it emits one: the anchor by its family's emitter, the rest
// element by element.
#include "codegen/kernels/Emitters.h"
#include "codegen/emit/Fusion.h"
#include "codegen/kernels/Attention.h"
#include "codegen/kernels/Detection.h"
#include "codegen/kernels/LinearAlgebra.h"
#include "codegen/kernels/conv/Blocked.h"
#include "codegen/kernels/conv/SelectConv.h"
#include "ir/Diagnostics.h"
#include "ir/analysis/DepthwiseFeed.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

const EmitterTable &emitterTable() {
  static const EmitterTable table = [] {
    EmitterTable t;
    registerConvolutionEmitters(t);
    registerDetectionEmitters(t);
    registerIndexingEmitters(t);
    registerIndexingOrderEmitters(t);
    registerLayoutEmitters(t);
    registerLinearAlgebraEmitters(t);
    registerMatrixEmitters(t);
    registerMovementEmitters(t);
    registerNormalisationEmitters(t);
    registerPoolEmitters(t);
    registerReductionEmitters(t);
    registerResizeEmitters(t);
    registerSoftmaxEmitters(t);
    return t;
  }();
  return table;
}

/// A value's type as codegen needs it: static, of a known element type.
static bool hasStaticType(Value value) {
  RankedTensorType type = rankedType(value);
  return type && type.hasStaticShape() && elementCount(type.getShape()) && toDType(type.getElementType());
}

/// Builds the arithmetic of an op on arguments of a block that is thrown away.
static bool canBuild(ElementwiseOpInterface op) {
  Block block;
  OpBuilder builder(op.getContext());
  builder.setInsertionPointToStart(&block);
  for (Value operand : op->getOperands())
    block.addArgument(computeType(elementTypeOf(operand)), op.getLoc());
  return op->getNumResults() == 1 && op.buildElement(builder, op.getLoc(), block.getArguments());
}

static std::string checkElementwise(Operation &op, Operation *anchor) {
  std::string name = operatorName(&op);
  if (!canBuild(cast<ElementwiseOpInterface>(op)))
    return name + " has no element-by-element form";
  Value result = op.getResult(0);
  for (Value from : anchor ? ValueRange(anchor->getResults()) : ValueRange())
    if (reaches(from, result) && rankedType(from).getShape() != rankedType(result).getShape())
      return name + " changes the shape of the anchor's result";
  return "";
}

/// Whether `op` is a pointwise convolution that computes `anchor`, a depthwise one, on its way.
static bool isFedBy(Operation &op, Operation *anchor) {
  auto conv = dyn_cast<ConvOp>(op);
  return conv && isPointwise(conv) && depthwiseFeed(conv.getX()) == anchor;
}

std::string checkKernel(KernelOp kernel, const Target &target) {
  Operation *anchor = nullptr, *feed = nullptr;
  Block &body = kernel.getBody().front();
  if (std::optional<Attention> attention = attentionOf(kernel))
    return checkAttention(*attention, target);
  for (Operation &op : body) {
    std::string name = operatorName(&op);
    if (!llvm::all_of(op.getResults(), hasStaticType) || !llvm::all_of(op.getOperands(), hasStaticType))
      return name + " has a dynamic shape";
    if (op.hasTrait<OpTrait::IsTerminator>())
      continue;
    const AnchorEmitter *emitter = emitterTable().find(op.getName().getStringRef());
    if (std::string reason = checkLayouts(&op, emitter && emitter->takesBlocked, target); !reason.empty())
      return reason;
    if (isa<ElementwiseOpInterface>(op))
      continue;
    if (!emitter)
      return name + " has no generated kernel";
    if (anchor && (feed || !isFedBy(op, anchor)))
      return "it has two anchors, " + operatorName(anchor) + " and " + name;
    feed = anchor;
    anchor = &op;
    if (std::string reason = emitter->check ? emitter->check(&op, target) : ""; !reason.empty())
      return reason;
  }
  for (Operation &op : body.without_terminator())
    if (std::string reason = &op == anchor || &op == feed ? "" : checkElementwise(op, anchor); !reason.empty())
      return reason;
  for (Value yielded : body.getTerminator()->getOperands())
    if (feed && reaches(feed->getResult(0), yielded))
      return "an output needs " + operatorName(feed) + ", whose results are not kept";
    else if (anchor && llvm::count_if(anchor->getResults(), [&](Value from) { return reaches(from, yielded); }) > 1)
      return "an output needs two results of " + operatorName(anchor);
  return "";
}

std::string algorithmOf(KernelOp kernel, const Target &target) {
  if (attentionOf(kernel))
    return "attention by blocks of queries";
  for (Operation &op : kernel.getBody().front())
    if (std::optional<ConvSelection> selected = selectConv(&op, target); selected && !selected->arithmetic.empty())
      return selected->arithmetic;
  return "";
}

/// Whether each result with elements has an argument in some phase, by which it is written.
[[maybe_unused]] static bool writesAllResults(const KernelEmitter &e, KernelOp kernel) {
  return llvm::all_of(kernel.getResults(), [&](OpResult result) {
    return rankedType(result).getNumElements() == 0 || llvm::any_of(e.phases, [&](const Phase &phase) {
             return llvm::any_of(phase.buffers, [&](const BufferRef &buffer) {
               return buffer.kind == BufferRef::Output && buffer.index == result.getResultNumber();
             });
           });
  });
}

static LogicalResult emitPhases(KernelEmitter &e, KernelOp kernel) {
  if (std::optional<Attention> attention = attentionOf(kernel))
    return emitAttention(e, *attention);
  Operation *anchor = e.anchor();
  SmallVector<KernelOutput> rest;
  for (auto [number, value] : llvm::enumerate(kernel.getBody().front().getTerminator()->getOperands()))
    if (!anchor || llvm::none_of(anchor->getResults(), [&](Value from) { return reaches(from, value); }))
      rest.push_back({static_cast<unsigned>(number), value});
  if (anchor && failed(emitterTable().find(anchor->getName().getStringRef())->emit(e, anchor)))
    return failure();
  emitElementwise(e, rest);
  return success();
}

LogicalResult emitKernel(KernelEmitter &e, KernelOp kernel) {
  assert(checkKernel(kernel, e.target).empty() && "emitKernel comes after checkKernel found no reason against it");
  LogicalResult emitted = emitPhases(e, kernel);
  assert((failed(emitted) || writesAllResults(e, kernel)) && "every element of every result is finished");
  return emitted;
}

} // namespace sinter::codegen
