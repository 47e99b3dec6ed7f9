// Convolutions in channel blocks: a register tile holds a few output pixels times a few blocks of output
// channels, weights are vectors, inputs are broadcast. Input lines that padding touches (or a prologue
// computes) are first copied, zeros around them, so that the tile never asks where the border is.
#include "codegen/llvm/Blocked.h"
#include "codegen/llvm/Contraction.h"
#include "codegen/llvm/WindowPanel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {
namespace {

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Accumulators held in registers: output pixels times blocks of output channels.
struct PixelTile {
  int64_t pixels = 1, blocks = 1;

  /// Cycles of one step of the reduction: two multiply-adds or loads a cycle, and accumulators enough to
  /// cover a latency of four.
  double cycles() const {
    double products = static_cast<double>(pixels * blocks) / 2;
    return std::max({products, static_cast<double>(pixels + blocks) / 2, 4.0}) + 0.3;
  }
};

/// How a convolution is cut up; from sizes and the target alone.
struct BlockedConvolution {
  Window window; ///< three axes
  int64_t images, groups, inputs, outputs; ///< channels of one group
  int64_t block;                           ///< channels of an output block
  int64_t inputBlock;                      ///< channels of an input block; 1 for planes
  bool packs;                              ///< input lines are copied first

  static constexpr int64_t maxCopyBytes = KernelEmitter::maxScratchBytes * 3 / 4;

  PixelTile main, tail;   ///< tail: the output blocks that do not fill a main tile
  int64_t mainTiles = 0;  ///< of output blocks
  int64_t blockPixels = 1; ///< output pixels of one iteration; whole lines where lines are copied
  int64_t chunkBlocks = 1; ///< input blocks whose weights stay in the L1 cache
  int64_t splits = 1;     ///< parts of the output channels that are iterations of their own

  BlockedConvolution(const Target &target, const Window &window, int64_t images, int64_t groups, int64_t inputs,
                     int64_t outputs, int64_t inputBlock, bool packs);

  int64_t inputBlocks() const { return ceilDiv(inputs, inputBlock); }
  int64_t outputBlocks() const { return ceilDiv(outputs, block); }
  int64_t tailBlocks() const { return outputBlocks() - mainTiles * main.blocks; }
  int64_t tiles() const { return mainTiles + (tailBlocks() > 0); }
  int64_t taps() const { return window[0].size * window[1].size * window[2].size; }
  int64_t pixels() const { return window[1].out * window[2].out; } ///< of one plane
  int64_t pixelBlocks() const { return ceilDiv(pixels(), blockPixels); }
  int64_t chunks() const { return ceilDiv(inputBlocks(), chunkBlocks); }
  /// Lines and columns of the copy, and its elements for one input block.
  int64_t copiedLines() const {
    return (blockPixels / window[2].out - 1) * window[1].stride + window[1].extent();
  }
  int64_t copiedColumns() const { return (window[2].out - 1) * window[2].stride + window[2].extent(); }
  int64_t copiedElements() const { return window[0].size * copiedLines() * copiedColumns() * inputBlock; }
  /// Weights that one block of output channels needs from all input channels, zeros for missing ones
  /// included.
  int64_t weightsPerBlock() const { return inputBlocks() * taps() * inputBlock * block; }
};

BlockedConvolution::BlockedConvolution(const Target &target, const Window &w, int64_t images, int64_t groups,
                                       int64_t inputs, int64_t outputs, int64_t inputBlock, bool packs)
    : window(w), images(images), groups(groups), inputs(inputs), outputs(outputs), block(target.lanes(32)),
      inputBlock(inputBlock), packs(packs) {
  bool isPointwise = !packs && llvm::all_of(window, [](const WindowAxis &axis) {
    return axis.size == 1 && axis.stride == 1 && axis.in == axis.out;
  });
  if (isPointwise) {
    // Lines have no meaning: all pixels are one line.
    int64_t all = window[0].out * window[1].out * window[2].out;
    window[0].in = window[0].out = window[1].in = window[1].out = 1;
    window[2].in = window[2].out = all;
  }
  // The cheapest tile over all pixels and output blocks.
  int64_t registers = target.vectorRegisters, most = outputBlocks();
  auto widest = [&](int64_t blocks) {
    return std::max<int64_t>(std::min<int64_t>((registers - 1 - blocks) / blocks, pixels()), 1);
  };
  auto costOf = [&](PixelTile tile) {
    PixelTile rest{pixels() % tile.pixels, tile.blocks};
    return static_cast<double>(pixels() / tile.pixels) * tile.cycles() + (rest.pixels ? rest.cycles() : 0);
  };
  double best = 0;
  for (int64_t blocks = 1; blocks <= std::min<int64_t>(most, (registers - 2) / 2); ++blocks)
    for (int64_t width = std::max<int64_t>(widest(blocks) / 2, 1); width <= widest(blocks); ++width) {
      PixelTile tile{width, blocks}, last{widest(std::max<int64_t>(most % blocks, 1)), most % blocks};
      double cost = static_cast<double>(most / blocks) * costOf(tile) + (last.blocks ? costOf(last) : 0);
      if (best != 0 && cost >= best)
        continue;
      best = cost;
      main = tile, tail = last, mainTiles = most / blocks;
    }

  // Input of one iteration in half the L2 cache, its sums in the L1 cache.
  int64_t perPixel = inputBlocks() * inputBlock * 4 * (packs ? window[1].stride * window[2].stride : 1);
  int64_t fits = std::max<int64_t>(target.l2Bytes * 2 / 5 / std::max<int64_t>(perPixel, 1), 4 * main.pixels);
  fits = std::min({fits, std::max<int64_t>((20 << 10) / (main.blocks * block * 4), main.pixels), pixels()});
  if (packs) {
    int64_t lines = std::clamp<int64_t>(fits / window[2].out, 1, window[1].out);
    // The copy and the sums lie on the stack.
    blockPixels = lines * window[2].out;
    while (lines > 1 && inputBlocks() * copiedElements() * 4 > maxCopyBytes)
      blockPixels = --lines * window[2].out;
    lines = ceilDiv(window[1].out, ceilDiv(window[1].out, lines));
    blockPixels = lines * window[2].out;
  } else {
    int64_t blocks = ceilDiv(pixels(), std::max(fits, main.pixels));
    blockPixels = std::min(ceilDiv(ceilDiv(pixels(), blocks), main.pixels) * main.pixels, pixels());
  }
  int64_t weightBytes = main.blocks * block * taps() * inputBlock * 4;
  chunkBlocks = std::clamp<int64_t>(target.l1Bytes / 2 / weightBytes, 1, std::max<int64_t>(inputBlocks(), 1));
  chunkBlocks = ceilDiv(inputBlocks(), ceilDiv(inputBlocks(), chunkBlocks));
  // Enough iterations for several threads.
  int64_t iterations = images * groups * window[0].out * pixelBlocks();
  splits = iterations >= 8 ? 1 : std::min(ceilDiv(8, iterations), tiles());
}

class ConvolutionEmitter {
public:
  ConvolutionEmitter(KernelEmitter &e, ConvOp op, const BlockedConvolution &plan)
      : e(e), op(op), plan(plan), vector(VectorType::get({plan.block}, e.b.getF32Type())) {}

  /// `padsFirst`: the window before a phase of its own pads the input; null if there is none.
  void emit(const Window *padsFirst) {
    packWeights();
    if (padsFirst)
      copyWhole(*padsFirst);
    const Window &w = plan.window;
    double flops = 2.0 * static_cast<double>(plan.blockPixels * plan.outputs * plan.inputs * plan.taps()) /
                   static_cast<double>(plan.splits);
    int64_t total = plan.images * plan.groups * w[0].out * plan.pixelBlocks() * plan.splits;
    e.iterations(total, KernelEmitter::grainFor(flops), [&](Value iteration) {
      SmallVector<Value> at = e.delinearize(
          iteration, {plan.splits, plan.images, plan.groups, w[0].out, plan.pixelBlocks()});
      image = at[1], group = at[2], plane = at[3];
      firstPixel = e.mul(at[4], plan.blockPixels);
      count = plan.pixels() % plan.blockPixels == 0
                  ? e.index(plan.blockPixels)
                  : minimum(e.index(plan.blockPixels), sub(e.index(plan.pixels()), firstPixel));
      if (plan.packs)
        copyInput();
      if (plan.chunks() > 1)
        sums = e.scratch(e.b.getF32Type(), {plan.blockPixels * std::max(plan.main.blocks, plan.tail.blocks) *
                                            plan.block});
      emitTiles(at[0]);
    });
  }

private:
  using Values = SmallVector<Value>;
  Value sub(Value a, Value b) { return e.b.createOrFold<arith::SubIOp>(a, b); }
  Value minimum(Value a, Value b) { return e.b.createOrFold<arith::MinSIOp>(a, b); }
  Value div(Value a, int64_t b) { return e.b.createOrFold<arith::DivUIOp>(a, e.index(b)); }
  Value rem(Value a, int64_t b) { return e.b.createOrFold<arith::RemUIOp>(a, e.index(b)); }
  Value less(Value a, Value b) { return arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, a, b); }
  Value equal(Value a, Value b) { return arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, a, b); }
  void either(Value condition, function_ref<void()> yes, function_ref<void()> no) {
    auto region = [&](function_ref<void()> f) {
      return [this, f](OpBuilder &, Location) {
        f();
        scf::YieldOp::create(e.b);
      };
    };
    scf::IfOp::create(e.b, condition, region(yes), region(no));
  }

  //===- Weights ----------------------------------------------------------===//

  /// [group][tile of output blocks][input block][kernel position][input channel][output channel], zeros where
  /// channels are missing.
  void packWeights() {
    Tensor source = *constantTensor(op.getW());
    auto from = source.as<float>();
    int64_t perGroup = plan.outputBlocks() * plan.weightsPerBlock(), taps = plan.taps();
    packed = Tensor(DType::F32, {plan.groups * perGroup});
    bias = Tensor(DType::F32, {plan.groups * plan.outputBlocks() * plan.block});
    auto to = packed.as<float>();
    auto offsets = bias.as<float>();
    llvm::fill(to, 0.0f);
    llvm::fill(offsets, 0.0f);
    std::optional<Tensor> given = constantTensor(op.getB());
    for (int64_t g = 0; g < plan.groups; ++g)
      for (int64_t o = 0; o < plan.outputs; ++o) {
        int64_t ob = o / plan.block, tile = std::min(ob / plan.main.blocks, plan.mainTiles);
        int64_t wide = tile < plan.mainTiles ? plan.main.blocks : plan.tailBlocks();
        int64_t base = g * perGroup + tile * plan.main.blocks * plan.weightsPerBlock();
        int64_t lane = (ob - tile * plan.main.blocks) * plan.block + o % plan.block;
        for (int64_t i = 0; i < plan.inputs; ++i)
          for (int64_t t = 0; t < taps; ++t) {
            int64_t k = (i / plan.inputBlock * taps + t) * plan.inputBlock + i % plan.inputBlock;
            to[base + k * wide * plan.block + lane] = from[((g * plan.outputs + o) * plan.inputs + i) * taps + t];
          }
        if (given)
          offsets[g * plan.outputBlocks() * plan.block + o] = given->as<float>()[g * plan.outputs + o];
      }
  }

  //===- Input ------------------------------------------------------------===//

  int64_t lineStride() const {
    return plan.packs ? plan.copiedColumns() * plan.inputBlock : plan.window[2].in * plan.inputBlock;
  }
  int64_t planeStride() const {
    return lineStride() * (plan.packs ? plan.copiedLines() : plan.window[1].in);
  }
  int64_t blockStride() const { return planeStride() * (plan.packs ? plan.window[0].size : plan.window[0].in); }

  /// Copies what the iteration reads: [input block][kernel plane][line][column][channel].
  void copyInput() {
    const Window &w = plan.window;
    copy = e.scratch(e.b.getF32Type(), {plan.inputBlocks() * plan.copiedElements()});
    Value firstLine = sub(e.mul(div(firstPixel, w[2].out), w[1].stride), e.index(w[1].padBegin));
    Value firstPlane = sub(e.mul(plane, w[0].stride), e.index(w[0].padBegin));
    e.loop(e.index(0), e.index(plan.inputBlocks()), 1, [&](Value block) {
      Value channel = e.add(e.mul(group, plan.inputBlocks()), block);
      e.loop(e.index(0), e.index(w[0].size), 1, [&](Value k) {
        e.loop(e.index(0), e.index(plan.copiedLines()), 1, [&](Value r) {
          Value to = e.add(e.mul(block, plan.copiedElements()),
                           e.add(e.mul(k, planeStride()), e.mul(r, lineStride())));
          Value z = e.add(firstPlane, e.mul(k, w[0].dilation)), y = e.add(firstLine, r);
          copyLine(w, plan.copiedColumns(), {image, channel}, z, y, copy, to);
        });
      });
    });
  }

  /// A phase that copies the whole input with its padding, for lines too long for the stack: [image][input
  /// block][plane][line][column][channel], over the sizes of plan.window.
  void copyWhole(const Window &from) {
    const Window &to = plan.window;
    int64_t channels = plan.groups * plan.inputBlocks(), columns = to[2].in;
    double cost = static_cast<double>(columns * plan.inputBlock);
    e.iterations(plan.images * channels * to[0].in * to[1].in, KernelEmitter::grainFor(cost), [&](Value line) {
      padded = e.workspace(e.b.getF32Type(),
                           {plan.images * channels * to[0].in * to[1].in * columns * plan.inputBlock});
      SmallVector<Value> at = e.delinearize(line, {plan.images, channels, to[0].in, to[1].in});
      Value z = sub(at[2], e.index(from[0].padBegin)), y = sub(at[3], e.index(from[1].padBegin));
      copyLine(from, columns, {at[0], at[1]}, z, y, padded, e.mul(line, columns * plan.inputBlock));
    });
  }

  /// One input line of a channel block with zeros around it, or zeros alone where there is no such line.
  void copyLine(const Window &w, int64_t columns, ArrayRef<Value> at, Value z, Value y, const Buffer &to,
                Value offset) {
    int64_t left = std::min(w[2].padBegin, columns), inside = std::clamp<int64_t>(columns - left, 0, w[2].in);
    auto within = [&](Value index, int64_t size) {
      return arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, index, e.index(size)).getResult();
    };
    auto blank = [&](int64_t from, int64_t until) {
      fill(to, e.add(offset, e.index(from * plan.inputBlock)), (until - from) * plan.inputBlock);
    };
    either(
        e.b.createOrFold<arith::AndIOp>(within(z, w[0].in), within(y, w[1].in)),
        [&] {
          blank(0, left);
          Value source = e.mul(e.add(e.mul(z, w[1].in), y), w[2].in * plan.inputBlock);
          Value target = e.add(offset, e.index(left * plan.inputBlock));
          e.forLanes(e.index(0), e.index(inside * plan.inputBlock), static_cast<unsigned>(plan.block),
                     [&](Value i, unsigned lanes) {
                       Point point{SmallVector<Value>(at), e.add(source, i), lanes};
                       e.store(to, e.add(target, i), e.read(op.getX(), point));
                     });
          blank(left + inside, columns);
        },
        [&] { blank(0, columns); });
  }

  void fill(const Buffer &to, Value at, int64_t elements) {
    Value zeros = arith::ConstantOp::create(e.b, e.b.getZeroAttr(vector)), zero = e.number(e.b.getF32Type(), 0);
    if (elements > 0)
      e.forLanes(e.index(0), e.index(elements), static_cast<unsigned>(plan.block),
                 [&](Value i, unsigned lanes) { e.store(to, e.add(at, i), lanes == 1 ? zero : zeros); });
  }

  Buffer source() { return plan.packs ? copy : padded ? e.inThisPhase(padded) : e.input(op.getX()); }

  /// Where the reduction of the output pixel (counted within the iteration) starts in the input.
  Value inputOffset(Value pixel) {
    const Window &w = plan.window;
    if (plan.packs) {
      Value y = div(pixel, w[2].out), x = rem(pixel, w[2].out);
      return e.add(e.mul(y, w[1].stride * lineStride()), e.mul(x, w[2].stride * plan.inputBlock));
    }
    Value global = e.add(firstPixel, pixel);
    if (w[1].out == 1 && w[1].in == 1)
      return e.mul(global, w[2].stride * plan.inputBlock);
    Value y = div(global, w[2].out), x = rem(global, w[2].out);
    return e.add(e.mul(y, w[1].stride * lineStride()), e.mul(x, w[2].stride * plan.inputBlock));
  }

  //===- Tiles ------------------------------------------------------------===//

  void emitTiles(Value split) {
    int64_t tiles = plan.tiles(), perSplit = ceilDiv(tiles, plan.splits);
    Value from = e.mul(split, perSplit), to = minimum(e.add(from, e.index(perSplit)), e.index(tiles));
    e.loop(from, to, 1, [&](Value index) {
      auto emitMain = [&] { emitTile(index, plan.main); };
      auto emitTail = [&] { emitTile(index, {plan.tail.pixels, plan.tailBlocks()}); };
      if (plan.tailBlocks() == 0)
        emitMain();
      else if (plan.mainTiles == 0)
        emitTail();
      else
        either(less(index, e.index(plan.mainTiles)), emitMain, emitTail);
    });
  }

  /// All pixels of the iteration for one tile of output blocks.
  void emitTile(Value index, PixelTile shape) {
    firstBlock = e.add(e.mul(group, plan.outputBlocks()), e.mul(index, plan.main.blocks));
    Value base = e.add(e.mul(group, plan.outputBlocks() * plan.weightsPerBlock()),
                       e.mul(index, plan.main.blocks * plan.weightsPerBlock()));
    int64_t chunks = plan.chunks();
    e.loop(e.index(0), e.index(chunks), 1, [&](Value chunk) {
      int64_t step = shape.pixels;
      Value tiles = div(count, step), whole = e.mul(tiles, step);
      e.loop(e.index(0), whole, step, [&](Value pixel) { emitPixels(pixel, shape, base, chunk); });
      // What is left of a full block of pixels and of the last one.
      int64_t last = plan.pixels() - (plan.pixelBlocks() - 1) * plan.blockPixels;
      llvm::SmallSetVector<int64_t, 2> rests;
      for (int64_t pixels : {plan.blockPixels, last})
        if (pixels % step)
          rests.insert(pixels % step);
      Value left = sub(count, whole);
      for (int64_t rest : rests)
        e.onlyIf(equal(left, e.index(rest)),
                 [&] { emitPixels(whole, {rest, shape.blocks}, base, chunk); });
    });
  }

  void emitPixels(Value pixel, PixelTile tile, Value weightBase, Value chunk) {
    Buffer weights = e.constant(packed), biases = e.constant(bias), input = source();
    int64_t lanes = plan.block;
    Values offsets;
    Value base = e.index(0);
    if (!plan.packs) {
      int64_t channels = plan.groups * plan.inputBlocks();
      base = e.mul(e.add(e.mul(image, channels), e.mul(group, plan.inputBlocks())), blockStride());
      base = e.add(base, e.mul(plane, plan.window[0].stride * planeStride()));
    }
    for (int64_t i = 0; i < tile.pixels; ++i)
      offsets.push_back(e.add(base, inputOffset(e.add(pixel, e.index(i)))));

    int64_t chunks = plan.chunks();
    Value isFirst = equal(chunk, e.index(0)), isLast = equal(chunk, e.index(chunks - 1));
    Value sumsBase = e.mul(pixel, tile.blocks * lanes);
    auto biasVectors = [&] {
      Values init;
      for (int64_t j = 0; j < tile.blocks; ++j)
        init.push_back(e.load(biases, e.mul(e.add(firstBlock, e.index(j)), lanes), lanes));
      Values all;
      for (int64_t i = 0; i < tile.pixels; ++i)
        llvm::append_range(all, init);
      return all;
    };
    Values init;
    if (chunks == 1) {
      init = biasVectors();
    } else {
      auto branch = scf::IfOp::create(
          e.b, isFirst, [&](OpBuilder &, Location) { scf::YieldOp::create(e.b, biasVectors()); },
          [&](OpBuilder &, Location) {
            Values loaded;
            for (int64_t i = 0; i < tile.pixels * tile.blocks; ++i)
              loaded.push_back(e.load(sums, e.add(sumsBase, e.index(i * lanes)), lanes));
            scf::YieldOp::create(e.b, loaded);
          });
      init = Values(branch.getResults());
    }

    // Whole input blocks, then what is left of the last one.
    int64_t rest = plan.inputs % plan.inputBlock, whole = plan.inputs / plan.inputBlock;
    Value from = e.mul(chunk, plan.chunkBlocks);
    Value to = minimum(e.add(from, e.index(plan.chunkBlocks)), e.index(whole));
    Values result = init;
    if (whole > 0)
      result = e.loop(from, to, 1, init, [&](Value block, ValueRange carried) {
        return reduceBlock(block, plan.inputBlock, tile, input, offsets, weights, weightBase, Values(carried));
      });
    if (rest > 0 && chunks == 1) {
      result = reduceBlock(e.index(whole), rest, tile, input, offsets, weights, weightBase, result);
    } else if (rest > 0) {
      auto branch = scf::IfOp::create(
          e.b, isLast,
          [&](OpBuilder &, Location) {
            scf::YieldOp::create(e.b, reduceBlock(e.index(whole), rest, tile, input, offsets, weights, weightBase,
                                                  result));
          },
          [&](OpBuilder &, Location) { scf::YieldOp::create(e.b, result); });
      result = Values(branch.getResults());
    }

    if (chunks == 1)
      return finish(pixel, tile, result);
    either(
        isLast, [&] { finish(pixel, tile, result); },
        [&] {
          for (auto [i, value] : llvm::enumerate(result))
            e.store(sums, e.add(sumsBase, e.index(static_cast<int64_t>(i) * lanes)), value);
        });
  }

  /// Adds the products of `channels` channels of one input block at all kernel positions.
  Values reduceBlock(Value block, int64_t channels, PixelTile tile, const Buffer &input, ArrayRef<Value> offsets,
                     const Buffer &weights, Value weightBase, Values carried) {
    const Window &w = plan.window;
    int64_t perTap = plan.inputBlock * tile.blocks * plan.block;
    Value weightAt = e.add(weightBase, e.mul(block, plan.taps() * perTap));
    Value inputAt = e.mul(block, blockStride());
    auto line = [&](Value k, Value r, ValueRange sumsIn) {
      Value lineWeights = e.add(weightAt, e.mul(e.add(e.mul(k, w[1].size), r), w[2].size * perTap));
      Value lineInput = e.add(inputAt, e.add(e.mul(k, w[0].dilation * planeStride()),
                                             e.mul(r, w[1].dilation * lineStride())));
      // Few steps lie open: a scheduler that sees many of them spills accumulators.
      int64_t open = std::min<int64_t>(channels, 8);
      while (channels % open != 0)
        --open;
      auto tap = [&](Value c, ValueRange sumsSoFar) {
        Value at = e.add(lineInput, e.mul(c, w[2].dilation * plan.inputBlock));
        Value weight = e.add(lineWeights, e.mul(c, perTap));
        auto steps = [&](Value first, ValueRange carriedIn) {
          Values next(carriedIn);
          Value from = e.add(at, first), w = e.add(weight, e.mul(first, tile.blocks * plan.block));
          for (int64_t i = 0; i < open; ++i)
            multiply(tile, input, offsets, from, i, weights, w, next);
          return next;
        };
        if (open == channels)
          return steps(e.index(0), sumsSoFar);
        return e.loop(e.index(0), e.index(channels), open, sumsSoFar, steps);
      };
      if (w[2].size == 1)
        return tap(e.index(0), sumsIn);
      return e.loop(e.index(0), e.index(w[2].size), 1, sumsIn, tap);
    };
    auto plane = [&](Value k, ValueRange sumsIn) {
      if (w[1].size == 1)
        return line(k, e.index(0), sumsIn);
      return e.loop(e.index(0), e.index(w[1].size), 1, sumsIn,
                    [&](Value r, ValueRange inner) { return line(k, r, inner); });
    };
    if (w[0].size == 1)
      return plane(e.index(0), carried);
    return e.loop(e.index(0), e.index(w[0].size), 1, carried,
                  [&](Value k, ValueRange inner) { return plane(k, inner); });
  }

  /// One input channel at one kernel position.
  void multiply(PixelTile tile, const Buffer &input, ArrayRef<Value> offsets, Value at, int64_t channel,
                const Buffer &weights, Value weight, Values &sumsOf) {
    Values w;
    for (int64_t j = 0; j < tile.blocks; ++j)
      w.push_back(e.load(weights, e.add(weight, e.index((channel * tile.blocks + j) * plan.block)), plan.block));
    for (int64_t i = 0; i < tile.pixels; ++i) {
      Value x = e.load(input, e.add(e.add(offsets[i], at), e.index(channel)));
      Value splat = e.splat(x, static_cast<unsigned>(plan.block));
      for (int64_t j = 0; j < tile.blocks; ++j) {
        Value &sum = sumsOf[i * tile.blocks + j];
        sum = vector::FMAOp::create(e.b, splat, w[j], sum);
      }
    }
  }

  void finish(Value pixel, PixelTile tile, ValueRange values) {
    Value first = e.add(e.mul(plane, plan.pixels()), e.add(firstPixel, pixel));
    auto finishOne = [&](Value i, Value j, Value value) {
      Value inner = e.mul(e.add(first, i), plan.block);
      e.finish(0, value, Point{{image, e.add(firstBlock, j)}, inner, static_cast<unsigned>(plan.block)});
    };
    if (isShortEpilogue(op)) {
      for (int64_t j = 0; j < tile.blocks; ++j)
        for (int64_t i = 0; i < tile.pixels; ++i)
          finishOne(e.index(i), e.index(j), values[i * tile.blocks + j]);
      return;
    }
    Buffer kept = e.scratch(e.b.getF32Type(), {tile.pixels * tile.blocks * plan.block});
    for (auto [i, value] : llvm::enumerate(values))
      e.store(kept, e.index(static_cast<int64_t>(i) * plan.block), value);
    e.loop(e.index(0), e.index(tile.blocks), 1, [&](Value j) {
      e.loop(e.index(0), e.index(tile.pixels), 1, [&](Value i) {
        Value at = e.mul(e.add(e.mul(i, tile.blocks), j), plan.block);
        finishOne(i, j, e.load(kept, at, plan.block));
      });
    });
  }

  KernelEmitter &e;
  ConvOp op;
  const BlockedConvolution &plan;
  VectorType vector;
  Tensor packed, bias;
  Buffer copy, padded, sums;
  Value image, group, plane, firstPixel, count, firstBlock;
};

bool touchesPadding(const Window &window) {
  return llvm::any_of(window, [](const WindowAxis &axis) {
    return axis.padBegin > 0 || axis.position(axis.out - 1, axis.size - 1) >= axis.in;
  });
}

} // namespace

bool isDepthwise(ConvOp op) {
  int64_t group = op.getGroup();
  return group > 1 && group == rankedType(op.getX()).getDimSize(1) && group == rankedType(op.getY()).getDimSize(1);
}

std::string refuseBlockedConvolution(ConvOp op) {
  if (!constantTensor(op.getW()) || (op.getB() && !constantTensor(op.getB())))
    return "a blocked convolution needs constant weights";
  if (rankedType(op.getX()).getRank() > 5)
    return "more than three spatial dimensions";
  BlockedAttr from = layoutOf(op.getX().getType()), to = layoutOf(op.getY().getType());
  int64_t group = op.getGroup(), size = to.getSize();
  bool sharesBlocks = group > 1 && (rankedType(op.getX()).getDimSize(1) / group % size != 0 ||
                                    rankedType(op.getY()).getDimSize(1) / group % size != 0);
  if (group > 1 && (!from || (sharesBlocks && !isDepthwise(op))))
    return "its groups share blocks of channels";
  return "";
}

LogicalResult emitBlockedConvolution(KernelEmitter &e, ConvOp op) {
  FailureOr<Window> resolved = op.window();
  if (failed(resolved))
    return failure();
  Window window = *threeAxes(*resolved);
  ArrayRef<int64_t> x = rankedType(op.getX()).getShape(), y = rankedType(op.getY()).getShape();
  BlockedAttr layout = layoutOf(op.getX().getType());
  int64_t group = op.getGroup();
  auto planFor = [&](const Window &over, bool packs) {
    return BlockedConvolution(e.target, over, x[0], group, x[1] / group, y[1] / group,
                              layout ? layout.getSize() : 1, packs);
  };
  BlockedConvolution plan = planFor(window, touchesPadding(window) || !e.isInMemory(op.getX()));
  bool fits = !plan.packs || plan.inputBlocks() * plan.copiedElements() * 4 <= BlockedConvolution::maxCopyBytes;
  if (fits) {
    ConvolutionEmitter(e, op, plan).emit(nullptr);
    return success();
  }
  Window padded = window;
  for (WindowAxis &axis : padded) {
    axis.in = (axis.out - 1) * axis.stride + axis.extent();
    axis.padBegin = axis.padEnd = 0;
  }
  BlockedConvolution unpadded = planFor(padded, false);
  ConvolutionEmitter(e, op, unpadded).emit(&window);
  return success();
}

} // namespace sinter::codegen
