// Panels of convolutions: whole vectors where the pixels lie side by side in the input, masked ones at
// borders and line ends, single pixels for other strides.
#include "codegen/kernels/conv/Im2colPanel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

bool WindowSource::isPointwise() const {
  return llvm::all_of(window, [](const WindowAxis &axis) {
    return axis.size == 1 && axis.stride == 1 && axis.padBegin == 0 && axis.in == axis.out;
  });
}

std::optional<Window> threeAxes(Window window) {
  if (window.size() > 3)
    return std::nullopt;
  while (window.size() < 3)
    window.insert(window.begin(), WindowAxis{.in = 1, .size = 1, .out = 1});
  return window;
}

namespace {

/// Emits one panel. Names: a line is the last spatial axis; `pixel` counts output pixels; `tap` kernel
/// positions.
class PanelFiller {
public:
  PanelFiller(KernelEmitter &e, const WindowSource &source, const PanelRequest &request)
      : e(e), source(source), request(request), input(source.input()), lanes(e.target.lanes(elementBits())),
        channelStride(source.inputPixels()), lineOut(source.window[2].out), lineIn(source.window[2].in),
        vector(VectorType::get({lanes}, request.panel.element)) {
    base = e.mul(request.batch, source.channels * channelStride);
  }

  void fill() {
    int64_t vectors = request.pitch / lanes;
    if (source.isPointwise())
      return fillPointwise(vectors);
    e.loop(e.index(0), e.index(vectors), 1, [&](Value v) {
      Value lane = e.mul(v, lanes);
      Value pixel = e.add(request.first, lane);
      Value line = div(pixel, lineOut), column = rem(pixel, lineOut);
      Value tapFrom = div(request.from, source.channels);
      Value tapTo = div(e.add(request.to, e.index(source.channels - 1)), source.channels);
      e.loop(tapFrom, tapTo, 1, [&](Value tap) {
        Value first = e.mul(tap, source.channels);
        Value from = arith::MaxSIOp::create(e.b, sub(request.from, first), e.index(0));
        Value to = arith::MinSIOp::create(e.b, sub(request.to, first), e.index(source.channels));
        // Where channel 0 of this tap would go.
        Value at = e.add(e.mul(sub(first, request.from), request.pitch), lane);
        SmallVector<Value> kernel =
            e.delinearize(tap, {source.window[0].size, source.window[1].size, source.window[2].size});
        fillVector(pixel, line, column, kernel, {from, to, at});
      });
    });
  }

private:
  struct Channels {
    Value from, to, at;
  };

  unsigned elementBits() const { return request.panel.element.getIntOrFloatBitWidth(); }
  Value sub(Value a, Value c) { return e.b.createOrFold<arith::SubIOp>(a, c); }
  Value div(Value a, int64_t c) { return e.b.createOrFold<arith::DivUIOp>(a, e.index(c)); }
  Value rem(Value a, int64_t c) { return e.b.createOrFold<arith::RemUIOp>(a, e.index(c)); }
  Value compare(arith::CmpIPredicate p, Value a, Value c) { return arith::CmpIOp::create(e.b, p, a, c); }
  Value both(Value a, Value c) { return e.b.createOrFold<arith::AndIOp>(a, c); }
  Value select(Value c, Value a, Value z) { return arith::SelectOp::create(e.b, c, a, z); }
  /// 0 <= a < limit: one unsigned comparison.
  Value within(Value a, int64_t limit) { return compare(arith::CmpIPredicate::ult, a, e.index(limit)); }

  /// Position in the input that output `o` of an axis reads at kernel position `k`, and whether it is inside;
  /// a stride of the transposed window meets only every stride-th output.
  std::pair<Value, Value> position(const WindowAxis &axis, Value o, Value k) {
    if (!source.transposed) {
      Value i = sub(e.add(e.mul(o, axis.stride), e.mul(k, axis.dilation)), e.index(axis.padBegin));
      return {i, within(i, axis.in)};
    }
    Value scaled = sub(e.add(o, e.index(axis.padBegin)), e.mul(k, axis.dilation));
    Value notNegative = compare(arith::CmpIPredicate::sge, scaled, e.index(0));
    Value i = div(scaled, axis.stride);
    Value exact = compare(arith::CmpIPredicate::eq, rem(scaled, axis.stride), e.index(0));
    return {i, both(both(notNegative, exact), within(i, axis.in))};
  }

  Value vectorAt(Value at) { return vector::LoadOp::create(e.b, vector, input.memref, at); }
  void storeAt(Value value, Value at) { vector::StoreOp::create(e.b, value, request.panel.memref, at); }
  Value zero() { return arith::ConstantOp::create(e.b, e.b.getZeroAttr(vector)); }

  /// Offset of the first element of the input line that output line `line` reads, and whether there is one.
  std::pair<Value, Value> inputLine(Value line, ArrayRef<Value> kernel) {
    auto [depth, depthInside] = position(source.window[0], div(line, source.window[1].out), kernel[0]);
    auto [row, rowInside] = position(source.window[1], rem(line, source.window[1].out), kernel[1]);
    Value offset = e.mul(e.add(e.mul(depth, source.window[1].in), row), lineIn);
    return {e.add(base, offset), both(depthInside, rowInside)};
  }

  void fillPointwise(int64_t vectors) {
    int64_t cut = vectors * lanes - request.valid;
    Value start = e.add(base, request.first);
    e.loop(request.from, request.to, 1, [&](Value k) {
      Value from = e.add(start, e.mul(k, channelStride)), to = e.mul(sub(k, request.from), request.pitch);
      for (int64_t v = 0; v < vectors; ++v) {
        Value at = e.add(from, e.index(v * lanes));
        bool last = cut > 0 && v == vectors - 1;
        Value value = last ? masked(at, prefixMask(lanes - cut), zero()) : vectorAt(at);
        storeAt(value, e.add(to, e.index(v * lanes)));
      }
    });
  }

  Value prefixMask(int64_t count) {
    return vector::ConstantMaskOp::create(e.b, VectorType::get({lanes}, e.b.getI1Type()), ArrayRef<int64_t>{count});
  }
  Value masked(Value at, Value mask, Value otherwise) {
    return vector::MaskedLoadOp::create(e.b, vector, input.memref, at, mask, otherwise);
  }

  void fillVector(Value pixel, Value line, Value column, ArrayRef<Value> kernel, const Channels &channels) {
    const WindowAxis &axis = source.window[2];
    int64_t segments = (lanes - 2) / lineOut + 2;
    bool dense = !source.transposed && axis.stride == 1, masks = dense && segments <= 3;
    if (source.transposed || axis.stride > 2 || lineOut < lanes / 2)
      return masks ? fillMasked(line, column, kernel, segments, channels) : fillLanes(pixel, kernel, channels);
    auto [offset, lineInside] = inputLine(line, kernel);
    Value start = position(axis, column, kernel[2]).first;
    Value end = e.add(start, e.index((lanes - 1) * axis.stride));
    // One line, wholly inside the input.
    Value oneLine = compare(arith::CmpIPredicate::sle, column, e.index(lineOut - lanes));
    Value easy = both(both(lineInside, oneLine), both(within(start, lineIn), within(end, lineIn)));
    Value from = e.add(offset, start);
    e.either(
        easy,
        [&] {
          eachChannel(channels, [&](Value source, Value at) {
            Value value = vectorAt(e.add(from, source));
            storeAt(dense ? value : everySecond(value, e.add(e.add(from, source), e.index(lanes - 1))), at);
          });
        },
        [&] {
          if (masks)
            fillMasked(line, column, kernel, segments, channels);
          else
            fillLanes(pixel, kernel, channels);
        });
  }

  void eachChannel(const Channels &channels, function_ref<void(Value source, Value at)> f) {
    e.loop(channels.from, channels.to, 1,
           [&](Value c) { f(e.mul(c, channelStride), e.add(channels.at, e.mul(c, request.pitch))); });
  }

  /// Elements 0, 2, ... of 2*lanes-1 elements: `low` are the first, the rest is loaded so that it ends with
  /// the last one needed.
  Value everySecond(Value low, Value highAt) {
    SmallVector<int64_t> mask;
    for (int64_t l = 0; l < lanes; ++l)
      mask.push_back(2 * l < lanes ? 2 * l : 2 * l + 1);
    return vector::ShuffleOp::create(e.b, low, vectorAt(highAt), mask);
  }

  /// Lanes of several output lines, each a masked load: what a lane does not find in the input is zero.
  void fillMasked(Value line, Value column, ArrayRef<Value> kernel, int64_t segments, const Channels &channels) {
    auto laneType = VectorType::get({lanes}, e.b.getI32Type());
    SmallVector<int32_t> numbers;
    for (int32_t l = 0; l < lanes; ++l)
      numbers.push_back(l);
    Value laneNumbers = arith::ConstantOp::create(e.b, e.b.getI32VectorAttr(numbers));
    auto splat = [&](Value number) {
      Value narrow = arith::IndexCastOp::create(e.b, e.b.getI32Type(), number);
      return vector::BroadcastOp::create(e.b, laneType, narrow).getResult();
    };
    SmallVector<Value> masks, offsets;
    for (int64_t s = 0; s < segments; ++s) {
      Value current = e.add(line, e.index(s));
      auto [offset, inside] = inputLine(current, kernel);
      inside = both(inside, within(current, source.window[0].out * source.window[1].out));
      // Lane l is output column l + shift and reads input column l + start.
      Value shift = sub(column, e.index(s * lineOut));
      Value start = position(source.window[2], shift, kernel[2]).first;
      Value low = arith::MaxSIOp::create(e.b, sub(e.index(0), shift), sub(e.index(0), start));
      Value high = arith::MinSIOp::create(e.b, sub(e.index(lineOut), shift), sub(e.index(lineIn), start));
      // Any bound outside the vector means the same; the clamp keeps 32 bits enough.
      low = arith::MaxSIOp::create(e.b, arith::MinSIOp::create(e.b, low, e.index(lanes)), e.index(0));
      high = arith::MaxSIOp::create(e.b, arith::MinSIOp::create(e.b, high, e.index(lanes)), e.index(0));
      high = select(inside, high, e.index(0));
      Value above = arith::CmpIOp::create(e.b, arith::CmpIPredicate::sge, laneNumbers, splat(low));
      Value below = arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, laneNumbers, splat(high));
      masks.push_back(arith::AndIOp::create(e.b, above, below));
      offsets.push_back(e.add(offset, start));
    }
    eachChannel(channels, [&](Value source, Value at) {
      Value value = zero();
      for (int64_t s = 0; s < segments; ++s)
        value = masked(e.add(offsets[s], source), masks[s], value);
      storeAt(value, at);
    });
  }

  /// Any stride, any window: pixel by pixel.
  void fillLanes(Value pixel, ArrayRef<Value> kernel, const Channels &channels) {
    e.loop(e.index(0), e.index(lanes), 1, [&](Value lane) {
      Value p = e.add(pixel, lane), line = div(p, lineOut);
      auto [offset, lineInside] = inputLine(line, kernel);
      auto [column, columnInside] = position(source.window[2], rem(p, lineOut), kernel[2]);
      Value exists = both(within(p, source.outputPixels()), both(lineInside, columnInside));
      Value from = e.add(offset, column);
      Value none = e.number(request.panel.element, 0);
      e.either(
          exists,
          [&] {
            eachChannel(channels, [&](Value source, Value at) {
              e.store(request.panel, e.add(at, lane), e.load(input, e.add(from, source)));
            });
          },
          [&] { eachChannel(channels, [&](Value, Value at) { e.store(request.panel, e.add(at, lane), none); }); });
    });
  }

  KernelEmitter &e;
  const WindowSource &source;
  const PanelRequest &request;
  Buffer input;
  int64_t lanes, channelStride, lineOut, lineIn;
  VectorType vector;
  Value base;
};

} // namespace

void fillIm2colPanel(KernelEmitter &e, const WindowSource &source, const PanelRequest &request) {
  PanelFiller(e, source, request).fill();
}

} // namespace sinter::codegen
