// Convolutions as contractions: rows are output channels of a group, columns output pixels, k runs over
// kernel positions and input channels. Weights are packed at compile time, pixels while they are computed.
#include "codegen/kernels/Emitters.h"
#include "codegen/kernels/conv/Blocked.h"
#include "codegen/kernels/conv/DirectConvolution.h"
#include "codegen/kernels/conv/Im2colPanel.h"
#include "codegen/kernels/conv/TransposedTerms.h"
#include "codegen/kernels/gemm/PackedOperands.h"
#include "ir/ops/PaddedWeights.h"
#include "ir/ops/TransposedWindow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {
namespace {

/// Adds the bias of an output channel, where there is one, and hands the value on.
void finishWithBias(KernelEmitter &e, Value bias, ValueRange at, Value inner, Value value, unsigned lanes) {
  if (bias) {
    Value b = e.splat(e.read(bias, ValueRange{at[1]}), lanes);
    value = arith::AddFOp::create(e.b, value, b);
  }
  e.finish(0, value, Point{SmallVector<Value>(at), inner, lanes});
}

template <typename Op> std::string refuseConvolution(Operation *operation, const Target &) {
  auto op = cast<Op>(operation);
  if (rankedType(op.getX()).getRank() > 5)
    return "more than three spatial dimensions";
  return {};
}

/// A convolution of either kind; the weight of (group, output channel, kernel position, input channel) is
/// where `weightIndex` says.
template <typename Op, typename F>
LogicalResult emitProduct(KernelEmitter &e, Op op, const Window &window, bool transposed, F weightIndex) {
  ArrayRef<int64_t> x = rankedType(op.getX()).getShape(), y = rankedType(op.getY()).getShape();
  int64_t group = op.getGroup(), images = x[0], outputs = y[1] / group;
  WindowSource source{window, x[1] / group, transposed, inComputeType(e, op.getX())};
  int64_t depth = source.channels * source.taps();
  Type compute = computeType(elementTypeOf(op.getX()));
  ContractionPlan plan(e.target, scheduleOf(op), compute, images * group, outputs, source.outputPixels(), depth, true);

  // k is [kernel position][channel].
  auto indexOf = [&](auto g, auto row, auto k) {
    return weightIndex(g, row, k, source.channels, outputs, source.taps());
  };
  std::function<Buffer()> weights = packedRows(e, plan, op.getW(), group, indexOf);
  ContractionOperands operands;
  operands.rowBuffer = weights;
  operands.rowBase = [&](Value batch) {
    return e.mul(e.delinearize(batch, {images, group})[1], plan.packedRowElements());
  };
  operands.fillPanel = [&](const PanelRequest &request) { fillIm2colPanel(e, source, request); };
  operands.finish = [&](Value batch, Value row, Value column, Value value, unsigned lanes) {
    SmallVector<Value> at = e.delinearize(batch, {images, group});
    at[1] = e.add(e.mul(at[1], outputs), row);
    finishWithBias(e, op.getB(), at, column, value, lanes);
  };
  operands.shortFinish = isShortEpilogue(op);
  emitContraction(e, plan, operands);
  return success();
}

std::string refuseConv(Operation *operation, const Target &target) {
  auto op = cast<ConvOp>(operation);
  if (layoutOf(op.getY().getType()))
    return refuseBlockedConvolution(op, target);
  return layoutOf(op.getX().getType()) ? "a plain result of a blocked operand"
                                       : refuseConvolution<ConvOp>(operation, target);
}

LogicalResult emitConv(KernelEmitter &e, Operation *operation) {
  auto op = cast<ConvOp>(operation);
  if (BlockedAttr layout = layoutOf(op.getY().getType()))
    return groupLayout(op, layout.getSize()) == GroupLayout::Inside ? emitConvolutionInBlocks(e, op)
                                                                    : emitBlockedConvolution(e, op);
  FailureOr<Window> resolved = op.window();
  if (failed(resolved))
    return failure();
  Window window = *threeAxes(*resolved);
  ArrayRef<int64_t> x = rankedType(op.getX()).getShape(), y = rankedType(op.getY()).getShape();
  int64_t group = op.getGroup();
  DirectConvolution direct{window, x[0], group, x[1] / group, y[1] / group};
  Type compute = computeType(elementTypeOf(op.getX()));
  if (direct.suits(e.target, compute)) {
    auto finish = [&](ValueRange at, Value inner, Value value, unsigned lanes) {
      finishWithBias(e, op.getB(), at, inner, value, lanes);
    };
    emitDirectConvolution(e, direct, compute, inComputeType(e, op.getX()), inComputeType(e, op.getW()), finish);
    return success();
  }
  return emitProduct(e, op, window, false,
                     [](auto g, auto row, auto k, int64_t channels, int64_t outputs, int64_t taps) {
                       return (g * outputs + row) * (channels * taps) + k % channels * taps + k / channels;
                     });
}

std::string refuseConvTranspose(Operation *operation, const Target &target) {
  auto op = cast<ConvTransposeOp>(operation);
  bool from = static_cast<bool>(layoutOf(op.getX().getType())), to = static_cast<bool>(layoutOf(op.getY().getType()));
  if (from != to)
    return "a transposed convolution keeps its layout";
  if (to)
    return !nn::canBeBlocked(op)          ? "it does not fall into convolutions of stride 1"
           : !hasFiniteWeights(op.getW()) ? "its weights are not finite, and blocks multiply zeros beyond the input"
                                          : "";
  return refuseConvolution<ConvTransposeOp>(operation, target);
}

LogicalResult emitConvTranspose(KernelEmitter &e, Operation *operation) {
  auto op = cast<ConvTransposeOp>(operation);
  if (layoutOf(op.getY().getType()))
    return emitBlockedTranspose(e, op);
  FailureOr<Window> resolved = op.window();
  if (failed(resolved))
    return failure();
  auto product = [&] {
    return emitProduct(e, op, *threeAxes(*resolved), true,
                       [](auto g, auto row, auto k, int64_t channels, int64_t outputs, int64_t taps) {
                         return ((g * channels + k % channels) * outputs + row) * taps + k / channels;
                       });
  };
  if (hasFiniteWeights(op.getW()) || rankedType(op.getW()).getNumElements() == 0)
    return product();
  auto finish = [&](ArrayRef<Value> at, Value pixel, Value value) {
    finishWithBias(e, op.getB(), at, pixel, value, 1);
  };
  if (constantTensor(op.getW())) {
    emitTransposedTerms(e, op, *resolved, Buffer(), finish);
    return success();
  }
  // A product takes in zeros beyond the input: done over where the run's weights do not bear that.
  Buffer marks = markNonFinite(e, op.getW());
  if (failed(product()))
    return failure();
  emitTransposedTerms(e, op, *resolved, marks, finish);
  return success();
}

} // namespace

void registerConvolutionEmitters(EmitterTable &table) {
  table.add<ConvOp>({refuseConv, emitConv, true});
  table.add<ConvTransposeOp>({refuseConvTranspose, emitConvTranspose, true});
}

} // namespace sinter::codegen
