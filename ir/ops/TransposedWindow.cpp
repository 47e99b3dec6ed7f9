// For each remainder it collects the kernel taps that hit it; their input positions make the window of that phase.
#include "ir/ops/TransposedWindow.h"
#include "ir/Ops.h"

#include <numeric>

using namespace mlir;

namespace sinter::nn {

std::optional<SmallVector<TransposedPhase>> transposedPhases(const WindowAxis &axis) {
  SmallVector<TransposedPhase> phases;
  for (int64_t r = 0; r < std::min(axis.stride, axis.out); ++r) {
    TransposedPhase phase{r, axis, {}};
    int64_t first = 0;
    // Input i adds to output i*stride - pad + k*dilation = q*stride + r: i = q + (r + pad - k*dilation)/stride, least
    // for the last k.
    for (int64_t k = axis.size - 1; k >= 0; --k) {
      int64_t distance = r + axis.padBegin - k * axis.dilation;
      if (distance % axis.stride != 0)
        continue;
      if (phase.taps.empty())
        first = distance / axis.stride;
      phase.taps.push_back(k);
    }
    if (phase.taps.empty() || first > 0)
      return std::nullopt;
    WindowAxis &inner = phase.axis;
    inner.size = static_cast<int64_t>(phase.taps.size());
    inner.stride = 1;
    inner.dilation = axis.dilation / std::gcd(axis.dilation, axis.stride);
    inner.padBegin = -first;
    inner.out = (axis.out - r + axis.stride - 1) / axis.stride;
    inner.padEnd = std::max<int64_t>(inner.position(inner.out - 1, inner.size - 1) - (axis.in - 1), 0);
    phases.push_back(phase);
  }
  return phases;
}

bool canBeBlocked(ConvTransposeOp op) {
  if (op.getGroup() != 1 || !constantTensor(op.getW()) || (op.getB() && !constantTensor(op.getB())))
    return false;
  FailureOr<Window> window = op.window();
  constexpr int64_t maxPhases = 16; // each is code of its own
  if (failed(window) || window->size() > 2)
    return false;
  int64_t count = 1;
  for (const WindowAxis &axis : *window) {
    std::optional<SmallVector<TransposedPhase>> phases = transposedPhases(axis);
    if (!phases)
      return false;
    count *= static_cast<int64_t>(phases->size());
  }
  return count <= maxPhases;
}

} // namespace sinter::nn
