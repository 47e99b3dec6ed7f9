// First marks the parts of the weights that hold NaN or infinity; then sums the terms that lie inside the input.
#include "codegen/kernels/conv/TransposedTerms.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {
namespace {

/// Weights are looked at in so many parts, which threads share.
constexpr int64_t maxMarks = 64;

class Terms {
public:
  Terms(KernelEmitter &e, ConvTransposeOp op, const Window &window) : e(e), op(op), window(window) {}

  /// The sum of one output element; `at` are its image and channel.
  Value sum(ArrayRef<Value> at, Value pixel) {
    int64_t group = op.getGroup(), inputs = rankedType(op.getX()).getDimSize(1) / group,
            outputs = rankedType(op.getY()).getDimSize(1) / group;
    Dims shape;
    for (const WindowAxis &axis : window)
      shape.push_back(axis.out);
    SmallVector<Value> place = e.delinearize(pixel, shape), channel = e.delinearize(at[1], {group, outputs});
    Value first = e.mul(channel[0], inputs), zero = e.number(computeType(elementTypeOf(op.getX())), 0);
    return e.loop(e.index(0), e.index(inputs), 1, zero, [&](Value i, ValueRange carried) {
      Value input = e.add(first, i);
      return SmallVector<Value>{taps(place, {at[0], input}, {input, channel[1]}, carried[0])};
    })[0];
  }

private:
  /// Adds the terms of one input channel; `x` and `w` are the indices that are settled already.
  Value taps(ArrayRef<Value> place, SmallVector<Value> x, SmallVector<Value> w, Value sum) {
    size_t axis = x.size() - 2;
    if (axis == window.size()) {
      Value product = arith::MulFOp::create(e.b, e.read(op.getX(), x), e.read(op.getW(), w));
      return arith::AddFOp::create(e.b, sum, product);
    }
    const WindowAxis &along = window[axis];
    return e.loop(e.index(0), e.index(along.size), 1, sum, [&](Value k, ValueRange carried) {
      // Input i adds to output i*stride - pad + k*dilation.
      Value reach = e.add(place[axis], e.index(along.padBegin));
      Value distance = arith::SubIOp::create(e.b, reach, e.mul(k, along.dilation));
      Value stride = e.index(along.stride);
      auto compare = [&](arith::CmpIPredicate predicate, Value a, Value b) -> Value {
        return arith::CmpIOp::create(e.b, predicate, a, b);
      };
      Value i = arith::DivUIOp::create(e.b, distance, stride), rest = arith::RemUIOp::create(e.b, distance, stride);
      Value isInside =
          arith::AndIOp::create(e.b, compare(arith::CmpIPredicate::sge, distance, e.index(0)),
                                arith::AndIOp::create(e.b, compare(arith::CmpIPredicate::eq, rest, e.index(0)),
                                                      compare(arith::CmpIPredicate::ult, i, e.index(along.in))));
      SmallVector<Value> nextX(x), nextW(w);
      nextX.push_back(i);
      nextW.push_back(k);
      return e.choose(
          isInside, [&] { return SmallVector<Value>{taps(place, nextX, nextW, carried[0])}; },
          [&] { return SmallVector<Value>{carried[0]}; });
    })[0];
  }

  KernelEmitter &e;
  ConvTransposeOp op;
  const Window &window;
};

} // namespace

Buffer markNonFinite(KernelEmitter &e, Value weights) {
  int64_t size = rankedType(weights).getNumElements(), lanes = e.lanes();
  int64_t each = llvm::alignTo(llvm::divideCeil(size, maxMarks), lanes), parts = llvm::divideCeil(size, each);
  Buffer marks;
  e.iterations(parts, KernelEmitter::grainFor(static_cast<double>(each)), [&](Value part) {
    Type compute = computeType(elementTypeOf(weights));
    marks = e.workspace(compute, {parts});
    Value from = e.mul(part, each);
    Value to = arith::MinSIOp::create(e.b, e.add(from, e.index(each)), e.index(size));
    // w - w is 0, or NaN.
    auto add = [&](Value i, unsigned count, Value sum) {
      Value w = e.read(weights, Point{{}, i, count});
      return SmallVector<Value>{arith::AddFOp::create(e.b, sum, arith::SubFOp::create(e.b, w, w))};
    };
    Value whole = arith::SubIOp::create(e.b, to, from);
    whole = arith::SubIOp::create(e.b, whole, arith::RemUIOp::create(e.b, whole, e.index(lanes)));
    whole = e.add(from, whole);
    Value zero = e.number(compute, 0);
    Value sums = e.loop(from, whole, lanes, e.splat(zero, static_cast<unsigned>(lanes)),
                        [&](Value i, ValueRange sum) { return add(i, static_cast<unsigned>(lanes), sum[0]); })[0];
    if (lanes > 1)
      sums = vector::ReductionOp::create(e.b, vector::CombiningKind::ADD, sums);
    sums = e.loop(whole, to, 1, sums, [&](Value i, ValueRange sum) { return add(i, 1, sum[0]); })[0];
    e.store(marks, part, sums);
  });
  return marks;
}

void emitTransposedTerms(KernelEmitter &e, ConvTransposeOp op, const Window &window, const Buffer &marks,
                         FinishElement finish) {
  ArrayRef<int64_t> y = rankedType(op.getY()).getShape();
  int64_t rows = y[0] * y[1], pixels = rankedType(op.getY()).getNumElements() / std::max<int64_t>(rows, 1), taps = 1;
  for (const WindowAxis &axis : window)
    taps *= axis.size;
  auto work = static_cast<double>(pixels * taps * rankedType(op.getX()).getDimSize(1) / op.getGroup());
  Terms terms(e, op, window);
  e.range(rows, KernelEmitter::grainFor(work), [&](Value begin, Value end) {
    auto all = [&] {
      e.loop(begin, end, 1, [&](Value row) {
        SmallVector<Value> at = e.delinearize(row, {y[0], y[1]});
        e.loop(e.index(0), e.index(pixels), 1, [&](Value pixel) { finish(at, pixel, terms.sum(at, pixel)); });
      });
    };
    if (!marks)
      return all();
    Buffer mine = e.inThisPhase(marks);
    Value zero = e.number(mine.element, 0);
    Value sum = e.loop(e.index(0), e.index(mine.size()), 1, zero, [&](Value part, ValueRange carried) {
      return SmallVector<Value>{arith::AddFOp::create(e.b, carried[0], e.load(mine, part))};
    })[0];
    e.onlyIf(arith::CmpFOp::create(e.b, arith::CmpFPredicate::UNO, sum, sum), all);
  });
}

} // namespace sinter::codegen
