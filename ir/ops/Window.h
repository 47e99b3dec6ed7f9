// Sliding windows: kernel, strides, dilations, pads, auto_pad and ceil_mode of convolutions and pools,
// resolved to one record per spatial axis. Shape inference, reference and code generation all ask here.
#pragma once

#include "ir/Enums.h"
#include "ir/ShapeMath.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Support/LogicalResult.h"

namespace sinter::nn {

/// One spatial axis. Output o reads input o*stride - padBegin + k*dilation for k < size where that lies in
/// [0, in); a transposed convolution's input i writes output i*stride - padBegin + k*dilation.
struct WindowAxis {
  int64_t in, size, stride = 1, dilation = 1, padBegin = 0, padEnd = 0, out;

  /// Input position read by output `o` at kernel position `k`; outside [0, in) it is padding.
  int64_t position(int64_t o, int64_t k) const { return o * stride - padBegin + k * dilation; }
  /// The extent of the dilated kernel.
  int64_t extent() const { return (size - 1) * dilation + 1; }
  /// Half-open range of outputs whose position at `k` lies inside the input.
  std::pair<int64_t, int64_t> inside(int64_t k) const;
  /// Half-open range of kernel positions that output `o` reads inside the input.
  std::pair<int64_t, int64_t> taps(int64_t o) const;
};
using Window = llvm::SmallVector<WindowAxis, 3>;

/// The attributes as the op has them: empty arrays stand for ONNX's defaults. `outputPadding` and
/// `outputShape` belong to transposed convolutions.
struct WindowAttributes {
  llvm::ArrayRef<int64_t> kernel, strides, dilations, pads;
  AutoPad autoPad = AutoPad::NotSet;
  bool ceilMode = false;
  llvm::ArrayRef<int64_t> outputPadding = {}, outputShape = {};
};

/// Checks what does not depend on shapes: lengths that agree, values in [0 or 1, 2^31).
/// `kernel` may be empty.
mlir::LogicalResult verifyWindow(mlir::Operation *op, const WindowAttributes &attributes);

/// The window over `spatial` input dimensions. Where a dimension or kernel size is dynamic, `out` (and, under
/// SAME, the pads) is dynamic too. Emits an error at the op where sizes contradict each other or no output is
/// left.
mlir::FailureOr<Window> resolveWindow(mlir::Operation *op, const WindowAttributes &attributes,
                                      llvm::ArrayRef<int64_t> spatial);
/// Resolves the window of a transposed convolution: `out` is the larger side.
mlir::FailureOr<Window> resolveTransposedWindow(mlir::Operation *op, const WindowAttributes &attributes,
                                                llvm::ArrayRef<int64_t> spatial);

/// How many elements all windows of a result cover, each as often as windows do.
double windowComparisons(llvm::ArrayRef<int64_t> kernel, mlir::Value result);

/// Calls f(inputOffset) for each kernel position of output `index` that lies inside the input, in row-major
/// order; `inputOffset` counts elements within the spatial dimensions.
template <typename F> void visitWindow(const Window &window, llvm::ArrayRef<int64_t> index, F f) {
  Dims counts, steps, dims, kernel(window.size(), 0);
  for (const WindowAxis &axis : window)
    dims.push_back(axis.in);
  Dims strides = rowMajorStrides(dims);
  int64_t first = 0;
  for (size_t d = 0; d < window.size(); ++d) {
    auto [begin, end] = window[d].taps(index[d]);
    if (begin >= end)
      return;
    counts.push_back(end - begin);
    steps.push_back(window[d].dilation * strides[d]);
    first += window[d].position(index[d], begin) * strides[d];
  }
  do
    f(first + offsetOf(kernel, steps));
  while (nextIndex(kernel, counts));
}

/// Kernel positions of output `index` that lie inside input and padding: the divisor of an average that
/// counts padding. A partial window of ceil_mode reaches beyond both.
inline int64_t paddedCount(const Window &window, llvm::ArrayRef<int64_t> index) {
  int64_t count = 1;
  for (auto [axis, o] : llvm::zip_equal(window, index)) {
    int64_t room = axis.in + axis.padEnd - axis.position(o, 0);
    count *= std::clamp<int64_t>((room + axis.dilation - 1) / axis.dilation, 0, axis.size);
  }
  return count;
}

/// An optional array attribute as an array; empty where absent.
inline llvm::ArrayRef<int64_t> arrayOf(mlir::DenseI64ArrayAttr attribute) {
  return attribute ? attribute.asArrayRef() : llvm::ArrayRef<int64_t>();
}

} // namespace sinter::nn
