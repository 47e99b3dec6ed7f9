// How a Winograd convolution is cut up, and what it is estimated to cost.
#pragma once

#include "codegen/kernels/conv/PixelTiles.h"
#include "codegen/kernels/conv/Winograd.h"

namespace sinter::codegen {

/// From sizes, the tile and the target alone.
struct WinogradPlan {
  WinogradTile tile;
  int64_t images; ///< planes of output
  int64_t depth;  ///< input planes whose products one sums
  int64_t inputs, outputs, lanes;
  int64_t rowStep, columnStep;    ///< dilations: a tile's outputs, like its inputs, lie so far apart
  int64_t tileLines, tileColumns; ///< tiles of an image
  int64_t lines = 1, across = 1;  ///< of one iteration
  int64_t splits = 1;             ///< parts of the output channels that are iterations of their own
  TileChoice tiles;

  WinogradPlan(const Target &target, const Schedule &schedule, const nn::Window &window, const WinogradTile &tile,
               int64_t images, int64_t inputs, int64_t outputs)
      : tile(tile), images(images * window[0].out), depth(window[0].size), inputs(inputs), outputs(outputs),
        lanes(target.lanes(32)), rowStep(stepOf(window[1])), columnStep(stepOf(window[2])),
        tileLines(llvm::divideCeilSigned(window[1].out, rowStep * tile.rows.outputs()) * rowStep),
        tileColumns(llvm::divideCeilSigned(window[2].out, columnStep * tile.columns.outputs()) * columnStep) {
    // Weights are read once an iteration: enough tiles to make that worth it, and not more than caches hold. Tiles that
    // interleave stay together.
    constexpr int64_t enough = 28, most = 2 * enough;
    across = evenPart(tileColumns / columnStep, most / (rowStep * columnStep)) * columnStep;
    lines = evenPart(tileLines / rowStep, llvm::divideCeilSigned(scaled(enough, schedule.outer), across * rowStep)) *
            rowStep;
    // The sums of a tile of output blocks stay in cache.
    int64_t sumsPerBlock = positions() * count() * lanes * 4;
    TileLimits limits{.blocks = std::max<int64_t>(maxSumBytes / sumsPerBlock, 1),
                      .weightBytes = inputBlocks() * lanes * lanes * 4};
    tiles = chooseTiles(target, schedule, count(), outputs, limits);
    int64_t iterations = images * imageBlocks();
    splits = iterations >= 4 ? 1 : std::min(llvm::divideCeilSigned(4, iterations), tiles.tiles());
  }

  static constexpr int64_t maxSumBytes = KernelEmitter::maxScratchBytes / 4;

  /// Memory on the stack, beside that for transformed tiles where they fit, too: the sums, the input's lines and a
  /// tile's outputs.
  int64_t scratchBytes() const {
    int64_t vectors = positions() * count() * tiles.widest() + inputLines() * inputColumns() +
                      tile.rows.outputs() * tile.columns.outputs();
    return vectors * lanes * 4;
  }
  bool keepsTilesOnStack() const { return transformedElements() * 4 <= KernelEmitter::maxScratchBytes / 2; }

  int64_t positions() const { return tile.positions(); }
  int64_t count() const { return lines * across; } ///< tiles of one iteration
  int64_t lineBlocks() const { return llvm::divideCeilSigned(tileLines, lines); }
  int64_t columnBlocks() const { return llvm::divideCeilSigned(tileColumns, across); }
  int64_t imageBlocks() const { return lineBlocks() * columnBlocks(); }
  int64_t planeBlocks() const { return llvm::divideCeilSigned(inputs, lanes); }
  int64_t inputBlocks() const { return depth * planeBlocks(); } ///< of all planes
  int64_t outputBlocks() const { return llvm::divideCeilSigned(outputs, lanes); }
  int64_t transformedElements() const { return positions() * inputBlocks() * count() * lanes; }
  /// Weights of one block of output channels.
  int64_t weightsPerBlock() const { return positions() * inputBlocks() * lanes * lanes; }

  /// Lines and columns of the input that the tiles of an iteration read.
  int64_t inputLines() const { return lines * tile.rows.outputs() + (tile.rows.taps - 1) * rowStep; }
  int64_t inputColumns() const { return across * tile.columns.outputs() + (tile.columns.taps - 1) * columnStep; }
  static int64_t stepOf(const nn::WindowAxis &axis) { return axis.size == 1 ? 1 : axis.dilation; }

  /// Estimated cycles, of two instructions each.
  double cycles() const {
    auto all = static_cast<double>(images * tileLines * tileColumns);
    auto products = static_cast<double>(positions() * inputBlocks() * lanes * outputBlocks());
    // Every column of a tile, then every row of what that gives. Values are loaded, stored, copied, and spilled between
    // the two.
    constexpr double movesPerPosition = 3.5;
    const CookToom &rows = tile.rows, &columns = tile.columns;
    double moves = movesPerPosition * static_cast<double>(positions());
    double input = moves + static_cast<double>(columns.extent() * rows.inputInstructions() +
                                               rows.extent() * columns.inputInstructions());
    double output = moves + static_cast<double>(columns.extent() * rows.outputInstructions() +
                                                rows.outputs() * columns.outputInstructions());
    double transforms = (input * static_cast<double>(inputBlocks()) + output * static_cast<double>(outputBlocks())) / 2;
    double passes = static_cast<double>(images * imageBlocks());
    double loads = passes * products * static_cast<double>(lanes) * 4 / bytesPerCycle;
    double arithmetic = all * products / 2 / 0.85;
    return std::max(arithmetic, loads) + all * transforms;
  }
  static constexpr double bytesPerCycle = 6; ///< of weights from far caches and memory
};

} // namespace sinter::codegen
