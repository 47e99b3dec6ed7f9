// How a convolution in NCHWc is cut up: tiles of pixels, copies of input lines, chunks of weights. Inputs are
// counted in words: a word is a channel of f32, or four channels of bytes.
#pragma once

#include "codegen/kernels/conv/PixelTiles.h"
#include "ir/ops/Window.h"

namespace sinter::codegen {

/// How a convolution is cut up; from sizes and the target alone.
struct BlockedConvolution {
  nn::Window window;                       ///< three axes
  int64_t images, groups, inputs, outputs; ///< words and channels of one group
  int64_t block;                           ///< channels of an output block
  int64_t inputBlock;                      ///< words of an input block; 1 for planes
  int64_t vectors;                         ///< of weights, for a word and an output block
  bool packs;                              ///< input lines are copied first
  int64_t moreColumns;                     ///< of copied lines, beyond those that windows start their words at

  static constexpr int64_t maxCopyBytes = KernelEmitter::maxScratchBytes * 3 / 4;

  TileChoice tiles;
  int64_t blockPixels = 1; ///< output pixels of one iteration; whole lines where lines are copied
  int64_t chunkBlocks = 1; ///< input blocks whose weights stay in the L1 cache
  int64_t splits = 1;      ///< parts of the output channels that are iterations of their own
  bool prefetches = false; ///< weights are asked for a chunk ahead

  BlockedConvolution(const Target &target, const Schedule &schedule, const nn::Window &window, int64_t images,
                     int64_t groups, int64_t inputs, int64_t outputs, int64_t inputBlock, int64_t vectors, bool packs,
                     int64_t moreColumns);

  bool isVolume() const { return window[0].size > 1; }
  int64_t inputBlocks() const { return llvm::divideCeilSigned(inputs, inputBlock); }
  int64_t outputBlocks() const { return llvm::divideCeilSigned(outputs, block); }
  int64_t taps() const { return window[0].size * window[1].size * window[2].size; }
  int64_t pixels() const { return window[1].out * window[2].out; } ///< of one plane
  int64_t pixelBlocks() const { return llvm::divideCeilSigned(pixels(), blockPixels); }
  int64_t chunks() const { return llvm::divideCeilSigned(inputBlocks(), chunkBlocks); }
  /// Lines and columns of the copy, and its elements for one input block.
  int64_t copiedLines() const { return (blockPixels / window[2].out - 1) * window[1].stride + window[1].extent(); }
  int64_t copiedColumns() const { return (window[2].out - 1) * window[2].stride + window[2].extent() + moreColumns; }
  int64_t copiedElements() const { return window[0].size * copiedLines() * copiedColumns() * inputBlock; }
  /// Tiles of pixels that read the same weights one after another.
  int64_t turns(const PixelTile &tile) const { return std::max<int64_t>(blockPixels / tile.pixels, 1); }
  /// Words of weights that one block of output channels needs from all input channels, zeros for missing ones
  /// included.
  int64_t weightsPerBlock() const { return inputBlocks() * taps() * inputBlock * vectors * block; }
};

} // namespace sinter::codegen
