// Convolutions in channel blocks: how each op becomes such loops (BlockedLoops.h).
#include "codegen/kernels/conv/Blocked.h"
#include "codegen/kernels/conv/BlockedLoops.h"
#include "codegen/kernels/conv/Im2colPanel.h"
#include "ir/ops/TransposedWindow.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

namespace {

/// The operands of a convolution with weights [output][input of the group][kernel...].
template <typename Op> ConvolutionOperands operandsOf(Op op, DotProducts products) {
  Tensor w = *constantTensor(op.getW());
  std::vector<double> bias = op.getB() ? toDoubles(*constantTensor(op.getB())) : std::vector<double>();
  int64_t outputs = w.shape()[0] / static_cast<int64_t>(op.getGroup()), each = w.size() / w.shape()[0];
  auto weights = [=](int64_t g, int64_t o) { return toDoubles(w.part((g * outputs + o) * each, each)); };
  return {op, op.getX(), weights, bias, products};
}

/// Lets neighbouring kernel columns share the words of few input channels, which shortens the window. `inputs`:
/// channels of a word.
void shareWords(ConvolutionOperands &of, Window &window, int64_t &inputs) {
  WindowAxis &axis = window[2];
  int64_t size = axis.size, channels = inputs, columns = std::min(of.products.channels() / channels, size);
  if (columns < 2)
    return;
  of.columns = columns;
  of.distance = axis.dilation;
  of.columnBits = 32 / of.products.channels() * channels;
  axis.size = llvm::divideCeilSigned(size, columns);
  axis.dilation *= columns;
  inputs *= columns;
  of.weights = [=, ofColumns = of.weights, taps = axis.size](int64_t g, int64_t o) {
    std::vector<double> apart = ofColumns(g, o);
    int64_t lines = static_cast<int64_t>(apart.size()) / (channels * size);
    // bounded: the column's weights, at most `columns` times.
    std::vector<double> shared(static_cast<size_t>(columns * channels * lines * taps), 0);
    for (int64_t channel = 0; channel < channels; ++channel)
      for (int64_t line = 0; line < lines; ++line)
        for (int64_t column = 0; column < size; ++column) {
          int64_t i = column % columns * channels + channel;
          shared[static_cast<size_t>((i * lines + line) * taps + column / columns)] =
              apart[static_cast<size_t>((channel * lines + line) * size + column)];
        }
    return shared;
  };
}

template <typename Op> void emitOver(KernelEmitter &e, ConvolutionOperands of, Window window, Op op) {
  int64_t group = op.getGroup(), outputs = rankedType(op.getW()).getDimSize(0) / group,
          inputs = rankedType(op.getW()).getDimSize(1);
  if (group == 1 && layoutOf(of.x.getType()))
    shareWords(of, window, inputs);
  emitBlockedLoops(e, of, window, rankedType(op.getX()).getDimSize(0), group, inputs, outputs);
}

} // namespace

LogicalResult emitBlockedConvolution(KernelEmitter &e, ConvOp op, const DotProducts &products) {
  FailureOr<Window> resolved = op.window();
  if (failed(resolved))
    return failure();
  emitOver(e, operandsOf(op, products), *threeAxes(*resolved), op);
  return success();
}

LogicalResult emitBlockedTranspose(KernelEmitter &e, ConvTransposeOp op) {
  FailureOr<Window> resolved = op.window();
  if (failed(resolved))
    return failure();
  Window window = *threeAxes(*resolved);
  ArrayRef<int64_t> x = rankedType(op.getX()).getShape(), y = rankedType(op.getY()).getShape();
  std::vector<double> from = toDoubles(*constantTensor(op.getW()));
  std::vector<double> bias = op.getB() ? toDoubles(*constantTensor(op.getB())) : std::vector<double>();
  SmallVector<TransposedPhase> rows = *transposedPhases(window[1]), columns = *transposedPhases(window[2]);
  for (const TransposedPhase &row : rows)
    for (const TransposedPhase &column : columns) {
      auto weightsOf = [&](int64_t, int64_t o) {
        std::vector<double> values;
        for (int64_t i = 0; i < x[1]; ++i)
          for (int64_t r : row.taps)
            for (int64_t c : column.taps)
              values.push_back(from[static_cast<size_t>(((i * y[1] + o) * window[1].size + r) * window[2].size + c)]);
        return values;
      };
      auto place = [&](Value pixel) {
        SmallVector<Value> at = e.delinearize(pixel, {row.axis.out, column.axis.out});
        Value line = e.add(e.mul(at[0], window[1].stride), e.index(row.remainder));
        return e.add(e.mul(line, window[2].out), e.add(e.mul(at[1], window[2].stride), e.index(column.remainder)));
      };
      ConvolutionOperands of{op, op.getX(), weightsOf, bias};
      of.place = place;
      emitBlockedLoops(e, of, {window[0], row.axis, column.axis}, x[0], 1, x[1], y[1]);
    }
  return success();
}

/// sum of (x - zero) * w = sum of x*w - zero * (sum of w): exact at borders, too, where padding is `zero`.
LogicalResult emitBlockedConvolution(KernelEmitter &e, ConvIntegerOp op, const DotProducts &products) {
  FailureOr<Window> resolved = op.window();
  if (failed(resolved))
    return failure();
  ConvolutionOperands of = operandsOf(op, products);
  auto byte = static_cast<uint8_t>(op.getXZeroPoint());
  of.padding = static_cast<double>(static_cast<int32_t>(byte * 0x01010101U));
  auto zero = static_cast<double>(op.getXZeroPoint() + of.products.shift());
  std::vector<double> weights = toDoubles(*constantTensor(op.getW()));
  auto outputs = static_cast<size_t>(rankedType(op.getW()).getDimSize(0));
  of.bias.resize(outputs, 0);
  for (size_t i = 0; i < weights.size(); ++i)
    of.bias[i / (weights.size() / outputs)] -= zero * weights[i];
  emitOver(e, of, *threeAxes(*resolved), op);
  return success();
}

} // namespace sinter::codegen
