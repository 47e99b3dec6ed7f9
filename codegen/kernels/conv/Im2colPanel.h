// Panels of a convolution's input: which input elements the output pixels of a tile see at each kernel
// position.
#pragma once

#include "codegen/kernels/gemm/Contraction.h"
#include "ir/ops/Window.h"

namespace sinter::codegen {

/// The input side of a convolution as matrix B: k runs over [kernel position][channel], columns over output
/// pixels.
struct WindowSource {
  nn::Window window;             ///< three axes
  int64_t channels;              ///< of one group
  bool transposed = false;       ///< output and input change places: a transposed convolution
  std::function<Buffer()> input; ///< [batch][channel][spatial]

  int64_t inputPixels() const { return window[0].in * window[1].in * window[2].in; }
  int64_t outputPixels() const { return window[0].out * window[1].out * window[2].out; }
  int64_t taps() const { return window[0].size * window[1].size * window[2].size; }
  /// Whether every output pixel sees exactly its own input pixel.
  bool isPointwise() const;
};

/// The window with axes of size one put in front until there are three; nothing if it has more.
std::optional<nn::Window> threeAxes(nn::Window window);

/// Fills a panel of the source; a contraction's `fillPanel`.
void fillIm2colPanel(KernelEmitter &e, const WindowSource &source, const PanelRequest &request);

} // namespace sinter::codegen
