// Loops in NCHWc: a register tile holds a few output pixels times a few blocks of output
// channels, weights are vectors, inputs are broadcast. Input lines that padding touches (or a prologue
// computes) are first copied, zeros around them, so that the tile never asks where the border is. Inputs are counted in
// words: a word is a channel of f32, or four channels of bytes.
#include "codegen/kernels/conv/BlockedLoops.h"
#include "codegen/kernels/conv/Blocked.h"
#include "codegen/kernels/conv/BlockedPlan.h"
#include "codegen/kernels/conv/Im2colPanel.h"
#include "codegen/kernels/gemm/Contraction.h"
#include "ir/analysis/DepthwiseFeed.h"
#include "ir/ops/PaddedWeights.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

namespace {

class ConvolutionEmitter {
public:
  /// `inputs`: channels of a group.
  ConvolutionEmitter(KernelEmitter &e, const ConvolutionOperands &of, const BlockedConvolution &plan, int64_t inputs)
      : e(e), of(of), products(of.products), plan(plan), inputs(inputs),
        word(toMlir(products.wordType(), e.b.getContext())), sum(toMlir(products.sumType(), e.b.getContext())) {}

  /// `padsFirst`: the window before a phase of its own pads the input; null if there is none.
  void emit(const Window *padsFirst) {
    packWeights();
    if (padsFirst)
      copyWhole(*padsFirst);
    const Window &w = plan.window;
    double flops = 2.0 *
                   static_cast<double>(plan.blockPixels * plan.outputs * plan.inputs * plan.vectors * plan.taps()) /
                   static_cast<double>(plan.splits);
    int64_t total = plan.images * plan.groups * w[0].out * plan.pixelBlocks() * plan.splits;
    e.iterations(total, KernelEmitter::grainFor(flops), [&](Value iteration) {
      SmallVector<Value> at =
          e.delinearize(iteration, {plan.splits, plan.images, plan.groups, w[0].out, plan.pixelBlocks()});
      image = at[1], group = at[2], plane = at[3];
      firstPixel = e.mul(at[4], plan.blockPixels);
      count = plan.pixels() % plan.blockPixels == 0
                  ? e.index(plan.blockPixels)
                  : minimum(e.index(plan.blockPixels), sub(e.index(plan.pixels()), firstPixel));
      if (plan.packs)
        copyInput();
      if (plan.chunks() > 1)
        sums = e.scratch(sum, {plan.blockPixels * plan.tiles.widest() * plan.block});
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

  //===- Weights ----------------------------------------------------------===//

  /// [group][tile of output blocks][input block][kernel position][input word][vector][output channel], zeros where
  /// channels are missing.
  void packWeights() {
    int64_t perGroup = plan.outputBlocks() * plan.weightsPerBlock(), taps = plan.taps();
    packed = Tensor(products.wordType(), {plan.groups * perGroup});
    bias = Tensor(products.sumType(), {plan.groups * plan.outputBlocks() * plan.block});
    auto *packedWords = reinterpret_cast<uint32_t *>(packed.data());
    std::vector<double> offsets(static_cast<size_t>(bias.size()), 0);
    // Blocks are packed by several threads. Of a block, rows of weights are read side by side, and whole vectors
    // written.
    e.packInParallel(static_cast<size_t>(plan.groups * plan.outputBlocks()), packed.size(), [&](size_t index) {
      int64_t g = static_cast<int64_t>(index) / plan.outputBlocks(),
              block = static_cast<int64_t>(index) % plan.outputBlocks();
      int64_t first = block * plan.block, count = std::min(plan.block, plan.outputs - first);
      auto [tile, firstBlock] = plan.tiles.tileOf(block);
      uint32_t *to = packedWords + g * perGroup + firstBlock * plan.weightsPerBlock() + first - firstBlock * plan.block;
      std::vector<std::vector<double>> rows;
      for (int64_t lane = 0; lane < count; ++lane)
        rows.push_back(of.weights(g, first + lane));
      for (int64_t c = 0; c < inputs; ++c)
        for (int64_t t = 0; t < taps; ++t) {
          int64_t i = c / products.channels(), within = c % products.channels();
          int64_t k = (i / plan.inputBlock * taps + t) * plan.inputBlock + i % plan.inputBlock;
          for (int64_t lane = 0; lane < count; ++lane) {
            auto [vector, bits] =
                products.place(within, rows[static_cast<size_t>(lane)][static_cast<size_t>(c * taps + t)]);
            to[(k * plan.vectors + vector) * tile.weights() + lane] |= bits;
          }
        }
      if (!of.bias.empty())
        std::copy_n(of.bias.begin() + g * plan.outputs + first, count,
                    offsets.begin() + (g * plan.outputBlocks() + block) * plan.block);
    });
    if (isFloat(bias.type()))
      storeDoubles(bias, offsets);
    else
      storeInts(bias, std::vector<int64_t>(offsets.begin(), offsets.end()));
  }

  //===- Input ------------------------------------------------------------===//

  int64_t lineStride() const {
    return plan.packs ? plan.copiedColumns() * plan.inputBlock : plan.window[2].in * plan.inputBlock;
  }
  int64_t planeStride() const { return lineStride() * (plan.packs ? plan.copiedLines() : plan.window[1].in); }
  int64_t blockStride() const { return planeStride() * (plan.packs ? plan.window[0].size : plan.window[0].in); }

  /// Copies what the iteration reads: [input block][kernel plane][line][column][channel].
  void copyInput() {
    const Window &w = plan.window;
    copy = e.scratch(word, {plan.inputBlocks() * plan.copiedElements()});
    if (ConvOp feed = e.isInMemory(of.x) ? ConvOp() : depthwiseFeed(of.x)) {
      Value from = div(firstPixel, w[2].out), to = minimum(e.add(from, e.index(plan.copiedLines())), e.index(w[1].out));
      e.loop(e.index(0), e.index(plan.inputBlocks()), 1, [&](Value block) {
        emitDepthwiseLines(e, feed, of.x, image, block, from, to, copy, e.mul(block, plan.copiedElements()));
      });
      return;
    }
    Value firstLine = sub(e.mul(div(firstPixel, w[2].out), w[1].stride), e.index(w[1].padBegin));
    Value firstPlane = sub(e.mul(plane, w[0].stride), e.index(w[0].padBegin));
    e.loop(e.index(0), e.index(plan.inputBlocks()), 1, [&](Value block) {
      Value channel = e.add(e.mul(group, plan.inputBlocks()), block);
      e.loop(e.index(0), e.index(w[0].size), 1, [&](Value k) {
        e.loop(e.index(0), e.index(plan.copiedLines()), 1, [&](Value r) {
          Value to = e.add(e.mul(block, plan.copiedElements()), e.add(e.mul(k, planeStride()), e.mul(r, lineStride())));
          Value z = e.add(firstPlane, e.mul(k, w[0].dilation)), y = e.add(firstLine, r);
          copyLine(w, image, channel, plan.copiedColumns(), z, y, copy, to);
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
      padded = e.workspace(word, {plan.images * channels * to[0].in * to[1].in * columns * plan.inputBlock});
      SmallVector<Value> at = e.delinearize(line, {plan.images, channels, to[0].in, to[1].in});
      Value z = sub(at[2], e.index(from[0].padBegin)), y = sub(at[3], e.index(from[1].padBegin));
      copyLine(from, at[0], at[1], columns, z, y, padded, e.mul(line, columns * plan.inputBlock));
    });
  }

  /// Line (z, y) of a channel block, with the padding of `window`.
  void copyLine(const Window &window, Value image, Value channel, int64_t columns, Value z, Value y, const Buffer &to,
                Value offset) {
    if (!word.isF32()) {
      int64_t perPixel = layoutOf(of.x.getType()).getSize() / products.channels();
      Value block = e.add(e.mul(image, plan.groups * plan.inputBlocks()), channel);
      Value base = e.mul(block, window[0].in * window[1].in * window[2].in * perPixel);
      if (of.columns > 1)
        return copySharedWords(window, base, perPixel, columns, z, y, to, offset);
      auto read = [&](Value at, unsigned lanes) { return e.load(e.inputWords(of.x), e.add(base, at), lanes); };
      return copyPaddedLine(e, read, window, plan.inputBlock, columns, z, y, to, offset, of.padding);
    }
    copyPaddedLine(e, of.x, {image, channel}, window, plan.inputBlock, columns, z, y, to, offset);
  }

  /// One word a pixel: the channels of that pixel and of the next ones that the kernel has columns for.
  void copySharedWords(const Window &window, Value base, int64_t perPixel, int64_t columns, Value z, Value y,
                       const Buffer &to, Value offset) {
    int64_t ones = (int64_t{1} << of.columnBits) - 1;
    auto read = [&](Value at, unsigned lanes) -> Value {
      Value words =
          e.load(e.inputWords(of.x), e.add(base, e.mul(at, perPixel)), static_cast<unsigned>(lanes * perPixel));
      if (lanes > 1) {
        SmallVector<int64_t> first;
        for (unsigned i = 0; i < lanes; ++i)
          first.push_back(i * perPixel);
        words = vector::ShuffleOp::create(e.b, words, words, first);
      } else if (perPixel > 1) {
        words = vector::ExtractOp::create(e.b, words, int64_t{0});
      }
      return arith::AndIOp::create(e.b, words, e.number(words.getType(), static_cast<double>(ones)));
    };
    auto padding = static_cast<double>(static_cast<int64_t>(of.padding) & ones);
    copyPaddedLine(e, read, window, 1, columns, z, y, to, offset, padding);
    // In ascending order: what is read has not been written yet.
    int64_t joined = columns - plan.moreColumns;
    e.forLanes(e.index(0), e.index(joined), static_cast<unsigned>(e.target.lanes(32)), [&](Value i, unsigned lanes) {
      Value at = e.add(offset, i), all = e.load(to, at, lanes);
      for (int64_t c = 1; c < of.columns; ++c) {
        Value next = e.load(to, e.add(at, e.index(c * of.distance)), lanes);
        Value bits = e.number(next.getType(), static_cast<double>(c * of.columnBits));
        all = arith::OrIOp::create(e.b, all, arith::ShLIOp::create(e.b, next, bits));
      }
      e.store(to, at, all);
    });
  }

  /// In words.
  Buffer source() {
    return plan.packs ? copy : padded ? e.inThisPhase(padded) : word.isF32() ? e.input(of.x) : e.inputWords(of.x);
  }

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
    // Each split has the same number of tiles, or one more.
    int64_t tiles = plan.tiles.tiles();
    Value from = div(e.mul(split, tiles), plan.splits), to = div(e.mul(e.add(split, e.index(1)), tiles), plan.splits);
    e.loop(from, to, 1, [&](Value index) {
      auto emitMain = [&] { emitTile(index, plan.tiles.main); };
      auto emitTail = [&] { emitTile(index, plan.tiles.tail); };
      if (plan.tiles.tail.blocks == 0)
        emitMain();
      else if (plan.tiles.mainTiles == 0)
        emitTail();
      else
        e.either(less(index, e.index(plan.tiles.mainTiles)), emitMain, emitTail);
    });
  }

  /// All pixels of the iteration for one tile of output blocks.
  void emitTile(Value index, PixelTile shape) {
    firstBlock = e.add(e.mul(group, plan.outputBlocks()), e.mul(index, plan.tiles.main.blocks));
    Value base = e.add(e.mul(group, plan.outputBlocks() * plan.weightsPerBlock()),
                       e.mul(index, plan.tiles.main.blocks * plan.weightsPerBlock()));
    int64_t chunks = plan.chunks();
    e.loop(e.index(0), e.index(chunks), 1, [&](Value chunk) {
      int64_t step = shape.pixels;
      Value tiles = div(count, step), whole = e.mul(tiles, step);
      e.loop(e.index(0), whole, step, [&](Value pixel) {
        turn = div(pixel, step);
        emitPixels(pixel, shape, base, chunk);
      });
      turn = e.index(0);
      // The pixels that full blocks leave over, and those of the last block.
      int64_t last = plan.pixels() - (plan.pixelBlocks() - 1) * plan.blockPixels;
      llvm::SmallSetVector<int64_t, 2> rests;
      for (int64_t pixels : {plan.blockPixels, last})
        if (pixels % step)
          rests.insert(pixels % step);
      Value left = sub(count, whole);
      for (int64_t rest : rests)
        e.onlyIf(equal(left, e.index(rest)), [&] { emitPixels(whole, shape.withPixels(rest), base, chunk); });
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
        init.push_back(
            e.load(biases, e.mul(e.add(firstBlock, e.index(j)), lanes), static_cast<unsigned>(tile.lanesOf(j))));
      Values all;
      for (int64_t i = 0; i < tile.pixels; ++i)
        llvm::append_range(all, init);
      return all;
    };
    Values init;
    if (chunks == 1) {
      init = biasVectors();
    } else {
      init = e.choose(isFirst, biasVectors, [&] {
        Values loaded;
        for (int64_t i = 0; i < tile.pixels * tile.blocks; ++i)
          loaded.push_back(
              e.load(sums, e.add(sumsBase, e.index(i * lanes)), static_cast<unsigned>(tile.lanesOf(i % tile.blocks))));
        return loaded;
      });
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
      result = e.choose(
          isLast, [&] { return reduceBlock(e.index(whole), rest, tile, input, offsets, weights, weightBase, result); },
          [&] { return result; });
    }

    if (chunks == 1)
      return finish(pixel, tile, result);
    e.either(
        isLast, [&] { finish(pixel, tile, result); },
        [&] {
          for (auto [i, value] : llvm::enumerate(result))
            e.store(sums, e.add(sumsBase, e.index(static_cast<int64_t>(i) * lanes)), value);
        });
  }

  /// Adds the products of `channels` words of one input block at all kernel positions.
  Values reduceBlock(Value block, int64_t channels, PixelTile tile, const Buffer &input, ArrayRef<Value> offsets,
                     const Buffer &weights, Value weightBase, Values carried) {
    const Window &w = plan.window;
    int64_t perTap = plan.inputBlock * plan.vectors * tile.weights();
    Value weightAt = e.add(weightBase, e.mul(block, plan.taps() * perTap));
    Value inputAt = e.mul(block, blockStride());
    // Only those planes are copied that the kernel reads.
    int64_t planeStep = (plan.packs ? 1 : w[0].dilation) * planeStride();
    auto line = [&](Value k, Value r, ValueRange sumsIn) {
      Value lineWeights = e.add(weightAt, e.mul(e.add(e.mul(k, w[1].size), r), w[2].size * perTap));
      Value lineInput = e.add(inputAt, e.add(e.mul(k, planeStep), e.mul(r, w[1].dilation * lineStride())));
      auto tap = [&](Value c, ValueRange sumsSoFar) {
        Value at = e.add(lineInput, e.mul(c, w[2].dilation * plan.inputBlock));
        Value weight = e.add(lineWeights, e.mul(c, perTap));
        if (plan.prefetches)
          prefetchPart(e, weights, e.add(weight, e.index(plan.chunkBlocks * plan.taps() * perTap)), perTap, turn,
                       plan.turns(tile));
        return multiplyChannels(e, products, tile, channels, input, offsets, at, weights, weight, sumsSoFar,
                                plan.isVolume() ? 2 : 4);
      };
      // An image's pixels have few words: a turn for each kernel column would do little but turn.
      constexpr int64_t stepsAtOnce = 4;
      if (w[2].size * channels > stepsAtOnce)
        return e.loop(e.index(0), e.index(w[2].size), 1, sumsIn, tap);
      Values all(sumsIn);
      for (int64_t c = 0; c < w[2].size; ++c)
        all = tap(e.index(c), all);
      return all;
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

  void finish(Value pixel, PixelTile tile, ValueRange computed) {
    Values values = llvm::map_to_vector<4>(computed, [&](Value sums) { return wholeBlock(e, sums); });
    Value first = e.add(e.mul(plane, plan.pixels()), e.add(firstPixel, pixel));
    Values places; // consecutive, or in a result that others fill too
    for (int64_t i = 0; i < tile.pixels; ++i) {
      Value pixel = e.add(first, e.index(i));
      places.push_back(of.place ? of.place(pixel) : pixel);
    }
    if (of.place || isShortEpilogue(of.op)) {
      for (int64_t j = 0; j < tile.blocks; ++j)
        for (int64_t i = 0; i < tile.pixels; ++i) {
          Value inner = e.mul(places[i], plan.block);
          e.finish(0, values[i * tile.blocks + j],
                   Point{{image, e.add(firstBlock, e.index(j))}, inner, static_cast<unsigned>(plan.block)});
        }
      return;
    }
    // [block][pixel], as in the result.
    Buffer kept = e.scratch(sum, {tile.pixels * tile.blocks * plan.block});
    for (int64_t j = 0; j < tile.blocks; ++j)
      for (int64_t i = 0; i < tile.pixels; ++i)
        e.store(kept, e.index((j * tile.pixels + i) * plan.block), values[i * tile.blocks + j]);
    e.loop(e.index(0), e.index(tile.blocks), 1, [&](Value j) {
      Point point{{image, e.add(firstBlock, j)}, e.mul(first, plan.block), static_cast<unsigned>(plan.block)};
      finishVectors(e, kept, e.mul(j, tile.pixels * plan.block), tile.pixels, point,
                    [&](Value elements, const Point &at) { e.finish(0, elements, at); });
    });
  }

  KernelEmitter &e;
  const ConvolutionOperands &of;
  const DotProducts &products;
  const BlockedConvolution &plan;
  int64_t inputs;
  Type word, sum;
  Tensor packed, bias;
  Buffer copy, padded, sums;
  Value image, group, plane, firstPixel, count, firstBlock, turn;
};

} // namespace

void emitBlockedLoops(KernelEmitter &e, const ConvolutionOperands &of, const Window &window, int64_t images,
                      int64_t groups, int64_t inputs, int64_t outputs) {
  BlockedAttr layout = layoutOf(of.x.getType());
  int64_t per = of.products.channels();
  auto planFor = [&](const Window &over, bool packs) {
    int64_t inputBlock = layout && of.columns == 1 ? layout.getSize() / per : 1;
    return BlockedConvolution(e.target, scheduleOf(of.op), over, images, groups, llvm::divideCeilSigned(inputs, per),
                              outputs, inputBlock, of.products.vectors(), packs, (of.columns - 1) * of.distance);
  };
  BlockedConvolution plan = planFor(window, readsPadding(window) || !e.isInMemory(of.x) || of.columns > 1);
  // Each would compute the lines anew.
  if (!e.isInMemory(of.x) && depthwiseFeed(of.x))
    plan.splits = 1;
  bool fits = !plan.packs || plan.inputBlocks() * plan.copiedElements() * 4 <= BlockedConvolution::maxCopyBytes;
  if (fits)
    return ConvolutionEmitter(e, of, plan, inputs).emit(nullptr);
  Window padded = window;
  for (WindowAxis &axis : padded) {
    axis.in = (axis.out - 1) * axis.stride + axis.extent();
    axis.padBegin = axis.padEnd = 0;
  }
  padded[2].in += plan.moreColumns;
  BlockedConvolution unpadded = planFor(padded, false);
  ConvolutionEmitter(e, of, unpadded, inputs).emit(&window);
}

} // namespace sinter::codegen
