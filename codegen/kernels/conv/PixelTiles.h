// Register tiles of convolutions in NCHWc, and the copies of input lines that they read.
#pragma once

#include "codegen/emit/Schedule.h"
#include "codegen/kernels/gemm/DotProducts.h"
#include "ir/ops/Window.h"

namespace sinter::codegen {

/// Accumulators held in registers: output pixels times blocks of output channels.
struct PixelTile {
  int64_t pixels = 1, blocks = 0;
  int64_t lanes = 0;     ///< of a block
  int64_t lastLanes = 0; ///< of the last block: all, or half of them where no more are channels

  PixelTile withPixels(int64_t count) const { return {count, blocks, lanes, lastLanes}; }
  int64_t lanesOf(int64_t block) const { return block + 1 == blocks ? lastLanes : lanes; }
  /// Weights that a word of inputs meets in one vector of each block.
  int64_t weights() const { return (blocks - 1) * lanes + lastLanes; }
  /// Cycles of one step of the reduction: two multiply-adds or loads a cycle, accumulators enough to
  /// cover a latency of four, and `farBytes` of weights that the L1 cache does not hold.
  double cycles(int64_t farBytes = 0) const;
};

/// Bounds of a tile beside registers.
struct TileLimits {
  int64_t blocks = 16;
  int64_t pixels = 8; ///< their addresses lie in general registers
  /// Weights of one block of outputs that a tile of pixels reads from first to last, and the next tile again: where
  /// those of all its blocks exceed the L1 cache, each tile of pixels fetches them anew.
  int64_t weightBytes = 0;
};

/// Output channels as tiles of equal width and a tail.
struct TileChoice {
  PixelTile main, tail; ///< tail: what the main tiles leave; none if its blocks are 0
  int64_t mainTiles = 0;

  int64_t tiles() const { return mainTiles + (tail.blocks > 0); }
  int64_t widest() const { return std::max(mainTiles ? main.blocks : 0, tail.blocks); }
  /// The tile that computes an output block, and the first block of it.
  std::pair<PixelTile, int64_t> tileOf(int64_t block) const;
};

/// The cheapest tiles for so many pixels and output channels. Within the limits, the one next to the schedule's tile if
/// it names one.
TileChoice chooseTiles(const Target &target, const Schedule &schedule, int64_t pixels, int64_t outputs,
                       const TileLimits &limits);

/// Adds the products of `words` consecutive words of input channels with weights [word][vector][block][lane of the
/// block] from `weightAt` on: pixel i of the tile reads input[offsets[i] + inputAt + word]. At most `steps` words in a
/// turn of the loop: a scheduler that sees many of them spills accumulators, and one that sees several may keep an
/// address for each.
llvm::SmallVector<mlir::Value> multiplyChannels(KernelEmitter &e, const DotProducts &products, PixelTile tile,
                                                int64_t words, const Buffer &input, llvm::ArrayRef<mlir::Value> offsets,
                                                mlir::Value inputAt, const Buffer &weights, mlir::Value weightAt,
                                                mlir::ValueRange sums, int64_t steps = 4);

/// Sums of a block that fill half a vector, with zeros for the channels that are not there; others as they are.
mlir::Value wholeBlock(KernelEmitter &e, mlir::Value sums);

/// Asks for part `turn` of `turns` of the `elements` weights from `at` on, ahead of their use: a turn costs an
/// instruction per line of cache that it asks for. Beyond the end of the weights nothing happens.
void prefetchPart(KernelEmitter &e, const Buffer &weights, mlir::Value at, int64_t elements, mlir::Value turn,
                  int64_t turns);

/// Takes computed element(s): by e.finish(0, ...), or into a buffer.
using Sink = std::function<void(mlir::Value elements, const Point &point)>;

/// Gives `finish` `count` consecutive vectors that `kept` holds from `at` on; `first` is the point of the first.
/// Several at a time, whose chains of dependent instructions overlap.
void finishVectors(KernelEmitter &e, const Buffer &kept, mlir::Value at, int64_t count, const Point &first,
                   const Sink &finish);

/// `lanes` consecutive inputs (channels or words) from `at` on, counted within the channel block.
using LineReader = llvm::function_ref<mlir::Value(mlir::Value at, unsigned lanes)>;

/// Copies input line (z, y) of a channel block, `padding` where `window` pads it, `columns` pixels of `block`
/// channels or words; padding alone where there is no such line.
void copyPaddedLine(KernelEmitter &e, LineReader read, const nn::Window &window, int64_t block, int64_t columns,
                    mlir::Value z, mlir::Value y, const Buffer &to, mlir::Value offset, double padding = 0);
/// Copies a line of an f32 tensor. Fused producers of x are computed on the way.
void copyPaddedLine(KernelEmitter &e, mlir::Value x, llvm::ArrayRef<mlir::Value> imageAndBlock,
                    const nn::Window &window, int64_t block, int64_t columns, mlir::Value z, mlir::Value y,
                    const Buffer &to, mlir::Value offset);

} // namespace sinter::codegen
