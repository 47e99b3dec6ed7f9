// The choice of register tiles by their cost.
#include "codegen/llvm/PixelTiles.h"

#include <gtest/gtest.h>

namespace sinter::codegen {
namespace {

/// 32 registers of 512 bits, and an L1 cache of 32 KB.
Target wideTarget() {
  Target target;
  target.vectorBits = 512, target.vectorRegisters = 32, target.l1Bytes = 32 << 10, target.foldsLoads = true;
  return target;
}

/// A 3x3 convolution with 512 outputs of 7x7 pixels: the weights of two blocks for one input block stay in the L1 cache while all
/// tiles of pixels read them, those of four do not, and each tile of pixels would wait for the L2 cache.
TEST(PixelTiles, WeightsThatLeaveTheCacheCostTheirWay) {
  constexpr int64_t pixels = 49, blocks = 32, weightBytes = 9 * 16 * 16 * 4;
  Target target = wideTarget();
  TileChoice near = chooseTiles(target, {}, pixels, blocks, {}), far = chooseTiles(target, {}, pixels, blocks, {.weightBytes = weightBytes});
  EXPECT_GT(near.main.blocks * weightBytes, target.l1Bytes);
  EXPECT_LE(far.main.blocks * weightBytes, target.l1Bytes);
  EXPECT_EQ(far.mainTiles * far.main.blocks + far.tail.blocks, blocks);
}

/// Sums over all channels, of Winograd's positions: no tile keeps them close, so the one with most pixels for a vector of weights wins.
TEST(PixelTiles, WhereNothingStaysMostPixelsShareAVector) {
  constexpr int64_t tiles = 16, blocks = 32, weightBytes = 512 * 16 * 4;
  TileChoice near = chooseTiles(wideTarget(), {}, tiles, blocks, {}), far = chooseTiles(wideTarget(), {}, tiles, blocks, {.weightBytes = weightBytes});
  EXPECT_LT(near.main.pixels, far.main.pixels);
  EXPECT_EQ(far.main.pixels, TileLimits().pixels);
}

/// A schedule's tile is a wish that the cost has no say in.
TEST(PixelTiles, AWishStands) {
  Schedule schedule{.tileRows = 4, .tileVectors = 4};
  TileChoice choice = chooseTiles(wideTarget(), schedule, 49, 32, {.weightBytes = 1 << 20});
  EXPECT_EQ(choice.main.pixels, 4);
  EXPECT_EQ(choice.main.blocks, 4);
}

} // namespace
} // namespace sinter::codegen
