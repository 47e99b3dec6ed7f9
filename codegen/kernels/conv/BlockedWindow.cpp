// Depthwise convolutions and pools in NCHWc: the fold of each under its window (WindowLoops.h).
#include "codegen/emit/ReductionLoops.h"
#include "codegen/kernels/PoolCounts.h"
#include "codegen/kernels/conv/Blocked.h"
#include "codegen/kernels/conv/Im2colPanel.h"
#include "codegen/kernels/conv/WindowLoops.h"
#include "ir/ops/Element.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {
namespace {

using Values = SmallVector<Value>;

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

/// The fold of a convolution whose groups lie inside blocks.
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

/// An element of `from` after the ops between `from` and `to` (ir/analysis/DepthwiseFeed.h).
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
  WindowLoops(e, op, op.getX(), window, foldOf(e, op, window)).emit();
  return success();
}

void emitDepthwiseLines(KernelEmitter &e, ConvOp op, Value value, Value image, Value channel, Value from, Value to,
                        const Buffer &buffer, Value at) {
  Window window = *threeAxes(*op.window());
  WindowLoops loops(e, op, op.getX(), window, foldOf(e, op, window));
  int64_t length = window[2].out * e.target.lanes(32);
  e.loop(from, to, 1, [&](Value line) {
    // Points count the elements of the plane.
    Value shift = e.b.createOrFold<arith::SubIOp>(at, e.mul(from, length));
    loops.emitLine(image, channel, line, [&](Value elements, const Point &point) {
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
  WindowLoops(e, op, op.getX(), window, fold).emit();
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
    WindowLoops(e, op, pool.getX(), *threeAxes(*window), fold).emit();
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
  WindowLoops(e, op, pool.getX(), window, fold).emit();
  return success();
}

} // namespace sinter::codegen
