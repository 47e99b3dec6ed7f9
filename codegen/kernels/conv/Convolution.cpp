// Convolutions by the algorithms that SelectConv.h chooses. In planes most are contractions: rows are output channels
// of a group, columns output pixels, k runs over kernel positions and input channels. Weights are packed at compile
// time, pixels while they are computed.
#include "codegen/kernels/Emitters.h"
#include "codegen/kernels/conv/Blocked.h"
#include "codegen/kernels/conv/Im2colPanel.h"
#include "codegen/kernels/conv/SelectConv.h"
#include "codegen/kernels/conv/TransposedTerms.h"
#include "codegen/kernels/gemm/PackedOperands.h"
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

/// Along output lines of planes.
LogicalResult emitPlanes(KernelEmitter &e, ConvOp op, const DirectConvolution &planes) {
  auto finish = [&](ValueRange at, Value inner, Value value, unsigned lanes) {
    finishWithBias(e, op.getB(), at, inner, value, lanes);
  };
  emitDirectConvolution(e, planes, computeType(elementTypeOf(op.getX())), inComputeType(e, op.getX()),
                        inComputeType(e, op.getW()), finish);
  return success();
}

LogicalResult emitIm2col(KernelEmitter &e, ConvOp op) {
  return emitProduct(e, op, *threeAxes(*op.window()), false,
                     [](auto g, auto row, auto k, int64_t channels, int64_t outputs, int64_t taps) {
                       return (g * outputs + row) * (channels * taps) + k % channels * taps + k / channels;
                     });
}

LogicalResult emitIm2col(KernelEmitter &e, ConvTransposeOp op) {
  return emitProduct(e, op, *threeAxes(*op.window()), true,
                     [](auto g, auto row, auto k, int64_t channels, int64_t outputs, int64_t taps) {
                       return ((g * channels + k % channels) * outputs + row) * taps + k / channels;
                     });
}

/// Output by output; with `marks` where they tell of a weight that is not finite.
LogicalResult emitTerms(KernelEmitter &e, ConvTransposeOp op, const Buffer &marks) {
  auto finish = [&](ArrayRef<Value> at, Value pixel, Value value) {
    finishWithBias(e, op.getB(), at, pixel, value, 1);
  };
  emitTransposedTerms(e, op, *op.window(), marks, finish);
  return success();
}

LogicalResult emitConv(KernelEmitter &e, Operation *operation) {
  auto op = cast<ConvOp>(operation);
  std::optional<ConvSelection> selected = selectConv(op, e.target);
  if (!selected)
    return failure();
  switch (selected->algorithm) {
  case ConvAlgorithm::Blocked:
    return emitBlockedConvolution(e, op, selected->products);
  case ConvAlgorithm::Window:
    return emitConvolutionInBlocks(e, op);
  case ConvAlgorithm::Winograd:
    return emitWinograd(e, op, *threeAxes(*op.window()), *selected->tile);
  case ConvAlgorithm::Planes:
    return emitPlanes(e, op, *selected->planes);
  case ConvAlgorithm::Im2col:
    return emitIm2col(e, op);
  default:
    llvm_unreachable("an algorithm of other ops");
  }
}

LogicalResult emitConvTranspose(KernelEmitter &e, Operation *operation) {
  auto op = cast<ConvTransposeOp>(operation);
  std::optional<ConvSelection> selected = selectConv(op, e.target);
  if (!selected)
    return failure();
  switch (selected->algorithm) {
  case ConvAlgorithm::TransposedPhases:
    return emitBlockedTranspose(e, op);
  case ConvAlgorithm::Im2col:
    return emitIm2col(e, op);
  case ConvAlgorithm::TransposedTerms:
    return emitTerms(e, op, Buffer());
  case ConvAlgorithm::Im2colOrTransposedTerms: {
    Buffer marks = markNonFinite(e, op.getW());
    return succeeded(emitIm2col(e, op)) ? emitTerms(e, op, marks) : failure();
  }
  default:
    llvm_unreachable("an algorithm of other ops");
  }
}

LogicalResult emitConvInteger(KernelEmitter &e, Operation *operation) {
  auto op = cast<ConvIntegerOp>(operation);
  std::optional<ConvSelection> selected = selectConv(op, e.target);
  if (!selected)
    return failure();
  switch (selected->algorithm) {
  case ConvAlgorithm::Blocked:
    return emitBlockedConvolution(e, op, selected->products);
  case ConvAlgorithm::Window:
    return emitConvolutionInBlocks(e, op);
  case ConvAlgorithm::Scalar:
    return emitScalarConvolution(e, op);
  default:
    llvm_unreachable("an algorithm of other ops");
  }
}

} // namespace

void registerConvolutionEmitters(EmitterTable &table) {
  table.add<ConvOp>({checkConvolution, emitConv, true});
  table.add<ConvTransposeOp>({checkConvolution, emitConvTranspose, true});
  table.add<ConvIntegerOp>({checkConvolution, emitConvInteger, true});
}

} // namespace sinter::codegen
