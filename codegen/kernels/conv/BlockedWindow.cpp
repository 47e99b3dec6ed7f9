// Depthwise convolutions and pools in channel blocks: every output pixel folds vectors of the input under its
// window. Tiles of pixels of a line share a step; which kernel columns a pixel at a border lacks is known at
// compile time, which kernel lines at run time.
#include "codegen/emit/ReductionLoops.h"
#include "codegen/kernels/PoolCounts.h"
#include "codegen/kernels/conv/Blocked.h"
#include "codegen/kernels/conv/Im2colPanel.h"
#include "codegen/kernels/conv/PixelTiles.h"
#include "ir/ops/Element.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {
namespace {

using Values = SmallVector<Value>;

/// What is folded: `start` per channel block, `fold` for an input vector under a kernel position, `finish`.
struct WindowFold {
  std::function<Value(Value channel)> start;
  /// Values that every pixel shares at kernel position `tap` (weights), `sharedCount` of them; null for pools.
  std::function<Values(Value channel, Value tap)> shared;
  std::function<Value(Value sum, Value x, ValueRange shared)> fold;
  /// Pools: joins what was folded of two parts of a window. The columns of a window are then folded apart and joined in
  /// their order, the order of pools outside blocks: the sums have the same bits, and windows that overlap share
  /// columns.
  std::function<Value(Value a, Value b)> merge;
  std::function<Value(Value sum, Value plane, Value line, int64_t column, Value tileColumn)> finish;
  int64_t sharedCount = 1;
  /// A pixel of a tile, and where channel 0 of the block lies above it, from the place that all pixels have in common.
  struct Pixel {
    int64_t number, offset;
  };
  /// In place of `shared` and `fold`: folds a tap's inputs into sums, two for each pixel of the tile, of half a block.
  std::function<Values(const Buffer &input, Value at, ArrayRef<Pixel> pixels, Value channel, Value tap, Values sums)>
      foldHalves;
};

class WindowEmitter {
public:
  WindowEmitter(KernelEmitter &e, Operation *op, Value x, Window window, WindowFold fold)
      : e(e), x(x), window(std::move(window)), fold(std::move(fold)), lanes(e.target.lanes(32)),
        isShort(isShortEpilogue(op)) {
    finish = [&e](Value elements, const Point &point) { e.finish(0, elements, point); };
    Dims shape = storageShape(rankedType(x));
    images = shape[0], blocks = shape[1];
    width = std::min(this->fold.merge ? pixelsByColumns() : pixelsByRegisters(), column().out);
    int64_t tiles = llvm::divideCeil(column().out, width);
    width = llvm::divideCeil(column().out, tiles);
  }

  void emit() {
    int64_t lines = window[1].out;
    double perLine = 2.0 * static_cast<double>(column().out * lanes) *
                     static_cast<double>(window[0].size * window[1].size * window[2].size);
    e.iterations(images * blocks * window[0].out * lines, KernelEmitter::grainFor(perLine), [&](Value iteration) {
      SmallVector<Value> at = e.delinearize(iteration, {images, blocks, window[0].out, lines});
      image = at[0], channel = at[1], plane = at[2], line = at[3];
      emitLine();
    });
  }

  /// One line of one channel block of an image, for a kernel whose iterations are another op's.
  void emitLine(Value ofImage, Value ofChannel, Value ofLine, Sink sink) {
    image = ofImage, channel = ofChannel, plane = e.index(0), line = ofLine;
    finish = std::move(sink);
    emitLine();
  }

private:
  const WindowAxis &column() const { return window[2]; }

  /// Registers: an accumulator per pixel, what they share in a line of the kernel, and the inputs that several kernel
  /// columns read; where arithmetic takes none of them from memory, a scheduler loads many ahead.
  int64_t pixelsByRegisters() const {
    int64_t inputs = e.target.foldsLoads ? 7 : 21, shared = column().size;
    if (fold.foldHalves) // a vector of weights for each half, and inputs
      return (e.target.vectorRegisters - 4) / 2;
    if (fold.sharedCount > 1)
      shared = 2 * fold.sharedCount; // of one kernel column at a time, and patterns of lanes
    // Chains enough for two multiply-adds a cycle. Under a window's last lines lies what no line of outputs has read
    // before: a wide tile waits for all of it at once, while several narrow ones are under way together and read it
    // beside their other lines.
    constexpr int64_t widest = 10;
    return std::clamp<int64_t>(e.target.vectorRegisters - shared - inputs, 4, widest);
  }

  /// Registers: an accumulator per column of the input that a tile sees.
  int64_t pixelsByColumns() const {
    constexpr int64_t widest = 8;
    return std::clamp<int64_t>((3 * e.target.vectorRegisters / 4 - column().extent()) / column().stride + 1, 1, widest);
  }

  Value sub(Value a, Value b) { return e.b.createOrFold<arith::SubIOp>(a, b); }

  /// Kernel positions of output `o` inside the input: [from, to).
  std::pair<Value, Value> inside(const WindowAxis &axis, Value o) {
    if (axis.padBegin == 0 && axis.position(axis.out - 1, axis.size - 1) < axis.in)
      return {e.index(0), e.index(axis.size)};
    Value start = sub(e.mul(o, axis.stride), e.index(axis.padBegin)), zero = e.index(0);
    auto clamp = [&](Value v) {
      v = arith::MaxSIOp::create(e.b, v, zero);
      return v;
    };
    // ceil(-start / dilation) and ceil((in - start) / dilation)
    Value slack = e.index(axis.dilation - 1), dilation = e.index(axis.dilation);
    Value from = e.b.createOrFold<arith::DivUIOp>(clamp(sub(slack, start)), dilation);
    Value to = e.b.createOrFold<arith::DivUIOp>(clamp(sub(e.add(e.index(axis.in), slack), start)), dilation);
    to = arith::MinSIOp::create(e.b, to, e.index(axis.size));
    return {from, to};
  }

  void emitLine() {
    const WindowAxis &w = column();
    planes = inside(window[0], plane), rows = inside(window[1], line);
    // Pixels that see all kernel columns: [first, last).
    int64_t first = w.padBegin == 0 ? 0 : std::min<int64_t>(llvm::divideCeil(w.padBegin, w.stride), w.out);
    int64_t last = first;
    while (last < w.out && w.position(last, w.size - 1) < w.in)
      ++last;
    // Tiles with a border at compile-time places, tiles without in a loop.
    int64_t at = 0;
    while (at < w.out) {
      int64_t count = std::min(width, w.out - at);
      int64_t whole = at >= first ? (last - at) / width : 0;
      if (whole >= 2) {
        e.loop(e.index(at), e.index(at + whole * width), width, [&](Value from) { emitTile(from, -1, width); });
        at += whole * width;
        continue;
      }
      emitTile(e.index(at), at, count);
      at += count;
    }
  }

  /// Folds over the lines under the window. `line` gives a line's share: where its first column and its first tap are,
  /// and the values carried.
  Values overLines(Value columnAt, Values init,
                   function_ref<Values(Value lineBase, Value tapBase, Values carried)> ofLine) {
    Value base = e.mul(e.add(e.mul(image, blocks), channel), window[0].in * window[1].in * column().in * lanes);
    auto position = [&](const WindowAxis &axis, Value o, Value k) {
      return sub(e.add(e.mul(o, axis.stride), e.mul(k, axis.dilation)), e.index(axis.padBegin));
    };
    return e.loop(planes.first, planes.second, 1, init, [&](Value kp, ValueRange outer) {
      return e.loop(rows.first, rows.second, 1, outer, [&](Value kr, ValueRange inner) {
        Value z = position(window[0], plane, kp), y = position(window[1], line, kr);
        Value lineAt = e.mul(e.add(e.mul(z, window[1].in), y), column().in * lanes);
        Value tapBase = e.mul(e.add(e.mul(kp, window[1].size), kr), column().size);
        return ofLine(e.add(e.add(base, lineAt), columnAt), tapBase, Values(inner));
      });
    });
  }

  /// Whether pixel `pixel` of a tile lies above the input with kernel column `k`.
  bool isInside(int64_t known, int64_t pixel, int64_t k) const {
    int64_t position = known >= 0 ? column().position(known + pixel, k) : 0;
    return known < 0 || (position >= 0 && position < column().in);
  }

  /// The same as foldInOrder with sums in halves.
  Values foldInHalves(Value columnAt, int64_t known, int64_t count) {
    const WindowAxis &w = column();
    Buffer input = e.input(x);
    auto shuffled = [&](Value a, Value b, int64_t from, int64_t to) -> Value {
      return vector::ShuffleOp::create(e.b, a, b, llvm::to_vector(llvm::seq<int64_t>(from, to)));
    };
    Value start = fold.start(channel), low = shuffled(start, start, 0, lanes / 2),
          high = shuffled(start, start, lanes / 2, lanes);
    Values init;
    for (int64_t i = 0; i < count; ++i)
      init.push_back(low), init.push_back(high);
    Values sums = overLines(columnAt, init, [&](Value lineBase, Value tapBase, Values carried) {
      for (int64_t k = 0; k < w.size; ++k) {
        SmallVector<WindowFold::Pixel> pixels;
        for (int64_t i = 0; i < count; ++i)
          if (isInside(known, i, k))
            pixels.push_back({i, (i * w.stride + k * w.dilation) * lanes});
        carried = fold.foldHalves(input, lineBase, pixels, channel, e.add(tapBase, e.index(k)), carried);
      }
      return carried;
    });
    Values whole;
    for (int64_t i = 0; i < count; ++i)
      whole.push_back(shuffled(sums[2 * i], sums[2 * i + 1], 0, lanes));
    return whole;
  }

  Values foldInOrder(Value columnAt, int64_t known, int64_t count) {
    if (fold.foldHalves)
      return foldInHalves(columnAt, known, count);
    const WindowAxis &w = column();
    Buffer input = e.input(x);
    return overLines(columnAt, Values(count, fold.start(channel)), [&](Value lineBase, Value tapBase, Values sums) {
      for (int64_t k = 0; k < w.size; ++k) {
        Values shared = fold.shared(channel, e.add(tapBase, e.index(k)));
        for (int64_t i = 0; i < count; ++i) {
          if (!isInside(known, i, k))
            continue;
          int64_t offset = (i * w.stride + k * w.dilation) * lanes;
          Value value = e.load(input, e.add(lineBase, e.index(offset)), static_cast<unsigned>(lanes));
          sums[i] = fold.fold(sums[i], value, shared);
        }
      }
      return sums;
    });
  }

  Values foldColumns(Value columnAt, int64_t known, int64_t count) {
    const WindowAxis &w = column();
    Buffer input = e.input(x);
    std::vector<int64_t> columns;
    for (int64_t i = 0; i < count; ++i)
      for (int64_t k = 0; k < w.size; ++k)
        if (isInside(known, i, k))
          columns.push_back(i * w.stride + k * w.dilation);
    llvm::sort(columns);
    columns.erase(llvm::unique(columns), columns.end());
    Value start = fold.start(channel);
    Values folded = overLines(columnAt, Values(columns.size(), start), [&](Value lineBase, Value, Values sums) {
      for (auto [sum, column] : llvm::zip_equal(sums, columns))
        sum = fold.fold(sum, e.load(input, e.add(lineBase, e.index(column * lanes)), static_cast<unsigned>(lanes)), {});
      return sums;
    });
    Values results;
    for (int64_t i = 0; i < count; ++i) {
      Value result;
      for (int64_t k = 0; k < w.size; ++k) {
        if (!isInside(known, i, k))
          continue;
        Value next = folded[llvm::lower_bound(columns, i * w.stride + k * w.dilation) - columns.begin()];
        result = result ? fold.merge(result, next) : next;
      }
      results.push_back(result ? result : start);
    }
    return results;
  }

  /// `count` pixels from column `from` on; `known` is that column, or -1 for one without border.
  void emitTile(Value from, int64_t known, int64_t count) {
    const WindowAxis &w = column();
    Value columnAt = sub(e.mul(from, w.stride * lanes), e.index(w.padBegin * lanes));
    Values sums = fold.merge ? foldColumns(columnAt, known, count) : foldInOrder(columnAt, known, count);
    Value pixel = e.add(e.mul(e.add(e.mul(plane, window[1].out), line), w.out), from);
    if (fold.finish)
      for (int64_t i = 0; i < count; ++i)
        sums[i] = fold.finish(sums[i], plane, line, known < 0 ? -1 : known + i, e.add(from, e.index(i)));
    Point first{{image, channel}, e.mul(pixel, lanes), static_cast<unsigned>(lanes)};
    if (!isShort) {
      Buffer kept = e.scratch(getElementTypeOrSelf(sums[0]), {count * lanes});
      for (int64_t i = 0; i < count; ++i)
        e.store(kept, e.index(i * lanes), sums[i]);
      return finishVectors(e, kept, e.index(0), count, first, finish);
    }
    for (int64_t i = 0; i < count; ++i)
      finish(sums[i], Point{first.outer, e.add(first.inner, e.index(i * lanes)), first.lanes});
  }

  KernelEmitter &e;
  Value x;
  Window window;
  WindowFold fold;
  Sink finish;
  int64_t lanes, images, blocks, width;
  bool isShort;
  Value image, channel, plane, line;
  std::pair<Value, Value> planes, rows;
};

/// [channel block][tap][input of the group][channel] of weights [channel][input of the group][tap].
Tensor packedTaps(const Tensor &weights, DType type, int64_t channels, int64_t inputs, int64_t taps, int64_t lanes) {
  Tensor packed(type, {static_cast<int64_t>(llvm::divideCeil(channels, lanes)) * taps * inputs * lanes});
  std::vector<double> from = toDoubles(weights), to(static_cast<size_t>(packed.size()), 0);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t i = 0; i < inputs; ++i)
      for (int64_t t = 0; t < taps; ++t)
        to[static_cast<size_t>(((c / lanes * taps + t) * inputs + i) * lanes + c % lanes)] =
            from[static_cast<size_t>((c * inputs + i) * taps + t)];
  storeDoubles(packed, to);
  return packed;
}

/// Of a convolution whose groups lie inside blocks.
WindowFold foldOf(KernelEmitter &e, ConvOp op, const Window &window) {
  int64_t lanes = e.target.lanes(32), channels = rankedType(op.getX()).getDimSize(1);
  int64_t inputs = channels / op.getGroup(), taps = window[0].size * window[1].size * window[2].size;
  Tensor weights = packedTaps(*constantTensor(op.getW()), DType::F32, channels, inputs, taps, lanes);
  Tensor none(DType::F32, {channels});
  std::memset(none.data(), 0, none.bytes());
  Tensor bias = packedTaps(op.getB() ? *constantTensor(op.getB()) : none, DType::F32, channels, 1, 1, lanes);
  WindowFold fold;
  fold.sharedCount = inputs;
  fold.start = [&e, lanes, bias](Value channel) { return e.load(e.constant(bias), e.mul(channel, lanes), lanes); };
  fold.shared = [&e, lanes, weights, taps, inputs](Value channel, Value tap) {
    Values all;
    Value first = e.mul(e.add(e.mul(channel, taps), tap), inputs * lanes);
    for (int64_t i = 0; i < inputs; ++i)
      all.push_back(e.load(e.constant(weights), e.add(first, e.index(i * lanes)), lanes));
    return all;
  };
  // Groups that fill half a block: an input is a scalar for all channels of its group, which arithmetic takes from
  // memory. Patterns of lanes cost an instruction for each multiply-add, and many registers; vectors of four lanes
  // would cost more.
  constexpr int64_t minLanes = 8;
  if (int64_t half = lanes / 2; inputs == half && half >= minLanes) {
    fold.foldHalves = [&e, lanes, half, weights, taps, inputs](const Buffer &input, Value at,
                                                               ArrayRef<WindowFold::Pixel> pixels, Value channel,
                                                               Value tap, Values sums) {
      auto wide = static_cast<unsigned>(half);
      Buffer packed = e.constant(weights);
      Value first = e.mul(e.add(e.mul(channel, taps), tap), inputs * lanes);
      return e.loop(e.index(0), e.index(inputs), 1, sums, [&](Value i, ValueRange carried) {
        Values next(carried);
        Value weightAt = e.add(first, e.mul(i, lanes)), inputAt = e.add(at, i);
        for (int64_t part : {0, 1}) {
          Value w = e.load(packed, e.add(weightAt, e.index(part * half)), wide);
          for (auto [number, offset] : pixels) {
            Value x = e.load(input, e.add(inputAt, e.index(offset + part * half)));
            Value &sum = next[2 * number + part];
            sum = vector::FMAOp::create(e.b, e.splat(x, wide), w, sum);
          }
        }
        return next;
      });
    };
  }
  // Input i of each group, in all lanes of the group.
  auto inputOfGroups = [&e, lanes, inputs](Value x, int64_t i) -> Value {
    if (inputs == 1)
      return x;
    SmallVector<int64_t> from;
    for (int64_t lane = 0; lane < lanes; ++lane)
      from.push_back(lane / inputs * inputs + i);
    return vector::ShuffleOp::create(e.b, x, x, from);
  };
  fold.fold = [&e, inputOfGroups](Value sum, Value x, ValueRange shared) -> Value {
    for (auto [i, weight] : llvm::enumerate(shared))
      sum = vector::FMAOp::create(e.b, inputOfGroups(x, static_cast<int64_t>(i)), weight, sum);
    return sum;
  };
  return fold;
}

/// What ops between `from` and `to` (ir/analysis/DepthwiseFeed.h) make of an element of `from`.
Value through(KernelEmitter &e, Value from, Value element, Value to, const Point &point,
              llvm::DenseMap<Value, Value> &known) {
  if (to == from)
    return element;
  if (Value value = known.lookup(to))
    return value;
  if (e.isInMemory(to))
    return e.splat(e.read(to, Point{{}, {}, 1}), point.lanes);
  Operation *op = to.getDefiningOp();
  Values args;
  for (Value operand : op->getOperands())
    args.push_back(through(e, from, element, operand, point, known));
  return known[to] = cast<ElementwiseOpInterface>(op).buildElement(e.b, op->getLoc(), args);
}

} // namespace

LogicalResult emitConvolutionInBlocks(KernelEmitter &e, ConvOp op) {
  FailureOr<Window> resolved = op.window();
  if (failed(resolved))
    return failure();
  Window window = *threeAxes(*resolved);
  WindowEmitter(e, op, op.getX(), window, foldOf(e, op, window)).emit();
  return success();
}

void emitDepthwiseLines(KernelEmitter &e, ConvOp op, Value value, Value image, Value channel, Value from, Value to,
                        const Buffer &buffer, Value at) {
  Window window = *threeAxes(*op.window());
  WindowEmitter emitter(e, op, op.getX(), window, foldOf(e, op, window));
  int64_t length = window[2].out * e.target.lanes(32);
  e.loop(from, to, 1, [&](Value line) {
    // Points count the elements of the plane.
    Value shift = e.b.createOrFold<arith::SubIOp>(at, e.mul(from, length));
    emitter.emitLine(image, channel, line, [&](Value elements, const Point &point) {
      llvm::DenseMap<Value, Value> known;
      e.store(buffer, e.add(shift, point.inner), through(e, op.getY(), elements, value, point, known));
    });
  });
}

/// A depthwise one of bytes: differences to the zero point, of nine bits, times weights of nine.
LogicalResult emitConvolutionInBlocks(KernelEmitter &e, ConvIntegerOp op) {
  FailureOr<Window> resolved = op.window();
  if (failed(resolved))
    return failure();
  Window window = *threeAxes(*resolved);
  int64_t lanes = e.target.lanes(32), channels = rankedType(op.getX()).getDimSize(1);
  int64_t taps = window[0].size * window[1].size * window[2].size;
  Tensor weights = packedTaps(*constantTensor(op.getW()), DType::I32, channels, 1, taps, lanes), bias;
  if (op.getB())
    bias = packedTaps(*constantTensor(op.getB()), DType::I32, channels, 1, 1, lanes);
  auto vector = VectorType::get({lanes}, e.b.getI32Type());
  bool isSigned = elementTypeOf(op.getX()).isSignlessInteger(8);
  auto zero = static_cast<double>(static_cast<int64_t>(op.getXZeroPoint()));
  WindowFold fold;
  fold.start = [&](Value channel) {
    return op.getB() ? e.load(e.constant(bias), e.mul(channel, lanes), lanes) : e.number(vector, 0);
  };
  fold.shared = [&](Value channel, Value tap) {
    return Values{e.load(e.constant(weights), e.mul(e.add(e.mul(channel, taps), tap), lanes), lanes)};
  };
  fold.fold = [&](Value sum, Value x, ValueRange shared) -> Value {
    x = isSigned ? arith::ExtSIOp::create(e.b, vector, x).getResult()
                 : arith::ExtUIOp::create(e.b, vector, x).getResult();
    if (zero != 0)
      x = arith::SubIOp::create(e.b, x, e.number(vector, zero));
    return addProductOf16Bits(e, x, shared[0], sum);
  };
  WindowEmitter(e, op, op.getX(), window, fold).emit();
  return success();
}

LogicalResult emitBlockedGlobalAverage(KernelEmitter &e, GlobalAveragePoolOp op) {
  Dims shape = storageShape(rankedType(op.getX()));
  int64_t lanes = shape.back(), pixels = *elementCount(ArrayRef(shape).drop_front(2)) / lanes;
  constexpr int64_t chains = 4; // sums that do not wait for each other
  e.addFlops(static_cast<double>(pixels * shape[0] * shape[1] * lanes));
  e.iterations(shape[0] * shape[1], KernelEmitter::grainFor(static_cast<double>(pixels * lanes)), [&](Value i) {
    auto wide = static_cast<unsigned>(lanes);
    SmallVector<Value> at = e.delinearize(i, {shape[0], shape[1]});
    auto term = [&](Value pixel) { return e.read(op.getX(), Point{at, e.mul(pixel, lanes), wide}); };
    auto plus = [&](Value a, Value b) { return arith::AddFOp::create(e.b, a, b).getResult(); };
    Value zero = e.splat(e.number(e.b.getF32Type(), 0), wide);
    int64_t whole = pixels / chains * chains;
    Values sums = e.loop(e.index(0), e.index(whole), chains, Values(chains, zero), [&](Value p, ValueRange carried) {
      Values next;
      for (int64_t j = 0; j < chains; ++j)
        next.push_back(plus(carried[j], term(e.add(p, e.index(j)))));
      return next;
    });
    Value sum = plus(plus(sums[0], sums[1]), plus(sums[2], sums[3]));
    for (int64_t p = whole; p < pixels; ++p)
      sum = plus(sum, term(e.index(p)));
    Value count = e.splat(e.number(e.b.getF32Type(), static_cast<double>(pixels)), wide);
    e.finish(0, arith::DivFOp::create(e.b, sum, count), Point{at, e.index(0), wide});
  });
  return success();
}

/// Whether a value comes from a ReLU: 0, positive or NaN.
static bool isNeverNegative(Value value) {
  auto result = dyn_cast<OpResult>(value);
  auto kernel = result ? dyn_cast<KernelOp>(result.getOwner()) : KernelOp();
  if (!kernel)
    return false;
  return static_cast<bool>(
      kernel.getBody().front().getTerminator()->getOperand(result.getResultNumber()).getDefiningOp<ReluOp>());
}

LogicalResult emitBlockedPool(KernelEmitter &e, Operation *op) {
  int64_t lanes = e.target.lanes(32);
  Type element = elementTypeOf(op->getOperand(0));
  auto vector = VectorType::get({lanes}, computeType(element));
  auto constant = [&](double value) { return e.number(vector, value); };
  WindowFold fold;
  if (auto pool = dyn_cast<MaxPoolOp>(op)) {
    bool isFloat = isa<FloatType>(element), isUnsigned = element.isUnsignedInteger();
    bool isPositive = isFloat && isNeverNegative(pool.getX());
    Type bits = VectorType::get({lanes}, e.b.getI32Type());
    auto as = [&](Type type, Value value) { return arith::BitcastOp::create(e.b, type, value).getResult(); };
    fold.start = [&](Value) {
      Value start = constant(isFloat ? -std::numeric_limits<double>::infinity() : limitsOf(element).lo);
      return isPositive ? as(bits, start) : start;
    };
    fold.fold = [&](Value sum, Value x, ValueRange) -> Value {
      if (!isFloat)
        return maximum(Element(e.b, e.b.getLoc(), sum, isUnsigned), Element(e.b, e.b.getLoc(), x, isUnsigned));
      // Magnitudes are ordered as integers, NaN above infinity.
      if (isPositive)
        return arith::MaxSIOp::create(e.b, sum, arith::AndIOp::create(e.b, as(bits, x), e.number(bits, 0x7FFFFFFF)));
      // The machine's maximum keeps `sum` where x is NaN.
      Element largest(e.b, e.b.getLoc(), sum), next(e.b, e.b.getLoc(), x);
      return select(isNan(next), next, select(largest < next, next, largest));
    };
    fold.merge = [&, join = fold.fold](Value a, Value b) -> Value {
      return isPositive ? arith::MaxSIOp::create(e.b, a, b).getResult() : join(a, b, {});
    };
    if (isPositive)
      fold.finish = [&](Value sum, Value, Value, int64_t, Value) { return as(vector, sum); };
    FailureOr<Window> window = pool.window();
    if (failed(window))
      return failure();
    WindowEmitter(e, op, pool.getX(), *threeAxes(*window), fold).emit();
    return success();
  }
  auto pool = cast<AveragePoolOp>(op);
  FailureOr<Window> resolved = pool.window();
  if (failed(resolved))
    return failure();
  Window window = *threeAxes(*resolved);
  // The number of elements under the window is a product of one factor per axis.
  SmallVector<Tensor> counts;
  for (const WindowAxis &axis : window) {
    std::vector<double> values = countsOf(axis, pool.getCountIncludePad());
    Tensor table(DType::F32, {static_cast<int64_t>(values.size())});
    storeDoubles(table, values);
    counts.push_back(table);
  }
  fold.start = [&](Value) { return constant(0); };
  fold.fold = [&](Value sum, Value x, ValueRange) -> Value { return arith::AddFOp::create(e.b, sum, x); };
  fold.merge = [&](Value a, Value b) -> Value { return arith::AddFOp::create(e.b, a, b); };
  fold.finish = [&](Value sum, Value plane, Value line, int64_t, Value column) -> Value {
    Value places[] = {plane, line, column}, divisor;
    double whole = 1;
    for (auto [table, place] : llvm::zip_equal(counts, places)) {
      auto values = table.as<float>();
      if (llvm::all_equal(values)) {
        whole *= values[0];
        continue;
      }
      Value count = e.load(e.constant(table), place);
      divisor = divisor ? arith::MulFOp::create(e.b, divisor, count).getResult() : count;
    }
    Value all = e.number(e.b.getF32Type(), whole);
    divisor = divisor ? arith::MulFOp::create(e.b, divisor, all).getResult() : all;
    return arith::DivFOp::create(e.b, sum, e.splat(divisor, static_cast<unsigned>(lanes)));
  };
  WindowEmitter(e, op, pool.getX(), window, fold).emit();
  return success();
}

} // namespace sinter::codegen
