// The choice of register tiles by their cost.
#include "codegen/kernels/conv/PixelTiles.h"

#include <gtest/gtest.h>

namespace sinter::codegen {
namespace {

/// 32 registers of 512 bits, and an L1 cache of 32 KB.
Target wideTarget() {
  Target target;
  target.vectorBits = 512, target.vectorRegisters = 32, target.l1Bytes = 32 << 10, target.foldsLoads = true;
  return target;
}

/// A 3x3 convolution with 512 outputs of 7x7 pixels: the weights of two blocks for one input block stay in the L1 cache
/// while all tiles of pixels read them, those of four do not, and each tile of pixels would wait for the L2 cache.
TEST(PixelTiles, WeightsThatLeaveTheCacheCostTheirWay) {
  constexpr int64_t pixels = 49, blocks = 32, outputs = 16 * blocks, weightBytes = 9 * 16 * 16 * 4;
  Target target = wideTarget();
  TileChoice near = chooseTiles(target, {}, pixels, outputs, {}),
             far = chooseTiles(target, {}, pixels, outputs, {.weightBytes = weightBytes});
  EXPECT_GT(near.main.blocks * weightBytes, target.l1Bytes);
  EXPECT_LE(far.main.blocks * weightBytes, target.l1Bytes);
  EXPECT_EQ(far.mainTiles * far.main.blocks + far.tail.blocks, blocks);
}

/// Sums over all channels, of Winograd's positions: no tile keeps them close, so the one with most pixels for a vector
/// of weights wins.
TEST(PixelTiles, WhereNothingStaysMostPixelsShareAVector) {
  constexpr int64_t tiles = 16, outputs = 512, weightBytes = 512 * 16 * 4;
  TileChoice near = chooseTiles(wideTarget(), {}, tiles, outputs, {}),
             far = chooseTiles(wideTarget(), {}, tiles, outputs, {.weightBytes = weightBytes});
  EXPECT_LT(near.main.pixels, far.main.pixels);
  EXPECT_EQ(far.main.pixels, TileLimits().pixels);
}

/// A schedule's tile is a wish that the cost has no say in.
TEST(PixelTiles, AWishStands) {
  Schedule schedule{.tileRows = 4, .tileVectors = 4};
  TileChoice choice = chooseTiles(wideTarget(), schedule, 49, 512, {.weightBytes = 1 << 20});
  EXPECT_EQ(choice.main.pixels, 4);
  EXPECT_EQ(choice.main.blocks, 4);
}

/// Half a vector for channels that fill no more, where that costs half; each block of channels has one tile.
TEST(PixelTiles, HalfVectorsServeALastBlockThatIsHalfEmpty) {
  constexpr int64_t pixels = 49, lanes = 16;
  for (bool halves : {false, true})
    for (int64_t outputs : {3, 8, 9, 16, 24, 40, 48, 57, 64, 72, 200, 512}) {
      SCOPED_TRACE(outputs);
      Target target = wideTarget();
      target.halvesWideVectors = halves;
      TileChoice choice = chooseTiles(target, {}, pixels, outputs, {});
      int64_t blocks = llvm::divideCeilSigned(outputs, lanes), inLast = outputs - (blocks - 1) * lanes, weights = 0;
      EXPECT_EQ(choice.mainTiles * choice.main.blocks + choice.tail.blocks, blocks);
      for (int64_t block = 0; block < blocks; ++block) {
        auto [tile, first] = choice.tileOf(block);
        ASSERT_TRUE(first <= block && block < first + tile.blocks);
        weights += tile.lanesOf(block - first);
      }
      EXPECT_EQ(weights, halves && inLast <= lanes / 2 ? blocks * lanes - lanes / 2 : blocks * lanes);
    }
}

} // namespace
} // namespace sinter::codegen
