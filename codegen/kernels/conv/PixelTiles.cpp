// Register tiles in NCHWc.
#include "codegen/kernels/conv/PixelTiles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

using Values = SmallVector<Value>;

double PixelTile::cycles(int64_t farBytes) const {
  // Bytes that the L2 cache delivers in a cycle while others flow into it.
  constexpr double farBytesPerCycle = 16;
  double products = static_cast<double>(pixels * weights()) / static_cast<double>(2 * lanes);
  return std::max({products, static_cast<double>(pixels + blocks) / 2, static_cast<double>(farBytes) / farBytesPerCycle,
                   4.0}) +
         0.3;
}

TileChoice chooseTiles(const Target &target, const Schedule &schedule, int64_t pixels, int64_t outputs,
                       const TileLimits &limits) {
  int64_t registers = target.vectorRegisters, lanes = target.lanes(32);
  int64_t blocks = llvm::divideCeilSigned(outputs, lanes), inLast = outputs - (blocks - 1) * lanes;
  int64_t lastLanes = target.halvesWideVectors && inLast <= lanes / 2 ? lanes / 2 : lanes;
  auto widest = [&](int64_t wide) {
    // Accumulators, a vector of weights per block, a broadcast, and some to spare, lest the scheduler spill. Where
    // arithmetic takes no operand from memory: a vector of inputs per pixel, and the weights of two steps.
    int64_t fits = target.foldsLoads ? (registers - (registers > 16 ? 3 : 2) - wide) / wide
                                     : (registers - 1 - 2 * wide) / (wide + 1);
    return std::max<int64_t>(std::min<int64_t>({fits, pixels, limits.pixels}), 1);
  };
  auto costOf = [&](PixelTile tile) {
    PixelTile rest = tile.withPixels(pixels % tile.pixels);
    bool staysNear = tile.blocks * limits.weightBytes <= target.l1Bytes * 3 / 4;
    int64_t farBytes = staysNear ? 0 : tile.blocks * static_cast<int64_t>(target.vectorBits / 8);
    return static_cast<double>(pixels / tile.pixels) * tile.cycles(farBytes) +
           (rest.pixels ? rest.cycles(farBytes) : 0);
  };
  TileChoice choice;
  double best = 0;
  int64_t firstWide = 1, lastWide = std::min<int64_t>({blocks, limits.blocks, (registers - 2) / 2});
  if (schedule.hasTile())
    firstWide = lastWide = std::min(schedule.tileVectors, lastWide);
  for (int64_t wide = firstWide; wide <= lastWide; ++wide) {
    int64_t longest = widest(wide), shortest = std::max<int64_t>(longest / 2, 1);
    if (schedule.hasTile())
      shortest = longest = std::min(schedule.tileRows, longest);
    for (int64_t width = shortest; width <= longest; ++width) {
      PixelTile tile{width, wide, lanes, lanes};
      // A last block of its own kind is in the tail, even if that is as wide as the others.
      int64_t left = lastLanes < lanes && blocks % wide == 0 ? wide : blocks % wide, tiles = (blocks - left) / wide;
      PixelTile last{left == wide ? width : widest(std::max<int64_t>(left, 1)), left, lanes, lastLanes};
      double cost = static_cast<double>(tiles) * costOf(tile) + (last.blocks ? costOf(last) : 0);
      // A second kind of tile is code to compile and to fetch.
      if (last.blocks && tiles > 0)
        cost *= 1.03;
      if (best != 0 && cost >= best)
        continue;
      best = cost;
      choice = {tile, last, tiles};
    }
  }
  return choice;
}

std::pair<PixelTile, int64_t> TileChoice::tileOf(int64_t block) const {
  int64_t index = std::min(block / main.blocks, mainTiles);
  return {index < mainTiles ? main : tail, index * main.blocks};
}

Value wholeBlock(KernelEmitter &e, Value sums) {
  auto type = cast<VectorType>(sums.getType());
  int64_t lanes = e.target.lanes(32);
  if (type.getNumElements() == lanes)
    return sums;
  Value zeros = e.splat(e.number(type.getElementType(), 0), static_cast<unsigned>(type.getNumElements()));
  return vector::ShuffleOp::create(e.b, sums, zeros, llvm::to_vector(llvm::seq<int64_t>(lanes)));
}

Values multiplyChannels(KernelEmitter &e, const DotProducts &products, PixelTile tile, int64_t words,
                        const Buffer &input, ArrayRef<Value> offsets, Value inputAt, const Buffer &weights,
                        Value weightAt, ValueRange sums, int64_t maxSteps) {
  int64_t open = std::min(words, maxSteps), vectors = products.vectors();
  while (words % open != 0)
    --open;
  auto steps = [&](Value first, ValueRange carried) {
    Values next(carried);
    Value from = e.add(inputAt, first), weight = e.add(weightAt, e.mul(first, vectors * tile.weights()));
    for (int64_t c = 0; c < open; ++c) {
      Values w;
      for (int64_t v = 0; v < vectors; ++v)
        for (int64_t j = 0; j < tile.blocks; ++j)
          w.push_back(e.load(weights, e.add(weight, e.index((c * vectors + v) * tile.weights() + j * tile.lanes)),
                             static_cast<unsigned>(tile.lanesOf(j))));
      for (int64_t i = 0; i < tile.pixels; ++i) {
        Value word = e.load(input, e.add(e.add(offsets[i], from), e.index(c)));
        Values factors = products.factors(e, word, static_cast<unsigned>(tile.lanes));
        Values narrow =
            tile.lastLanes < tile.lanes ? products.factors(e, word, static_cast<unsigned>(tile.lastLanes)) : factors;
        for (int64_t v = 0; v < vectors; ++v)
          for (int64_t j = 0; j < tile.blocks; ++j) {
            Value &sum = next[i * tile.blocks + j];
            sum = products.add(e, (j + 1 == tile.blocks ? narrow : factors)[v], w[v * tile.blocks + j], sum);
          }
      }
    }
    return next;
  };
  if (open == words)
    return steps(e.index(0), sums);
  return e.loop(e.index(0), e.index(words), open, sums, steps);
}

void prefetchPart(KernelEmitter &e, const Buffer &weights, Value at, int64_t elements, Value turn, int64_t turns) {
  constexpr int64_t line = 16; // elements
  int64_t lines = llvm::divideCeilSigned(elements, line * turns);
  Value from = e.add(at, e.mul(turn, lines * line));
  for (int64_t i = 0; i < lines; ++i)
    memref::PrefetchOp::create(e.b, weights.memref, e.add(from, e.index(i * line)), /*isWrite=*/false,
                               /*localityHint=*/2,
                               /*isDataCache=*/true);
}

void finishVectors(KernelEmitter &e, const Buffer &kept, Value at, int64_t count, const Point &first,
                   const Sink &finish) {
  int64_t lanes = first.lanes, together = std::min<int64_t>(e.target.vectorRegisters / 4, count);
  auto finishSome = [&](Value i, int64_t vectors) {
    auto wide = static_cast<unsigned>(vectors * lanes);
    Value offset = e.mul(i, lanes);
    finish(e.load(kept, e.add(at, offset), wide), Point{first.outer, e.add(first.inner, offset), wide});
  };
  int64_t whole = count / together * together;
  e.loop(e.index(0), e.index(whole), together, [&](Value i) { finishSome(i, together); });
  if (whole < count)
    finishSome(e.index(whole), count - whole);
}

void copyPaddedLine(KernelEmitter &e, LineReader read, const Window &w, int64_t block, int64_t columns, Value z,
                    Value y, const Buffer &to, Value offset, double padding) {
  Value zero = e.number(to.element, padding);
  int64_t left = std::min(w[2].padBegin, columns), inside = std::clamp<int64_t>(columns - left, 0, w[2].in);
  // Vectors that fill the line without a rest, where its pixels allow.
  auto lanesFor = [&](int64_t count) {
    int64_t lanes = e.target.lanes(32);
    while (block > 1 && lanes > block && count % lanes != 0)
      lanes /= 2;
    return static_cast<unsigned>(lanes);
  };
  auto blank = [&](int64_t from, int64_t until) {
    Value at = e.add(offset, e.index(from * block));
    int64_t count = (until - from) * block;
    if (until > from)
      e.forLanes(e.index(0), e.index(count), lanesFor(count),
                 [&](Value i, unsigned wide) { e.store(to, e.add(at, i), e.splat(zero, wide)); });
  };
  auto within = [&](Value index, int64_t size) {
    return arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, index, e.index(size)).getResult();
  };
  e.either(
      e.b.createOrFold<arith::AndIOp>(within(z, w[0].in), within(y, w[1].in)),
      [&] {
        blank(0, left);
        Value source = e.mul(e.add(e.mul(z, w[1].in), y), w[2].in * block);
        Value target = e.add(offset, e.index(left * block));
        e.forLanes(e.index(0), e.index(inside * block), lanesFor(inside * block),
                   [&](Value i, unsigned wide) { e.store(to, e.add(target, i), read(e.add(source, i), wide)); });
        blank(left + inside, columns);
      },
      [&] { blank(0, columns); });
}

void copyPaddedLine(KernelEmitter &e, Value x, ArrayRef<Value> imageAndBlock, const Window &w, int64_t block,
                    int64_t columns, Value z, Value y, const Buffer &to, Value offset) {
  auto read = [&](Value at, unsigned lanes) { return e.read(x, Point{Values(imageAndBlock), at, lanes}); };
  copyPaddedLine(e, read, w, block, columns, z, y, to, offset);
}

} // namespace sinter::codegen
