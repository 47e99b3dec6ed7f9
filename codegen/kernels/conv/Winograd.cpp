// Winograd convolutions in channel blocks (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, arXiv
// 1509.09308): tiles of the input are transformed, products of the transformed weights are summed over channels
// position by position, and the sums are transformed back. Along an axis with one tap nothing is.
#include "codegen/kernels/conv/WinogradPlan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {
namespace {

using Values = SmallVector<Value>;

class WinogradEmitter {
public:
  WinogradEmitter(KernelEmitter &e, ConvOp op, const Window &window, const WinogradPlan &plan)
      : e(e), op(op), window(window), plan(plan), rows(plan.tile.rows), columns(plan.tile.columns),
        wide(static_cast<unsigned>(plan.lanes)) {}

  void emit() {
    packWeights();
    double flops = 2.0 *
                   static_cast<double>(plan.positions() * plan.count() * plan.depth * plan.inputs * plan.outputs) /
                   static_cast<double>(plan.splits);
    int64_t iterations = plan.splits * plan.images * plan.imageBlocks();
    auto emitIteration = [&](Value iteration, Value begin) {
      SmallVector<Value> at = e.delinearize(
          iteration, {plan.splits, plan.images / window[0].out, window[0].out, plan.lineBlocks(), plan.columnBlocks()});
      image = at[1];
      plane = at[2];
      firstLine = e.mul(at[3], plan.lines);
      firstColumn = e.mul(at[4], plan.across);
      if (plan.keepsTilesOnStack()) {
        transformed = e.scratch(e.b.getF32Type(), {plan.transformedElements()});
        transformedAt = e.index(0);
      } else {
        transformed = e.workspace(e.b.getF32Type(), {iterations * plan.transformedElements()});
        // The iterations of a call share their room, which then stays in its core's caches; no other call begins where
        // it does.
        transformedAt = e.mul(begin, plan.transformedElements());
      }
      e.loop(e.index(0), e.index(plan.inputBlocks()), 1, [&](Value block) { transformTiles(block); });
      int64_t tiles = plan.tiles.tiles(), perSplit = llvm::divideCeilSigned(tiles, plan.splits);
      Value from = e.mul(at[0], perSplit);
      Value to = arith::MinSIOp::create(e.b, e.add(from, e.index(perSplit)), e.index(tiles));
      e.loop(from, to, 1, [&](Value tile) { emitBlocks(tile); });
    };
    e.range(iterations, KernelEmitter::grainFor(flops), [&](Value begin, Value end) {
      e.loop(begin, end, 1, [&](Value iteration) { emitIteration(iteration, begin); });
    });
  }

private:
  Value sub(Value a, Value b) { return e.b.createOrFold<arith::SubIOp>(a, b); }
  /// Where a tile begins: `step` tiles interleave.
  Value startOf(Value tile, const CookToom &axis, int64_t step) {
    SmallVector<Value> at = e.delinearize(tile, {1, step});
    return e.add(e.mul(at[0], step * axis.outputs()), at[1]);
  }
  Value vectorAt(const Buffer &buffer, Value at) { return e.load(buffer, at, wide); }

  /// [tile of output blocks][position][input channel][output channel]; u = G w H^T, in double.
  void packWeights() {
    auto g = rows.weightTransform(), h = columns.weightTransform();
    int64_t lanes = plan.lanes, taps = rows.taps * columns.taps;
    packed = Tensor(DType::F32, {plan.outputBlocks() * plan.weightsPerBlock()});
    bias = Tensor(DType::F32, {plan.outputBlocks() * lanes});
    auto to = packed.as<float>(), offsets = bias.as<float>();
    Tensor source = *constantTensor(op.getW());
    auto from = source.as<float>();
    std::optional<Tensor> given = constantTensor(op.getB());
    int64_t perPosition = plan.inputBlocks() * lanes;
    if (given)
      llvm::copy(given->as<float>(), offsets.begin());
    // Blocks are packed by several threads; of a block, the lanes of a vector are written together.
    e.packInParallel(static_cast<size_t>(plan.outputBlocks()), packed.size(), [&](size_t index) {
      auto block = static_cast<int64_t>(index);
      int64_t first = block * lanes, count = std::min(lanes, plan.outputs - first);
      auto [tile, firstBlock] = plan.tiles.tileOf(block);
      float *base = &to[firstBlock * plan.weightsPerBlock() + first - firstBlock * lanes];
      for (int64_t i = 0; i < plan.inputs * plan.depth; ++i)
        for (int64_t lane = 0; lane < count; ++lane) {
          int64_t plane = i / plan.inputs, input = i % plan.inputs;
          const float *w = &from[(((first + lane) * plan.inputs + input) * plan.depth + plane) * taps];
          float *u = base + (plane * plan.planeBlocks() * lanes + input) * tile.weights() + lane;
          for (ArrayRef<double> byRow : g) {
            SmallVector<double, 16> line(columns.taps, 0.0);
            for (int64_t r = 0; r < rows.taps; ++r)
              for (int64_t c = 0; c < columns.taps; ++c)
                line[c] += byRow[r] * w[r * columns.taps + c];
            for (ArrayRef<double> byColumn : h) {
              double sum = 0;
              for (int64_t c = 0; c < columns.taps; ++c)
                sum += line[c] * byColumn[c];
              *u = static_cast<float>(sum);
              u += perPosition * tile.weights();
            }
          }
        }
    });
  }

  /// All tiles of the iteration for one block of input channels of one plane: [position][input block][tile][channel].
  void transformTiles(Value block) {
    int64_t lines = plan.inputLines(), width = plan.inputColumns();
    Buffer copy = e.scratch(e.b.getF32Type(), {lines * width * plan.lanes});
    SmallVector<Value> place = e.delinearize(block, {plan.depth, plan.planeBlocks()});
    Value z =
        sub(e.add(e.mul(plane, window[0].stride), e.mul(place[0], window[0].dilation)), e.index(window[0].padBegin));
    Value firstRow = sub(e.mul(firstLine, rows.outputs()), e.index(window[1].padBegin));
    e.loop(e.index(0), e.index(lines), 1,
           [&](Value line) { copyLine(place[1], z, e.add(firstRow, line), copy, e.mul(line, width * plan.lanes)); });
    e.loop(e.index(0), e.index(plan.count()), 1, [&](Value tile) {
      SmallVector<Value> at = e.delinearize(tile, {plan.lines, plan.across});
      Value corner = e.add(e.mul(startOf(at[0], rows, plan.rowStep), width * plan.lanes),
                           e.mul(startOf(at[1], columns, plan.columnStep), plan.lanes));
      SmallVector<Values> byRow(rows.extent());
      for (int64_t c = 0; c < columns.extent(); ++c) {
        Values column;
        for (int64_t r = 0; r < rows.extent(); ++r)
          column.push_back(
              vectorAt(copy, e.add(corner, e.index((r * plan.rowStep * width + c * plan.columnStep) * plan.lanes))));
        for (auto [r, value] : llvm::enumerate(rows.transformInput(e, column)))
          byRow[r].push_back(value);
      }
      Value to = e.add(transformedAt, e.mul(e.add(e.mul(block, plan.count()), tile), plan.lanes));
      int64_t position = 0;
      for (const Values &row : byRow)
        for (Value value : columns.transformInput(e, row))
          e.store(transformed, e.add(to, e.index(position++ * positionStride())), value);
    });
  }

  /// Copies the part of an input line that the tiles read.
  void copyLine(Value block, Value z, Value y, const Buffer &to, Value at) {
    int64_t width = plan.inputColumns(), in = window[2].in;
    if (plan.columnBlocks() == 1)
      return copyPaddedLine(e, op.getX(), {image, block}, window, plan.lanes, width, z, y, to, at);
    // The line from `first` on, [begin, end) of which lies inside the image.
    Value first = sub(e.mul(firstColumn, columns.outputs()), e.index(window[2].padBegin));
    auto bounded = [&](Value value) {
      return arith::MinSIOp::create(e.b, arith::MaxSIOp::create(e.b, value, e.index(0)), e.index(width)).getResult();
    };
    auto within = [&](Value index, int64_t size) {
      return arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, index, e.index(size));
    };
    Value isInside = e.b.createOrFold<arith::AndIOp>(within(z, window[0].in), within(y, window[1].in));
    Value begin = bounded(sub(e.index(0), first)),
          end = arith::SelectOp::create(e.b, isInside, bounded(sub(e.index(in), first)), begin);
    auto copyPixels = [&](Value from, Value until, llvm::function_ref<Value(Value)> pixel) {
      e.loop(from, until, 1, [&](Value c) { e.store(to, e.add(at, e.mul(c, plan.lanes)), pixel(c)); });
    };
    auto zero = [&](Value) { return e.splat(e.number(e.b.getF32Type(), 0), wide); };
    copyPixels(e.index(0), begin, zero);
    Value source = e.add(e.mul(e.add(e.mul(z, window[1].in), y), in), first);
    copyPixels(begin, end, [&](Value c) {
      return e.read(op.getX(), Point{{image, block}, e.mul(e.add(source, c), plan.lanes), wide});
    });
    copyPixels(end, e.index(width), zero);
  }

  int64_t positionStride() const { return plan.inputBlocks() * plan.count() * plan.lanes; }

  void emitBlocks(Value index) {
    auto emitMain = [&] { emitTile(index, plan.tiles.main); };
    auto emitTail = [&] { emitTile(index, plan.tiles.tail); };
    if (plan.tiles.tail.blocks == 0)
      return emitMain();
    if (plan.tiles.mainTiles == 0)
      return emitTail();
    Value isMain = arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, index, e.index(plan.tiles.mainTiles));
    e.either(isMain, emitMain, emitTail);
  }

  /// The sums of a tile of output blocks at all positions, and their way back.
  void emitTile(Value index, PixelTile shape) {
    Value firstBlock = e.mul(index, plan.tiles.main.blocks);
    Value weightBase = e.mul(firstBlock, plan.weightsPerBlock());
    Buffer sums = e.scratch(e.b.getF32Type(), {plan.positions() * plan.count() * plan.tiles.widest() * plan.lanes});
    int64_t perTile = shape.blocks * plan.lanes, perPosition = plan.count() * perTile;
    e.loop(e.index(0), e.index(plan.positions()), 1, [&](Value position) {
      Value weightAt = e.add(weightBase, e.mul(position, plan.inputBlocks() * plan.lanes * shape.weights()));
      Value inputAt = e.add(transformedAt, e.mul(position, positionStride()));
      Value to = e.mul(position, perPosition);
      auto group = [&](Value first, int64_t pixels) {
        PixelTile tile = shape.withPixels(pixels);
        turn = e.b.createOrFold<arith::DivUIOp>(first, e.index(shape.pixels));
        turns = std::max<int64_t>(plan.count() / shape.pixels, 1);
        for (auto [i, value] : llvm::enumerate(sumsOf(tile, first, inputAt, weightAt)))
          e.store(sums, e.add(e.add(to, e.mul(first, perTile)), e.index(static_cast<int64_t>(i) * plan.lanes)),
                  wholeBlock(e, value));
      };
      int64_t whole = plan.count() / shape.pixels * shape.pixels;
      e.loop(e.index(0), e.index(whole), shape.pixels, [&](Value first) { group(first, shape.pixels); });
      if (whole < plan.count())
        group(e.index(whole), plan.count() - whole);
    });
    e.loop(e.index(0), e.index(plan.count()), 1, [&](Value tile) {
      e.loop(e.index(0), e.index(shape.blocks), 1, [&](Value j) {
        Value at = e.add(e.mul(tile, perTile), e.mul(j, plan.lanes));
        transformBack(tile, e.add(firstBlock, j), sums, at, perPosition);
      });
    });
  }

  Values sumsOf(PixelTile tile, Value first, Value inputAt, Value weightAt) {
    Buffer weights = e.constant(packed);
    Values offsets, init;
    for (int64_t i = 0; i < tile.pixels; ++i) {
      offsets.push_back(e.add(inputAt, e.mul(e.add(first, e.index(i)), plan.lanes)));
      for (int64_t j = 0; j < tile.blocks; ++j)
        init.push_back(e.splat(e.number(e.b.getF32Type(), 0), static_cast<unsigned>(tile.lanesOf(j))));
    }
    int64_t perBlock = plan.lanes * tile.weights(), rest = plan.inputs % plan.lanes;
    auto block = [&](Value index, int64_t channels, ValueRange carried) {
      // Prefetches weights of the next position.
      Value ahead = e.add(e.add(weightAt, e.mul(index, perBlock)), e.index(plan.inputBlocks() * perBlock));
      prefetchPart(e, weights, ahead, perBlock, turn, turns);
      return multiplyChannels(e, DotProducts::ofFloats(), tile, channels, transformed, offsets,
                              e.mul(index, plan.count() * plan.lanes), weights, e.add(weightAt, e.mul(index, perBlock)),
                              carried);
    };
    auto blocks = [&](Value from, int64_t count, ValueRange carried) {
      return e.loop(from, e.add(from, e.index(count)), 1, carried,
                    [&](Value index, ValueRange sums) { return block(index, plan.lanes, sums); });
    };
    if (!rest)
      return blocks(e.index(0), plan.inputBlocks(), init);
    auto ofPlane = [&](Value from, ValueRange carried) {
      int64_t whole = plan.planeBlocks() - 1;
      return block(e.add(from, e.index(whole)), rest, blocks(from, whole, carried));
    };
    if (plan.depth == 1)
      return ofPlane(e.index(0), init);
    return e.loop(e.index(0), e.index(plan.inputBlocks()), plan.planeBlocks(), init, ofPlane);
  }

  void transformBack(Value tile, Value block, const Buffer &sums, Value at, int64_t perPosition) {
    Buffer result = e.scratch(e.b.getF32Type(), {rows.outputs() * columns.outputs() * plan.lanes});
    SmallVector<Values> byRow(rows.outputs());
    for (int64_t c = 0; c < columns.extent(); ++c) {
      Values column;
      for (int64_t r = 0; r < rows.extent(); ++r)
        column.push_back(vectorAt(sums, e.add(at, e.index((r * columns.extent() + c) * perPosition))));
      for (auto [r, value] : llvm::enumerate(rows.transformOutput(e, column)))
        byRow[r].push_back(value);
    }
    Value offset = vectorAt(e.constant(bias), e.mul(block, plan.lanes));
    int64_t output = 0;
    for (auto [r, row] : llvm::enumerate(byRow))
      for (auto [c, value] : llvm::enumerate(columns.transformOutput(e, row))) {
        double scale = std::pow(rows.scale(), r) * std::pow(columns.scale(), c);
        Value sum = vector::FMAOp::create(e.b, e.number(value.getType(), scale), value, offset);
        e.store(result, e.index(output++ * plan.lanes), sum);
      }
    SmallVector<Value> place = e.delinearize(tile, {plan.lines, plan.across});
    Value y = e.add(e.mul(firstLine, rows.outputs()), startOf(place[0], rows, plan.rowStep));
    Value x = e.add(e.mul(firstColumn, columns.outputs()), startOf(place[1], columns, plan.columnStep));
    auto inside = [&](const WindowAxis &axis, int64_t side, int64_t step, Value from) -> Value {
      if (axis.out % (side * step) == 0 && plan.tileLines % plan.lines == 0 && plan.tileColumns % plan.across == 0)
        return e.index(side);
      Value left = arith::MaxSIOp::create(e.b, sub(e.index(axis.out + step - 1), from), e.index(0));
      return arith::MinSIOp::create(e.b, e.b.createOrFold<arith::DivUIOp>(left, e.index(step)), e.index(side));
    };
    Value lines = inside(window[1], rows.outputs(), plan.rowStep, y),
          width = inside(window[2], columns.outputs(), plan.columnStep, x);
    e.loop(e.index(0), lines, 1, [&](Value r) {
      e.loop(e.index(0), width, 1, [&](Value c) {
        Value value = vectorAt(result, e.mul(e.add(e.mul(r, columns.outputs()), c), plan.lanes));
        Value line = e.add(e.add(e.mul(plane, window[1].out), y), e.mul(r, plan.rowStep)),
              column = e.add(x, e.mul(c, plan.columnStep));
        Value pixel = e.add(e.mul(line, window[2].out), column);
        e.finish(0, value, Point{{image, block}, e.mul(pixel, plan.lanes), wide});
      });
    });
  }

  KernelEmitter &e;
  ConvOp op;
  const Window &window;
  const WinogradPlan &plan;
  const CookToom &rows, &columns; ///< of a tile
  unsigned wide;
  Tensor packed, bias;
  Buffer transformed;
  Value image, plane, firstLine, firstColumn, transformedAt, turn;
  int64_t turns = 1;
};

} // namespace

LogicalResult emitWinograd(KernelEmitter &e, ConvOp op, const Window &window, const WinogradTile &tile) {
  ArrayRef<int64_t> x = rankedType(op.getX()).getShape(), y = rankedType(op.getY()).getShape();
  WinogradPlan plan(e.target, scheduleOf(op), window, tile, x[0], x[1], y[1]);
  WinogradEmitter(e, op, window, plan).emit();
  return success();
}

} // namespace sinter::codegen
