// nn.top_k and nn.cum_sum, which go along an axis: each line of the operand is an iteration.
#include "codegen/emit/ReductionLoops.h"
#include "codegen/kernels/Emitters.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

namespace {
/// A shape seen along an axis: lines of `length` elements, `inner` apart.
struct Lines {
  int64_t outer, length, inner;

  Lines(ArrayRef<int64_t> shape, int64_t axis)
      : outer(*elementCount(shape.take_front(axis))), length(shape[axis]),
        inner(*elementCount(shape.drop_front(axis + 1))) {}
  int64_t count() const { return outer * inner; }
  /// An element of a line.
  Point point(KernelEmitter &e, Value line, Value step) const {
    SmallVector<Value> at = e.delinearize(line, {outer, inner});
    Value place = e.add(e.add(e.mul(at[0], length * inner), at[1]), e.mul(step, inner));
    return Point{{}, place, 1};
  }
};
} // namespace

//===- nn.top_k -----------------------------------------------------------===//

namespace {
struct Candidate {
  Element value;
  Value place; ///< along the axis
};

/// The best k of a line so far as a binary heap with the worst on top, in one row of a workspace.
class Heap {
public:
  Heap(KernelEmitter &e, TopKOp op, int64_t lines, int64_t k, Value line)
      : e(e), largest(op.getLargest()), isUnsigned(elementTypeOf(op.getX()).isUnsignedInteger()), k(k),
        row(e.mul(line, k)), values(e.workspace(elementTypeOf(op.getX()), {lines, k})),
        places(e.workspace(e.b.getI64Type(), {lines, k})) {}

  Candidate at(Value slot) const {
    Value i = e.add(row, slot), place = e.load(places, i);
    return {element(e.load(values, i)), arith::IndexCastOp::create(e.b, e.b.getIndexType(), place)};
  }

  void put(Value slot, const Candidate &c) {
    Value i = e.add(row, slot);
    e.store(values, i, c.value);
    e.store(places, i, arith::IndexCastOp::create(e.b, e.b.getI64Type(), c.place));
  }

  /// Whether a comes behind b. Of equal elements the later one does; NaN is the largest.
  Value isWorse(const Candidate &a, const Candidate &b) const {
    auto less = [](Element x, Element y) { return x.isFloat() ? (x < y) | (isNan(y) & ~isNan(x)) : x < y; };
    Element worse = less(a.value, b.value), better = less(b.value, a.value);
    if (!largest)
      std::swap(worse, better);
    Value later = arith::CmpIOp::create(e.b, arith::CmpIPredicate::ugt, a.place, b.place);
    return worse | (~better & worse.with(later));
  }

  /// Puts `c` where it belongs in a heap of `size` whose top is free: worse children move up.
  void sift(Value size, const Candidate &c) {
    Value one = e.index(1);
    auto before = [&](OpBuilder &, Location, ValueRange carried) {
      Value slot = carried[0], left = e.add(e.add(slot, slot), one), right = e.add(left, one);
      Candidate l = at(clamped(left)), r = at(clamped(right));
      Value takeRight = arith::AndIOp::create(e.b, isBelow(right, size), isWorse(r, l));
      auto pick = [&](Value yes, Value no) { return arith::SelectOp::create(e.b, takeRight, yes, no); };
      Candidate child{element(pick(r.value, l.value)), pick(r.place, l.place)};
      Value goesOn = arith::AndIOp::create(e.b, isBelow(left, size), isWorse(child, c));
      scf::ConditionOp::create(e.b, goesOn, ValueRange{slot, pick(right, left), child.value, child.place});
    };
    auto after = [&](OpBuilder &, Location, ValueRange found) {
      put(found[0], {element(found[2]), found[3]});
      scf::YieldOp::create(e.b, found[1]);
    };
    Type index = e.b.getIndexType();
    auto walk = scf::WhileOp::create(e.b, TypeRange{index, index, c.value.type(), index}, ValueRange{e.index(0)},
                                     before, after);
    put(walk.getResult(0), c);
  }

private:
  Element element(Value value) const { return Element(e.b, e.b.getLoc(), value, isUnsigned); }
  Value clamped(Value slot) const { return arith::MinUIOp::create(e.b, slot, e.index(k - 1)); }
  Value isBelow(Value a, Value b) const { return arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, a, b); }

  KernelEmitter &e;
  bool largest, isUnsigned;
  int64_t k;
  Value row;
  Buffer values, places;
};
} // namespace

/// A candidate that is worse than every element of the line: its place is behind all, and its value no better.
static Candidate noCandidate(KernelEmitter &e, TopKOp op, int64_t length) {
  Element value = op.getLargest() ? lowest(e, op.getX()) : highest(e, op.getX());
  if (value.isFloat() && !op.getLargest())
    value = value.constant(std::numeric_limits<double>::quiet_NaN());
  return {value, e.index(length)};
}

/// Keeps the best k in a heap, then takes them off, the worst first.
static LogicalResult emitTopK(KernelEmitter &e, Operation *op) {
  auto top = cast<TopKOp>(op);
  ArrayRef<int64_t> shape = rankedType(top.getX()).getShape();
  int64_t axis = *normaliseAxis(top.getAxis(), shape.size());
  Lines in(shape, axis), out(rankedType(top.getValues()).getShape(), axis);
  int64_t k = out.length;
  double cost = static_cast<double>(in.length) * 2 + static_cast<double>(k) * 16;
  e.iterations(in.count(), KernelEmitter::grainFor(cost), [&](Value line) {
    Heap heap(e, top, in.count(), k, line);
    Value zero = e.index(0), size = e.index(k);
    Candidate none = noCandidate(e, top, in.length);
    e.loop(zero, size, 1, [&](Value slot) { heap.put(slot, none); });
    e.loop(zero, e.index(in.length), 1, [&](Value i) {
      Candidate c{none.value.with(e.read(top.getX(), in.point(e, line, i))), i};
      e.onlyIf(heap.isWorse(heap.at(zero), c), [&] { heap.sift(size, c); });
    });
    e.loop(zero, size, 1, [&](Value i) {
      Value last = arith::SubIOp::create(e.b, e.index(k - 1), i);
      Candidate worst = heap.at(zero), moved = heap.at(last);
      Point point = out.point(e, line, last);
      e.finish(0, worst.value, point);
      e.finish(1, arith::IndexCastOp::create(e.b, e.b.getI64Type(), worst.place), point);
      heap.sift(last, moved);
    });
  });
  return success();
}

//===- nn.cum_sum ---------------------------------------------------------===//

static std::string checkCumSum(Operation *op, const Target &) {
  return constantScalar(cast<CumSumOp>(op).getAxis()) ? "" : "CumSum has an axis that is computed";
}

static LogicalResult emitCumSum(KernelEmitter &e, Operation *op) {
  auto sums = cast<CumSumOp>(op);
  ArrayRef<int64_t> shape = rankedType(sums.getX()).getShape();
  FailureOr<int64_t> axis = resolveAxis(op, constantInts(sums.getAxis())->front(), shape.size());
  if (failed(axis))
    return failure();
  Lines lines(shape, *axis);
  Type type = computeType(elementTypeOf(sums.getX()));
  // Floats accumulate in double, as the reference does.
  Type wide = isa<FloatType>(type) ? Type(e.b.getF64Type()) : type;
  e.iterations(lines.count(), KernelEmitter::grainFor(2.0 * lines.length), [&](Value line) {
    e.loop(e.index(0), e.index(lines.length), 1, e.number(wide, 0), [&](Value i, ValueRange carried) {
      Value step = sums.getReverse() ? arith::SubIOp::create(e.b, e.index(lines.length - 1), i) : i;
      Point point = lines.point(e, line, step);
      Element x(e.b, e.b.getLoc(), e.read(sums.getX(), point)), before = x.with(carried[0]);
      Element sum = before + x.to(wide);
      e.finish(0, (sums.getExclusive() ? before : sum).to(type), point);
      return SmallVector<Value>{sum};
    });
  });
  return success();
}

void registerIndexingOrderEmitters(EmitterTable &table) {
  table.add<TopKOp>({nullptr, emitTopK});
  table.add<CumSumOp>({checkCumSum, emitCumSum});
}

} // namespace sinter::codegen
