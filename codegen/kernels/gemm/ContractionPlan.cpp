// Sizes of tiles and blocks of a contraction, from the target's registers and caches.
#include "codegen/kernels/gemm/Contraction.h"

using namespace mlir;

namespace sinter::codegen {

/// Bytes of the columns that a tile takes in a cycle of two multiply-adds. An L2 cache keeps up with 16; at 21 (6 rows
/// of AVX-512) products of 256 x 512 x 2048 fell from 96 % of the peak to 86 % from the L1 cache, 63 % from the L2
/// cache.
static bool streamsTooFast(int64_t rows, int64_t vectorBytes) { return 2 * vectorBytes > 16 * rows; }

/// Share of the FMA peak that a tile can reach: loads are two a cycle, latency asks for ten accumulators, and
/// low or narrow tiles stream the other operand faster than caches give it.
static double efficiency(int64_t rows, int64_t vectors, int64_t vectorBytes) {
  double fmas = static_cast<double>(rows * vectors), loads = static_cast<double>(rows + vectors);
  double cycles = std::max({fmas / 2, loads / 2 * 1.05, 5.0}) + 0.25;
  double streaming = vectors == 1 ? 0.85 : vectors == 2 ? 0.97 : 1.0;
  if (streamsTooFast(rows, vectorBytes))
    streaming *= 0.9;
  return fmas / 2 / cycles * streaming;
}

/// Rows of a tile with `vectors` vectors that fit into the registers: accumulators, the shorter operand, one
/// of the longer.
static int64_t rowsThatFit(int64_t vectors, int64_t registers) {
  int64_t rows = 1;
  while ((rows + 1) * vectors + std::min(rows + 1, vectors) + 1 <= registers)
    ++rows;
  return rows;
}

ContractionPlan::ContractionPlan(const Target &target, const Schedule &schedule, Type compute, int64_t batches,
                                 int64_t rows, int64_t columns, int64_t depth, bool packsColumns)
    : compute(compute), batches(batches), rows(rows), columns(columns), depth(depth) {
  int64_t bytes = compute.getIntOrFloatBitWidth() / 8, registers = target.vectorRegisters;
  lanes = std::max<int64_t>(target.vectorBits / 8 / bytes, 1);
  int64_t vectors = std::max<int64_t>(llvm::divideCeilSigned(columns, lanes), 1);

  // The cheapest tile, the rows and vectors that padding adds included.
  double best = 0;
  int64_t narrowest = 1, widest = std::min<int64_t>({vectors, 12, registers - 2});
  if (schedule.hasTile())
    narrowest = widest = std::min(schedule.tileVectors, widest);
  for (int64_t width = narrowest; width <= widest; ++width) {
    int64_t fit = std::min<int64_t>({rowsThatFit(width, registers), std::max<int64_t>(rows, 1), 16});
    int64_t lowest = std::max<int64_t>(fit / 2, 1), highest = fit;
    if (schedule.hasTile())
      lowest = highest = std::min(schedule.tileRows, fit);
    for (int64_t height = lowest; height <= highest; ++height) {
      int64_t tiles = columns / (width * lanes), left = vectors - tiles * width;
      int64_t groups =
          left ? std::clamp<int64_t>(rowsThatFit(left, registers) / height, 1, llvm::divideCeilSigned(rows, height))
               : 1;
      double padded = static_cast<double>(llvm::divideCeilSigned(rows, height * groups) * height * groups);
      double cost = padded * static_cast<double>(tiles * width) / efficiency(height, width, lanes * bytes);
      if (left)
        cost += padded * static_cast<double>(left) / efficiency(height * groups, left, lanes * bytes);
      if (best != 0 && cost >= best)
        continue;
      best = cost;
      main = {height, width, 1};
      tail = {height, std::max<int64_t>(left, 1), groups};
      mainTiles = tiles;
    }
  }
  int64_t rest = columns - mainTiles * mainColumns();
  tailLanes = rest % lanes ? rest % lanes : lanes;
  if (rest == 0)
    tail.groups = 1;
  int64_t unit = main.rows * tail.groups;
  paddedRows = llvm::divideCeilSigned(rows, unit) * unit;

  // A panel takes three quarters of the L1 cache, or a quarter of the L2 cache where the tile is high enough to read it
  // there: sums then stay in registers for longer. With one row tile nothing is reused and only its size is bounded.
  int64_t pitchBytes = (mainTiles ? mainColumns() : tailColumns()) * bytes;
  bool isInL2 = paddedRows == unit || (!packsColumns && !streamsTooFast(main.rows, lanes * bytes));
  int64_t panelBytes = isInL2 ? std::min<int64_t>(target.l2Bytes / 4, 256 << 10) : target.l1Bytes * 3 / 4;
  // Panels and partial sums lie on the stack.
  panelBytes = std::min<int64_t>(scaled(panelBytes, schedule.inner), KernelEmitter::maxScratchBytes / 2);
  int64_t longest = std::max<int64_t>(panelBytes / pitchBytes, 16);
  if (!packsColumns && paddedRows == unit)
    longest = std::max<int64_t>(depth, 1);
  int64_t blocks = std::max<int64_t>(llvm::divideCeilSigned(depth, longest), 1);
  depthBlock = std::max<int64_t>(llvm::divideCeilSigned(depth, blocks), 1);

  // Enough iterations for several threads; partial sums of all rows of an iteration stay in cache.
  int64_t columnWork = std::max<int64_t>(batches * columnTiles(), 1);
  int64_t splits =
      columnWork >= 8 ? 1 : std::min<int64_t>(llvm::divideCeilSigned(8, columnWork), llvm::divideCeilSigned(rows, 32));
  int64_t sumBytes = std::min<int64_t>(scaled(64 << 10, schedule.outer), KernelEmitter::maxScratchBytes / 4);
  int64_t most = depthBlocks() > 1 ? std::max<int64_t>(sumBytes / pitchBytes, unit) : paddedRows;
  rowBlock = std::min(
      llvm::divideCeilSigned(llvm::divideCeilSigned(std::max<int64_t>(rows, 1), std::max<int64_t>(splits, 1)), unit) *
          unit,
      std::max<int64_t>(most / unit * unit, unit));
}

int64_t ContractionPlan::packedRowOffset(int64_t row, int64_t k) const {
  int64_t from = k / depthBlock * depthBlock, length = std::min(depthBlock, depth - from);
  return from * paddedRows + row / main.rows * main.rows * length + (k - from) * main.rows + row % main.rows;
}

int64_t ContractionPlan::packedColumnOffset(int64_t k, int64_t column) const {
  int64_t from = k / depthBlock * depthBlock, length = std::min(depthBlock, depth - from);
  int64_t tile = std::min(column / mainColumns(), mainTiles), first = tile * mainColumns();
  int64_t pitch = tile < mainTiles ? mainColumns() : tailColumns();
  return from * paddedColumns() + first * length + (k - from) * pitch + column - first;
}

} // namespace sinter::codegen
