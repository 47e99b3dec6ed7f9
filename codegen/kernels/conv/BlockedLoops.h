// The loops of convolutions in NCHWc, whatever op they compute.
#pragma once

#include "codegen/kernels/gemm/DotProducts.h"
#include "ir/ops/Window.h"
#include <functional>

namespace sinter::codegen {

/// The parts of a convolution, whatever the op: the input, the weights, and the place of results.
struct ConvolutionOperands {
  mlir::Operation *op;
  mlir::Value x;
  /// The weights of output o of group g: [input of the group][kernel position].
  std::function<std::vector<double>(int64_t g, int64_t o)> weights;
  std::vector<double> bias; ///< of each output; sums start with it
  DotProducts products = DotProducts::ofFloats();
  double padding = 0; ///< the word that counts as zeros
  /// Kernel columns that share a word where few input channels leave room in it, their distance, and the bits of each.
  int64_t columns = 1, distance = 1, columnBits = 32;
  /// The pixel of the result, by that of the convolution; null where they are the same.
  std::function<mlir::Value(mlir::Value pixel)> place = {};
};

/// Emits the convolution; input lines that padding touches are copied by the iteration that reads them, or all at once
/// where they are too long for the stack. `inputs` and `outputs`: channels of a group.
void emitBlockedLoops(KernelEmitter &e, const ConvolutionOperands &of, const nn::Window &window, int64_t images,
                      int64_t groups, int64_t inputs, int64_t outputs);

} // namespace sinter::codegen
