// Emission of a contraction: loops over tiles, the register tile, partial sums between depth blocks, the
// epilogue.
#include "codegen/kernels/gemm/Contraction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {
namespace {

using Values = SmallVector<Value>;

/// Emits the tiles of one shape (main or tail) of one iteration.
class TileEmitter {
public:
  TileEmitter(KernelEmitter &e, const ContractionPlan &plan, const ContractionOperands &operands, bool isTail)
      : e(e), plan(plan), operands(operands), tile(isTail ? plan.tail : plan.main),
        valid(isTail ? plan.tailLanes : plan.lanes), pitch(tile.vectors * plan.lanes), height(tile.rows * tile.groups),
        vector(VectorType::get({plan.lanes}, plan.compute)) {}

  /// All rows in [rowFrom, rowTo) for the columns from `first` on; row bounds are multiples of the tile's
  /// height.
  void emit(Value batchIndex, Value firstColumn, Value rowFrom, Value rowTo) {
    batch = batchIndex;
    first = firstColumn;
    from = rowFrom;
    packsPanel = !operands.columnBuffer;
    if (packsPanel)
      panel = e.scratch(plan.compute, {std::min(plan.depthBlock, std::max<int64_t>(plan.depth, 1)) * pitch});
    int64_t blocks = plan.depthBlocks();
    if (blocks > 1)
      sums = e.scratch(plan.compute, {std::min(plan.rowBlock, plan.paddedRows) * pitch});
    auto block = [&](Value index) {
      Value k0 = e.mul(index, plan.depthBlock);
      Value length = blocks == 1 ? e.index(plan.depth)
                                 : arith::MinSIOp::create(e.b, e.index(plan.depthBlock),
                                                          arith::SubIOp::create(e.b, e.index(plan.depth), k0))
                                       .getResult();
      emitBlock(index, k0, length, rowTo);
    };
    if (blocks == 1)
      block(e.index(0));
    else
      e.loop(e.index(0), e.index(blocks), 1, block);
  }

private:
  void emitBlock(Value block, Value k0, Value length, Value rowTo) {
    Value columnBase;
    Buffer columns = panel;
    if (packsPanel) {
      int64_t count = (tile.vectors - 1) * plan.lanes + valid;
      operands.fillPanel({batch, first, k0, e.add(k0, length), pitch, count, panel});
      columnBase = e.index(0);
    } else {
      columns = operands.columnBuffer();
      columnBase = e.add(e.add(operands.columnBase(batch), e.mul(k0, plan.paddedColumns())), e.mul(first, length));
    }
    planPrefetch(block, columnBase);
    Buffer rows = operands.rowBuffer();
    Value rowBase = operands.rowBase(batch);
    if (operands.rowsPacked)
      rowBase = e.add(rowBase, e.mul(k0, plan.paddedRows));
    else
      rowBase = e.add(rowBase, e.mul(k0, operands.depthStride));
    e.loop(from, rowTo, height, [&](Value row) {
      prefetchResults(row);
      Values sumsIn = initial(block, row);
      Values result = accumulate(rows, rowBase, row, columns, columnBase, length, sumsIn);
      if (plan.depthBlocks() == 1)
        return finish(row, result);
      Value last = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, block, e.index(plan.depthBlocks() - 1));
      e.either(last, [&] { finish(row, result); }, [&] { spill(sums, sumsAt(row), result); });
    });
  }

  /// Packed columns that do not stay in the L2 cache come from further away while the panel before them is used: the
  /// tiles of the first rows ask for a cache line or a few at each k.
  void planPrefetch(Value block, Value columnBase) {
    int64_t bytes = plan.lanes * plan.compute.getIntOrFloatBitWidth() / 8;
    int64_t blocks = plan.depthBlocks(), length = std::min(plan.depthBlock, plan.depth);
    int64_t tiles = llvm::divideCeil(std::min(plan.rowBlock, plan.paddedRows), height);
    // One tile of rows reads everything once, in order: processors foresee that.
    if (packsPanel || tiles == 1 || plan.packedColumnElements() / plan.lanes * bytes < e.target.l2Bytes / 2)
      return;
    prefetchedVectors = llvm::divideCeil(tile.vectors, tiles);
    panelVectors = length * tile.vectors;
    // The next depth block of these columns; behind the last one the first of the next columns.
    Value down = e.add(columnBase, e.index(plan.depthBlock * plan.paddedColumns()));
    Value next = down;
    if (blocks > 1) {
      Value start = e.add(operands.columnBase(batch), e.mul(e.add(first, e.index(pitch)), plan.depthBlock));
      Value isLast = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, block, e.index(blocks - 1));
      next = arith::SelectOp::create(e.b, isLast, start, down);
    } else {
      next = e.add(columnBase, e.index(length * pitch));
    }
    prefetchBase = next;
  }

  /// Rows of a wide result lie in pages of their own, and stores that miss the cache wait for each other.
  void prefetchResults(Value row) {
    int64_t bytes = plan.compute.getIntOrFloatBitWidth() / 8;
    if (!operands.resultPlace || plan.batches * plan.rows * plan.columns * bytes < e.target.l2Bytes / 2)
      return;
    for (int64_t i = 0; i < height; ++i) {
      auto [buffer, at] = operands.resultPlace(batch, e.add(row, e.index(i)), first);
      for (int64_t j = 0; j < tile.vectors; ++j)
        memref::PrefetchOp::create(e.b, buffer.memref, ValueRange{e.add(at, e.index(j * plan.lanes))}, true, 3, true);
    }
  }

  /// Asks for the part of the next panel that belongs to this k of this row tile.
  void prefetch(const Buffer &columns, Value firstVector, Value k) {
    for (int64_t i = 0; i < prefetchedVectors; ++i) {
      Value at = e.add(e.add(firstVector, e.mul(k, prefetchedVectors)), e.index(i));
      at = arith::MinSIOp::create(e.b, at, e.index(panelVectors - 1));
      memref::PrefetchOp::create(e.b, columns.memref, ValueRange{e.add(prefetchBase, e.mul(at, plan.lanes))}, false, 2,
                                 true);
    }
  }

  Value sumsAt(Value row) { return e.mul(e.b.createOrFold<arith::SubIOp>(row, from), pitch); }

  Values initial(Value block, Value row) {
    Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(vector));
    Values zeros(height * tile.vectors, zero);
    if (plan.depthBlocks() == 1)
      return zeros;
    Value isFirst = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, block, e.index(0));
    return e.choose(
        isFirst, [&] { return zeros; },
        [&] {
          Values loaded;
          for (int64_t i = 0; i < height * tile.vectors; ++i)
            loaded.push_back(loadVector(sums, e.add(sumsAt(row), e.index(i * plan.lanes))));
          return loaded;
        });
  }

  Value loadVector(const Buffer &buffer, Value at) { return vector::LoadOp::create(e.b, vector, buffer.memref, at); }

  void spill(const Buffer &buffer, Value at, ValueRange values) {
    for (auto [i, value] : llvm::enumerate(values))
      vector::StoreOp::create(e.b, value, buffer.memref, e.add(at, e.index(static_cast<int64_t>(i) * plan.lanes)));
  }

  /// Offsets of the tile's rows at k = 0, and what a step of k adds to them.
  Values rowOffsets(Value rowBase, Value row, Value length) {
    Values offsets;
    Value tileBase = e.add(rowBase, e.mul(row, length));
    for (int64_t i = 0; i < height; ++i) {
      if (operands.rowsPacked) {
        Value group = e.mul(length, i / tile.rows * tile.rows);
        offsets.push_back(e.add(e.add(tileBase, group), e.index(i % tile.rows)));
        continue;
      }
      // Rows that only fill up the tile read the last one again.
      Value at = e.add(row, e.index(i));
      if (plan.paddedRows != plan.rows)
        at = arith::MinSIOp::create(e.b, at, e.index(plan.rows - 1));
      offsets.push_back(e.add(rowBase, e.mul(at, operands.rowStride)));
    }
    return offsets;
  }

  Values accumulate(const Buffer &rows, Value rowBase, Value row, const Buffer &columns, Value columnBase, Value length,
                    ValueRange init) {
    Values offsets = rowOffsets(rowBase, row, length);
    int64_t step = operands.rowsPacked ? tile.rows : operands.depthStride;
    Value asked;
    if (prefetchBase)
      asked = e.mul(
          e.mul(e.b.createOrFold<arith::DivUIOp>(e.b.createOrFold<arith::SubIOp>(row, from), e.index(height)), length),
          prefetchedVectors);
    return e.loop(e.index(0), length, 1, init, [&](Value k, ValueRange sumsSoFar) {
      Values next(sumsSoFar);
      if (asked)
        prefetch(columns, asked, k);
      auto columnVector = [&](int64_t j) {
        return loadVector(columns, e.add(e.add(columnBase, e.mul(k, pitch)), e.index(j * plan.lanes)));
      };
      auto rowSplat = [&](int64_t i) { return e.splat(e.load(rows, e.add(offsets[i], e.mul(k, step))), plan.lanes); };
      // The shorter operand waits in registers for the elements of the longer.
      if (tile.vectors <= height) {
        Values shorter;
        for (int64_t j = 0; j < tile.vectors; ++j)
          shorter.push_back(columnVector(j));
        for (int64_t i = 0; i < height; ++i) {
          Value a = rowSplat(i);
          for (int64_t j = 0; j < tile.vectors; ++j)
            multiplyAdd(next[i * tile.vectors + j], a, shorter[j]);
        }
      } else {
        Values shorter;
        for (int64_t i = 0; i < height; ++i)
          shorter.push_back(rowSplat(i));
        for (int64_t j = 0; j < tile.vectors; ++j) {
          Value c = columnVector(j);
          for (int64_t i = 0; i < height; ++i)
            multiplyAdd(next[i * tile.vectors + j], shorter[i], c);
        }
      }
      return next;
    });
  }

  void multiplyAdd(Value &sum, Value a, Value c) {
    if (isa<FloatType>(plan.compute))
      sum = vector::FMAOp::create(e.b, a, c, sum);
    else
      sum = arith::AddIOp::create(e.b, sum, arith::MulIOp::create(e.b, a, c));
  }

  /// Hands the sums of the tile from `row` on to the epilogue: from the registers, or through memory where
  /// the epilogue is long or the last vector is cut.
  void finish(Value row, ValueRange result) {
    if (operands.shortFinish && valid == plan.lanes) {
      for (int64_t i = 0; i < height; ++i) {
        Value at = e.add(row, e.index(i));
        auto finishRow = [&] {
          for (int64_t j = 0; j < tile.vectors; ++j)
            operands.finish(batch, at, e.add(first, e.index(j * plan.lanes)), result[i * tile.vectors + j],
                            static_cast<unsigned>(plan.lanes));
        };
        if (plan.paddedRows == plan.rows) {
          finishRow();
          continue;
        }
        Value exists = arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, at, e.index(plan.rows));
        e.onlyIf(exists, finishRow);
      }
      return;
    }
    Buffer copy = e.scratch(plan.compute, {height * pitch});
    spill(copy, e.index(0), result);
    Value left = arith::SubIOp::create(e.b, e.index(plan.rows), row);
    Value count = arith::MinSIOp::create(e.b, left, e.index(height));
    int64_t full = valid == plan.lanes ? tile.vectors : tile.vectors - 1;
    auto finishRow = [&](Value i) {
      Value at = e.add(row, i), base = e.mul(i, pitch);
      auto finishAt = [&](Value column, unsigned lanes) {
        Value value = e.load(copy, e.add(base, column), lanes);
        operands.finish(batch, at, e.add(first, column), value, lanes);
      };
      if (full > 0)
        e.loop(e.index(0), e.index(full * plan.lanes), plan.lanes,
               [&](Value column) { finishAt(column, static_cast<unsigned>(plan.lanes)); });
      if (full < tile.vectors)
        e.loop(e.index(full * plan.lanes), e.index(full * plan.lanes + valid), 1,
               [&](Value column) { finishAt(column, 1); });
    };
    auto finishAll = [&] { e.loop(e.index(0), count, 1, finishRow); };
    if (operands.shortFinish)
      finishAll();
    else
      e.apart(finishAll);
  }

  KernelEmitter &e;
  const ContractionPlan &plan;
  const ContractionOperands &operands;
  RegisterTile tile;
  int64_t valid, pitch, height;
  VectorType vector;
  bool packsPanel = false;
  Buffer panel, sums;
  Value batch, first, from;
  Value prefetchBase; ///< of the next panel, null where nothing is prefetched
  int64_t prefetchedVectors = 0, panelVectors = 0;
};

} // namespace

void emitContraction(KernelEmitter &e, const ContractionPlan &plan, const ContractionOperands &operands) {
  if (plan.batches == 0 || plan.rows == 0 || plan.columns == 0)
    return;
  int64_t tiles = plan.columnTiles(), total = plan.rowBlocks() * plan.batches * tiles;
  double flops = 2.0 * static_cast<double>(plan.rowBlock * std::min(plan.columns, plan.mainColumns()) * plan.depth);
  // Row blocks are outermost, so that a thread that gets one of them streams only its part of A.
  e.iterations(total, KernelEmitter::grainFor(flops), [&](Value iteration) {
    SmallVector<Value> at = e.delinearize(iteration, {plan.rowBlocks(), plan.batches, tiles});
    Value rowFrom = e.mul(at[0], plan.rowBlock), rowTo = e.index(plan.paddedRows);
    if (plan.rowBlocks() > 1)
      rowTo = arith::MinSIOp::create(e.b, e.add(rowFrom, e.index(plan.rowBlock)), rowTo);
    Value first = e.mul(at[2], plan.mainColumns());
    auto emit = [&](bool tail) { TileEmitter(e, plan, operands, tail).emit(at[1], first, rowFrom, rowTo); };
    if (!plan.hasTail() || plan.mainTiles == 0)
      return emit(plan.hasTail());
    Value isMain = arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, at[2], e.index(plan.mainTiles));
    e.either(isMain, [&] { emit(false); }, [&] { emit(true); });
  });
}

bool isShortEpilogue(Operation *anchor) {
  // Counts the instructions that one vector costs, built into a block that is thrown away.
  Block probe;
  OpBuilder builder(anchor->getContext());
  builder.setInsertionPointToStart(&probe);
  for (Operation *op = anchor->getNextNode(); op; op = op->getNextNode()) {
    if (isa<ConvOp>(op))
      break; // which reads what is computed up to there
    auto elementwise = dyn_cast<ElementwiseOpInterface>(op);
    if (!elementwise)
      continue;
    SmallVector<Value> args;
    for (Value operand : op->getOperands())
      args.push_back(probe.addArgument(computeType(elementTypeOf(operand)), op->getLoc()));
    elementwise.buildElement(builder, op->getLoc(), args);
  }
  size_t count = probe.getOperations().size();
  // Users before definitions.
  while (!probe.empty())
    probe.back().erase();
  return count <= 12;
}

std::function<Buffer()> inComputeType(KernelEmitter &e, Value tensor) {
  Type element = elementTypeOf(tensor), compute = computeType(element);
  if (e.isInMemory(tensor) && storageType(element) == compute)
    return [&e, tensor] { return e.input(tensor); };
  SmallVector<int64_t> shape(rankedType(tensor).getShape());
  Buffer copy;
  if (shape.empty())
    shape = {1};
  int64_t inner = shape.back(), outer = 1;
  for (int64_t size : ArrayRef(shape).drop_back())
    outer *= size;
  if (outer * inner == 0)
    return [&e, compute] { return e.scratch(compute, {1}); };
  unsigned lanes = e.target.lanes(compute.getIntOrFloatBitWidth());
  e.iterations(outer, KernelEmitter::grainFor(4.0 * static_cast<double>(inner)), [&](Value row) {
    copy = e.workspace(compute, shape);
    SmallVector<Value> at = e.delinearize(row, ArrayRef(shape).drop_back());
    if (rankedType(tensor).getRank() == 0)
      return e.store(copy, e.index(0), e.read(tensor, Point{{}, {}, 1}));
    e.forLanes(e.index(0), e.index(inner), lanes, [&](Value i, unsigned width) {
      Value value = e.read(tensor, Point{at, i, width});
      e.store(copy, e.add(e.mul(row, inner), i), value);
    });
  });
  return [&e, copy] { return e.inThisPhase(copy); };
}

} // namespace sinter::codegen
