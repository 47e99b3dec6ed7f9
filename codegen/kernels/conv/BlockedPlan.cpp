// Chooses the register tile first, then blocks of pixels that fit the caches, then chunks of weights for the L1 cache.
#include "codegen/kernels/conv/BlockedPlan.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

BlockedConvolution::BlockedConvolution(const Target &target, const Schedule &schedule, const Window &w, int64_t images,
                                       int64_t groups, int64_t inputs, int64_t outputs, int64_t inputBlock,
                                       int64_t vectors, bool packs, int64_t moreColumns)
    : window(w), images(images), groups(groups), inputs(inputs), outputs(outputs), block(target.lanes(32)),
      inputBlock(inputBlock), vectors(vectors), packs(packs), moreColumns(moreColumns) {
  bool isPointwise = !packs && llvm::all_of(window, [](const WindowAxis &axis) {
    return axis.size == 1 && axis.stride == 1 && axis.in == axis.out;
  });
  if (isPointwise) {
    // Lines have no meaning: all pixels are one line.
    int64_t all = window[0].out * window[1].out * window[2].out;
    window[0].in = window[0].out = window[1].in = window[1].out = 1;
    window[2].in = window[2].out = all;
  }
  // Loops over kernel planes, too, need general registers.
  TileLimits limits{.pixels = isVolume() ? 4 : 8, .weightBytes = block * taps() * inputBlock * vectors * 4};
  // Each further vector of weights comes with a factor of its own.
  Target spared = target;
  spared.vectorRegisters -= 2 * static_cast<unsigned>(vectors - 1);
  tiles = chooseTiles(spared, schedule, pixels(), outputs, limits);
  const PixelTile &main = tiles.main;

  // Input of one iteration in half the L2 cache, its sums in the L1 cache.
  int64_t perPixel = inputBlocks() * inputBlock * 4 * (packs ? window[1].stride * window[2].stride : 1);
  int64_t inputBytes = scaled(target.l2Bytes * 2 / 5, schedule.outer);
  int64_t sumBytes = std::min<int64_t>(scaled(20 << 10, schedule.outer), KernelEmitter::maxScratchBytes / 8);
  int64_t fits = std::max<int64_t>(inputBytes / std::max<int64_t>(perPixel, 1), 4 * main.pixels);
  fits = std::min({fits, std::max<int64_t>(sumBytes / (main.blocks * block * 4), main.pixels), pixels()});
  if (packs) {
    int64_t lines = std::clamp<int64_t>(fits / window[2].out, 1, window[1].out);
    // The copy and the sums lie on the stack.
    blockPixels = lines * window[2].out;
    while (lines > 1 && inputBlocks() * copiedElements() * 4 > maxCopyBytes)
      blockPixels = --lines * window[2].out;
    blockPixels = evenPart(window[1].out, lines) * window[2].out;
  } else {
    int64_t blocks = llvm::divideCeilSigned(pixels(), std::max(fits, main.pixels));
    blockPixels =
        std::min(llvm::divideCeilSigned(llvm::divideCeilSigned(pixels(), blocks), main.pixels) * main.pixels, pixels());
  }
  int64_t weightBytes = main.blocks * block * taps() * inputBlock * vectors * 4;
  chunkBlocks = std::clamp<int64_t>(scaled(target.l1Bytes / 2, schedule.inner) / weightBytes, 1,
                                    std::max<int64_t>(inputBlocks(), 1));
  chunkBlocks = evenPart(inputBlocks(), chunkBlocks);
  // Few pixels do not hide how long weights take that lie beyond the L2 cache.
  constexpr int64_t fewPixels = 1024;
  prefetches = images * window[0].out * pixels() <= fewPixels;
  // Enough iterations for several threads.
  int64_t iterations = images * groups * window[0].out * pixelBlocks();
  splits = iterations >= 8 ? 1 : std::min(llvm::divideCeilSigned(8, iterations), tiles.tiles());
}

} // namespace sinter::codegen
