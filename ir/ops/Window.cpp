// Output sizes and pads of sliding windows, by the formulas of ONNX's Conv, ConvTranspose and pools.
#include "ir/ops/Window.h"

using namespace mlir;

namespace sinter::nn {

static bool isDynamic(int64_t dim) { return ShapedType::isDynamic(dim); }

/// Whether the result has the operand's size, divided by strides or times them.
static bool isSame(AutoPad autoPad) { return autoPad == AutoPad::SameUpper || autoPad == AutoPad::SameLower; }

std::pair<int64_t, int64_t> WindowAxis::inside(int64_t k) const {
  // 0 <= o*stride + shift < in
  int64_t shift = k * dilation - padBegin;
  int64_t begin = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
  int64_t end = shift >= in ? 0 : (in - 1 - shift) / stride + 1;
  begin = std::min(begin, out);
  return {begin, std::clamp(end, begin, out)};
}

std::pair<int64_t, int64_t> WindowAxis::taps(int64_t o) const {
  int64_t start = position(o, 0);
  int64_t begin = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  int64_t end = start >= in ? 0 : (in - 1 - start) / dilation + 1;
  return {begin, std::min(end, size)};
}

double windowComparisons(ArrayRef<int64_t> kernel, Value result) {
  double elements = elementsOf(result);
  for (int64_t extent : kernel)
    elements *= static_cast<double>(extent);
  return elements;
}

static LogicalResult verifyArray(Operation *op, StringRef name, ArrayRef<int64_t> values, size_t rank, int64_t least) {
  if (!values.empty() && values.size() != rank)
    return op->emitOpError() << name << " has " << values.size() << " entries, expected " << rank;
  for (int64_t value : values)
    if (value < least || value > std::numeric_limits<int32_t>::max())
      return op->emitOpError() << name << " has the entry " << value << ", expected " << least << " to 2^31-1";
  return success();
}

LogicalResult verifyWindow(Operation *op, const WindowAttributes &a) {
  size_t rank = std::max({a.kernel.size(), a.strides.size(), a.dilations.size(), a.pads.size() / 2});
  if (a.pads.size() % 2 != 0)
    return op->emitOpError() << "pads has " << a.pads.size() << " entries, expected a begin and an end for each axis";
  if (failed(verifyArray(op, "kernel_shape", a.kernel, rank, 1)) ||
      failed(verifyArray(op, "strides", a.strides, rank, 1)) ||
      failed(verifyArray(op, "dilations", a.dilations, rank, 1)) ||
      failed(verifyArray(op, "pads", a.pads, 2 * rank, 0)))
    return failure();
  size_t spatial = rank ? rank : a.outputPadding.size();
  return success(succeeded(verifyArray(op, "output_padding", a.outputPadding, spatial, 0)) &&
                 succeeded(verifyArray(op, "output_shape", a.outputShape, a.outputShape.size(), 1)));
}

/// The attributes of one window as records, before sizes are known. Lengths are checked against the spatial
/// rank here, since attributes alone cannot know it.
static FailureOr<Window> explicitWindow(Operation *op, const WindowAttributes &a, ArrayRef<int64_t> spatial) {
  size_t rank = spatial.size();
  auto fits = [&](StringRef name, ArrayRef<int64_t> values, size_t expected) -> LogicalResult {
    if (values.empty() || values.size() == expected)
      return success();
    return op->emitOpError() << name << " has " << values.size() << " entries, but the input has " << rank
                             << " spatial dimensions";
  };
  if (a.kernel.size() != rank)
    return op->emitOpError() << "the kernel has " << a.kernel.size() << " dimensions, but the input has " << rank
                             << " spatial dimensions";
  if (failed(verifyWindow(
          op, {{}, a.strides, a.dilations, a.pads, a.autoPad, a.ceilMode, a.outputPadding, a.outputShape})) ||
      failed(fits("strides", a.strides, rank)) || failed(fits("dilations", a.dilations, rank)) ||
      failed(fits("pads", a.pads, 2 * rank)) || failed(fits("output_padding", a.outputPadding, rank)))
    return failure();
  Window window(rank);
  for (size_t d = 0; d < rank; ++d) {
    WindowAxis &axis = window[d];
    axis.in = spatial[d];
    axis.size = a.kernel[d];
    if (!isDynamic(axis.size) && (axis.size < 1 || axis.size > std::numeric_limits<int32_t>::max()))
      return op->emitOpError() << "has a kernel of size " << axis.size << ", expected 1 to 2^31-1";
    // Far above any real tensor; keeps the sums below from overflowing.
    if (!isDynamic(axis.in) && (axis.in < 0 || axis.in > std::numeric_limits<int64_t>::max() / 16))
      return op->emitOpError() << "has an input dimension of size " << axis.in;
    axis.stride = a.strides.empty() ? 1 : a.strides[d];
    axis.dilation = a.dilations.empty() ? 1 : a.dilations[d];
    bool explicitPads = a.autoPad == AutoPad::NotSet && !a.pads.empty();
    axis.padBegin = explicitPads ? a.pads[d] : 0;
    axis.padEnd = explicitPads ? a.pads[rank + d] : 0;
    axis.out = ShapedType::kDynamic;
  }
  return window;
}

FailureOr<Window> resolveWindow(Operation *op, const WindowAttributes &a, ArrayRef<int64_t> spatial) {
  FailureOr<Window> window = explicitWindow(op, a, spatial);
  if (failed(window))
    return failure();
  bool same = isSame(a.autoPad);
  for (WindowAxis &axis : *window) {
    if (isDynamic(axis.in) || isDynamic(axis.size)) {
      if (same)
        axis.padBegin = axis.padEnd = ShapedType::kDynamic;
      continue;
    }
    if (same) {
      axis.out = (axis.in + axis.stride - 1) / axis.stride;
      int64_t total = std::max<int64_t>(0, (axis.out - 1) * axis.stride + axis.extent() - axis.in);
      axis.padBegin = a.autoPad == AutoPad::SameUpper ? total / 2 : total - total / 2;
      axis.padEnd = total - axis.padBegin;
    } else {
      int64_t room = axis.in + axis.padBegin + axis.padEnd - axis.extent();
      if (room < 0)
        return op->emitOpError() << "has a kernel of extent " << axis.extent() << " over an input of "
                                 << axis.in + axis.padBegin + axis.padEnd << " elements, pads included";
      axis.out = room / axis.stride + 1;
      // ceil_mode adds a partial window, unless it would start in the padding at the end.
      if (a.ceilMode && room % axis.stride != 0 && axis.out * axis.stride < axis.in + axis.padBegin)
        ++axis.out;
    }
  }
  return window;
}

FailureOr<Window> resolveTransposedWindow(Operation *op, const WindowAttributes &a, ArrayRef<int64_t> spatial) {
  FailureOr<Window> window = explicitWindow(op, a, spatial);
  if (failed(window))
    return failure();
  size_t rank = spatial.size();
  // ONNX counts spatial dimensions only; some exporters also write batch and channels.
  ArrayRef<int64_t> outputShape = a.outputShape;
  if (outputShape.size() == rank + 2)
    outputShape = outputShape.drop_front(2);
  if (!outputShape.empty() && outputShape.size() != rank)
    return op->emitOpError() << "output_shape has " << outputShape.size() << " entries, but the input has " << rank
                             << " spatial dimensions";
  bool same = isSame(a.autoPad);
  for (auto [d, axis] : llvm::enumerate(*window)) {
    bool given = same || !outputShape.empty();
    if (isDynamic(axis.in) || isDynamic(axis.size)) {
      if (given)
        axis.padBegin = axis.padEnd = ShapedType::kDynamic;
      if (!outputShape.empty())
        axis.out = outputShape[d];
      continue;
    }
    int64_t extra = a.outputPadding.empty() ? 0 : a.outputPadding[d], scaled, full;
    if (__builtin_mul_overflow(axis.in, axis.stride, &scaled) ||
        __builtin_add_overflow(scaled - axis.stride, axis.extent() + extra, &full))
      return op->emitOpError() << "has an output too large to count";
    if (given) {
      // total = (in-1)*stride + output_padding + extent - out; what would be negative is filled with bias at
      // the end.
      axis.out = outputShape.empty() ? scaled : outputShape[d];
      // An output_padding could add as much. Beyond lies nothing that any input reaches.
      int64_t most = full + std::max(axis.stride, axis.dilation) - 1 - extra;
      if (!outputShape.empty() && axis.out > most)
        return op->emitOpError() << "output_shape asks for " << axis.out << " elements along spatial dimension " << d
                                 << ", of which the kernel reaches " << full;
      int64_t total = std::max<int64_t>(0, full - axis.out);
      axis.padBegin = a.autoPad == AutoPad::SameUpper ? total / 2 : total - total / 2;
      axis.padEnd = total - axis.padBegin;
    } else {
      axis.out = full - axis.padBegin - axis.padEnd;
    }
    if (axis.out < 0 || (axis.out == 0 && axis.in > 0))
      return op->emitOpError() << "has no output left: its pads exceed the transposed extent " << full;
  }
  return window;
}

} // namespace sinter::nn
