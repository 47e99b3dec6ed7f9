// Depthwise and similar convolutions. The padded buffer holds, line by line, the input columns sorted by
// their remainder modulo the stride, so that vectors of output pixels always read vectors of neighbours.
#include "codegen/kernels/conv/DirectConvolution.h"
#include "codegen/emit/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

int64_t DirectConvolution::phaseColumns(int64_t lanes) const {
  const WindowAxis &axis = window[2];
  int64_t outputs = llvm::divideCeilSigned(axis.out, lanes) * lanes;
  return llvm::divideCeilSigned(((axis.size - 1) * axis.dilation) / axis.stride + 1 + outputs, lanes) * lanes;
}

int64_t DirectConvolution::bufferLines(int64_t lines) const {
  return inputs * window[0].size * ((lines - 1) * window[1].stride + window[1].extent());
}

static constexpr int64_t bufferBytes = 64 << 10, maxBufferBytes = 256 << 10;

int64_t DirectConvolution::linesAtOnce(const Target &target, Type compute) const {
  int64_t bytes = compute.getIntOrFloatBitWidth() / 8, lanes = target.lanes(static_cast<unsigned>(bytes * 8));
  int64_t lines = 1, most = std::max<int64_t>(window[1].out, 1);
  while (lines < most && bufferLines(lines + 1) * lineElements(lanes) * bytes <= bufferBytes)
    ++lines;
  return evenPart(most, lines);
}

bool DirectConvolution::suits(const Target &target, Type compute) const {
  int64_t bytes = compute.getIntOrFloatBitWidth() / 8, lanes = target.lanes(static_cast<unsigned>(bytes * 8));
  if (groups < 2 || outputs > 3 || inputs > 4 || window[2].stride > 8 ||
      llvm::any_of(window, [](const WindowAxis &axis) {
        return axis.size == 0 || axis.size > 64 || axis.dilation > 1024 || axis.stride > 1024 || axis.out > (1 << 20);
      }))
    return false;
  return bufferLines(1) * lineElements(lanes) * bytes <= maxBufferBytes;
}

namespace {

class DirectEmitter {
public:
  using Finish = function_ref<void(ValueRange, Value, Value, unsigned)>;

  DirectEmitter(KernelEmitter &e, const DirectConvolution &plan, const Buffer &input, const Buffer &weights,
                Finish finish)
      : e(e), plan(plan), window(plan.window), input(input), weights(weights), finish(finish), compute(input.element),
        lanes(e.target.lanes(compute.getIntOrFloatBitWidth())), vector(VectorType::get({lanes}, compute)),
        lines(plan.linesAtOnce(e.target, compute)), columns(plan.phaseColumns(lanes)),
        lineElements(plan.lineElements(lanes)), bufferRows((lines - 1) * window[1].stride + window[1].extent()) {
    buffer = e.scratch(compute, {plan.bufferLines(lines) * lineElements});
  }

  int64_t lineBlocks() const { return llvm::divideCeilSigned(window[1].out, lines); }

  /// One output channel, one output plane, one block of lines.
  void emit(ValueRange at) {
    Value image = at[0], channel = at[1], plane = at[2], firstLine = e.mul(at[3], lines);
    Value group = e.b.createOrFold<arith::DivUIOp>(channel, e.index(plan.outputs));
    Value firstInput = e.mul(e.add(e.mul(image, plan.groups), group), plan.inputs);
    fillBuffer(firstInput, plane, firstLine);

    Value left = arith::SubIOp::create(e.b, e.index(window[1].out), firstLine);
    Value count = arith::MinSIOp::create(e.b, left, e.index(lines));
    // Output pixel of the block's first line; a block is contiguous in the output.
    Value firstPixel = e.mul(e.add(e.mul(plane, window[1].out), firstLine), window[2].out);
    int64_t width = window[2].out, vectors = llvm::divideCeilSigned(width, lanes);
    bool whole = width % lanes == 0;
    Buffer result;
    if (!whole)
      result = e.scratch(compute, {lines * width + lanes});
    SmallVector<Value> where{image, channel};
    e.loop(e.index(0), count, 1, [&](Value line) {
      auto strip = [&](Value from, int64_t wide) {
        SmallVector<Value> sums = accumulate(channel, line, from, wide);
        for (auto [j, sum] : llvm::enumerate(sums)) {
          Value pixel = e.add(e.mul(line, width), e.add(from, e.index(static_cast<int64_t>(j) * lanes)));
          // Lanes beyond the line are overwritten by the next one.
          if (whole)
            finish(where, e.add(firstPixel, pixel), sum, static_cast<unsigned>(lanes));
          else
            vector::StoreOp::create(e.b, sum, result.memref, pixel);
        }
      };
      constexpr int64_t most = 4;
      int64_t strips = vectors / most;
      if (strips > 0)
        e.loop(e.index(0), e.index(strips * most * lanes), most * lanes, [&](Value from) { strip(from, most); });
      if (vectors % most)
        strip(e.index(strips * most * lanes), vectors % most);
    });
    if (whole)
      return;
    e.forLanes(e.index(0), e.mul(count, width), static_cast<unsigned>(lanes), [&](Value pixel, unsigned width) {
      finish(where, e.add(firstPixel, pixel), e.load(result, pixel, width), width);
    });
  }

private:
  Value within(Value a, int64_t limit) {
    return arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, a, e.index(limit));
  }

  void fillBuffer(Value firstInput, Value plane, Value firstLine) {
    const WindowAxis &depth = window[0], &row = window[1];
    e.loop(e.index(0), e.index(plan.inputs * depth.size * bufferRows), 1, [&](Value number) {
      SmallVector<Value> at = e.delinearize(number, {plan.inputs, depth.size, bufferRows});
      Value d = arith::SubIOp::create(e.b, e.add(e.mul(plane, depth.stride), e.mul(at[1], depth.dilation)),
                                      e.index(depth.padBegin));
      Value r = arith::SubIOp::create(e.b, e.add(e.mul(firstLine, row.stride), at[2]), e.index(row.padBegin));
      Value inside = arith::AndIOp::create(e.b, within(d, depth.in), within(r, row.in));
      Value channel = e.add(firstInput, at[0]);
      Value from = e.mul(e.add(e.mul(e.add(e.mul(channel, depth.in), d), row.in), r), window[2].in);
      Value to = e.mul(number, lineElements);
      e.either(
          inside,
          [&] {
            for (int64_t phase = 0; phase < window[2].stride; ++phase)
              copyPhase(from, e.add(to, e.index(phase * columns)), phase);
          },
          [&] {
            Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(vector));
            e.loop(e.index(0), e.index(lineElements), lanes,
                   [&](Value i) { vector::StoreOp::create(e.b, zero, buffer.memref, e.add(to, i)); });
          });
    });
  }

  /// buffer[to + q] = input[from + q*stride + phase - pad] where that is in the line, else 0.
  void copyPhase(Value from, Value to, int64_t phase) {
    const WindowAxis &axis = window[2];
    int64_t stride = axis.stride, shift = phase - axis.padBegin;
    auto isFull = [&](int64_t q) {
      int64_t first = q * stride + shift, last = first + (lanes - 1) * stride;
      return first >= 0 && last < axis.in;
    };
    for (int64_t q = 0; q < columns;) {
      int64_t end = q;
      while (end < columns && isFull(end))
        end += lanes;
      if (end - q > 2 * lanes) {
        e.loop(e.index(q), e.index(end), lanes, [&](Value i) {
          Value at = e.add(from, e.add(e.mul(i, stride), e.index(shift)));
          storeVector(fullVector(at, stride), e.add(to, i));
        });
        q = end;
        continue;
      }
      Value at = e.add(from, e.index(q * stride + shift));
      storeVector(isFull(q) ? fullVector(at, stride) : cutVector(from, q * stride + shift), e.add(to, e.index(q)));
      q += lanes;
    }
  }

  void storeVector(Value value, Value at) { vector::StoreOp::create(e.b, value, buffer.memref, at); }

  Value fullVector(Value at, int64_t stride) {
    if (stride == 1)
      return e.load(input, at, static_cast<unsigned>(lanes));
    if (stride == 2) {
      // The second vector ends with the last element needed: nothing beyond it is read.
      SmallVector<int64_t> order;
      for (int64_t l = 0; l < lanes; ++l)
        order.push_back(2 * l < lanes ? 2 * l : 2 * l + 1);
      Value low = e.load(input, at, static_cast<unsigned>(lanes));
      Value high = e.load(input, e.add(at, e.index(lanes - 1)), static_cast<unsigned>(lanes));
      return vector::ShuffleOp::create(e.b, low, high, order);
    }
    Value result = arith::ConstantOp::create(e.b, e.b.getZeroAttr(vector));
    for (int64_t l = 0; l < lanes; ++l)
      result = vector::InsertOp::create(e.b, e.load(input, e.add(at, e.index(l * stride))), result, l);
    return result;
  }

  /// A vector at a border: lane l is element `first` + l*stride of the line at `from`, or 0 outside the line.
  Value cutVector(Value from, int64_t first) {
    int64_t stride = window[2].stride, size = window[2].in;
    Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(vector));
    SmallVector<bool> present;
    for (int64_t l = 0; l < lanes; ++l)
      present.push_back(first + l * stride >= 0 && first + l * stride < size);
    if (!llvm::is_contained(present, true))
      return zero;
    if (stride == 1) {
      auto maskType = VectorType::get({lanes}, e.b.getI1Type());
      Value mask = arith::ConstantOp::create(e.b, DenseElementsAttr::get(maskType, present));
      return vector::MaskedLoadOp::create(e.b, vector, input.memref, e.add(from, e.index(first)), mask, zero);
    }
    Value result = zero;
    for (int64_t l = 0; l < lanes; ++l)
      if (present[l])
        result = vector::InsertOp::create(e.b, e.load(input, e.add(from, e.index(first + l * stride))), result, l);
    return result;
  }

  /// Sums of `wide` vectors of output pixels of a line, from column `from` on.
  SmallVector<Value> accumulate(Value channel, Value line, Value from, int64_t wide) {
    const WindowAxis &row = window[1], &column = window[2];
    int64_t taps = row.size * column.size, planes = plan.inputs * window[0].size;
    Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(vector));
    Value weightBase = e.mul(channel, planes * taps);
    Value lineBase = e.add(e.mul(line, row.stride * lineElements), from);
    // Lines of the kernel in a loop, unless the kernel is small enough to lie open.
    auto addTaps = [&](Value plane, Value kernelRow, SmallVector<Value> sums) {
      Value lineAt = e.add(e.mul(plane, bufferRows), e.mul(kernelRow, row.dilation));
      Value at = e.add(lineBase, e.mul(lineAt, lineElements));
      Value weightAt = e.add(weightBase, e.add(e.mul(plane, taps), e.mul(kernelRow, column.size)));
      for (int64_t k = 0; k < column.size; ++k) {
        int64_t offset = k * column.dilation;
        Value weight = e.splat(e.load(weights, e.add(weightAt, e.index(k))), static_cast<unsigned>(lanes));
        Value base = e.add(at, e.index(offset % column.stride * columns + offset / column.stride));
        for (int64_t j = 0; j < wide; ++j) {
          Value x = vector::LoadOp::create(e.b, vector, buffer.memref, e.add(base, e.index(j * lanes)));
          sums[j] = vector::FMAOp::create(e.b, x, weight, sums[j]);
        }
      }
      return sums;
    };
    SmallVector<Value> sums(wide, zero);
    if (planes * taps <= 25) {
      for (int64_t plane = 0; plane < planes; ++plane)
        for (int64_t k = 0; k < row.size; ++k)
          sums = addTaps(e.index(plane), e.index(k), sums);
      return sums;
    }
    return e.loop(e.index(0), e.index(planes * row.size), 1, sums, [&](Value i, ValueRange carried) {
      SmallVector<Value> at = e.delinearize(i, {planes, row.size});
      return addTaps(at[0], at[1], SmallVector<Value>(carried));
    });
  }

  KernelEmitter &e;
  const DirectConvolution &plan;
  const Window &window;
  Buffer input, weights, buffer;
  Finish finish;
  Type compute;
  int64_t lanes;
  VectorType vector;
  int64_t lines, columns, lineElements, bufferRows;
};

} // namespace

void emitDirectConvolution(KernelEmitter &e, const DirectConvolution &plan, Type compute,
                           const std::function<Buffer()> &input, const std::function<Buffer()> &weights,
                           function_ref<void(ValueRange, Value, Value, unsigned)> finish) {
  const Window &window = plan.window;
  int64_t channels = plan.groups * plan.outputs, planes = plan.inputs * window[0].size;
  double flops = 2.0 * static_cast<double>(planes * window[1].size * window[2].size);
  double perChannel = flops * static_cast<double>(window[1].out * window[2].out);
  if (plan.images * channels * window[0].out * window[1].out * window[2].out == 0)
    return;
  int64_t blocks = llvm::divideCeilSigned(window[1].out, plan.linesAtOnce(e.target, compute));
  e.iterations(plan.images * channels * window[0].out * blocks,
               KernelEmitter::grainFor(2 * perChannel / static_cast<double>(blocks)), [&](Value iteration) {
                 SmallVector<Value> at = e.delinearize(iteration, {plan.images, channels, window[0].out, blocks});
                 DirectEmitter(e, plan, input(), weights(), finish).emit(at);
               });
}

} // namespace sinter::codegen
