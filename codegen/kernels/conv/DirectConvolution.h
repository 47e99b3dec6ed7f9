// Convolutions with few channels in a group (depthwise ones above all): nothing to reuse between output
// channels, so input planes are copied into a padded buffer and kernel positions are multiplied and added
// along output lines.
#pragma once

#include "codegen/emit/KernelEmitter.h"
#include "ir/ops/Window.h"

#include <functional>

namespace sinter::codegen {

struct DirectConvolution {
  nn::Window window;                       ///< three axes
  int64_t images, groups, inputs, outputs; ///< channels per group

  /// Whether this way is better than a contraction, and its buffers fit.
  bool suits(const Target &target, mlir::Type compute) const;

  int64_t linesAtOnce(const Target &target, mlir::Type compute) const;
  /// Sizes of the padded buffer: input columns of one remainder by the stride, and elements of a line.
  int64_t phaseColumns(int64_t lanes) const;
  int64_t lineElements(int64_t lanes) const { return phaseColumns(lanes) * window[2].stride; }
  int64_t bufferLines(int64_t lines) const;
};

/// Emits the phase. `finish(at, inner, value, lanes)`: at = {image, output channel}, inner the output pixel.
void emitDirectConvolution(
    KernelEmitter &e, const DirectConvolution &plan, mlir::Type compute, const std::function<Buffer()> &input,
    const std::function<Buffer()> &weights,
    llvm::function_ref<void(mlir::ValueRange at, mlir::Value inner, mlir::Value value, unsigned lanes)> finish);

} // namespace sinter::codegen
