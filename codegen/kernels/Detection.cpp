// nn.non_max_suppression: each class of each image is searched on its own, then what was found is listed in order.
#include "codegen/kernels/Detection.h"
#include "codegen/kernels/Emitters.h"
#include "ir/ops/Detection.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

namespace {

class Suppression {
public:
  Suppression(KernelEmitter &e, NonMaxSuppressionOp op)
      : e(e), op(op), classes(rankedType(op.getScores()).getDimSize(1)),
        count(rankedType(op.getScores()).getDimSize(2)), most(op.maxPerClass()),
        lines(rankedType(op.getScores()).getDimSize(0) * classes) {}
  LogicalResult emit();

private:
  struct Box {
    Value top, left, bottom, right;
  };
  Value f32(double value) { return e.number(e.b.getF32Type(), value); }
  Value minus(Value a, Value b) { return arith::SubFOp::create(e.b, a, b); }
  Value times(Value a, Value b) { return arith::MulFOp::create(e.b, a, b); }
  Value less(Value a, Value b) { return arith::CmpFOp::create(e.b, arith::CmpFPredicate::OLT, a, b); }
  Value both(Value a, Value b) { return arith::AndIOp::create(e.b, a, b); }
  Value toInt(Value index) { return arith::IndexCastOp::create(e.b, e.b.getI64Type(), index); }
  Value toIndex(Value number) { return arith::IndexCastOp::create(e.b, e.b.getIndexType(), number); }
  Box boxAt(Value image, Value i);
  Value area(const Box &box) { return times(minus(box.bottom, box.top), minus(box.right, box.left)); }
  Value overlap(const Box &a, const Box &b);
  void search(Value line);
  void list();

  KernelEmitter &e;
  NonMaxSuppressionOp op;
  const int64_t classes, count, most, lines;
  Buffer left, found, founds; ///< scores that are left; boxes found of each line, and how many
};

} // namespace

Suppression::Box Suppression::boxAt(Value image, Value i) {
  Buffer boxes = e.input(op.getBoxes());
  Value at = e.mul(e.add(e.mul(image, count), i), 4);
  Value v[4];
  for (int64_t k = 0; k < 4; ++k)
    v[k] = e.load(boxes, e.add(at, e.index(k)));
  if (op.getCenter()) {
    Value half = f32(0.5), width = times(v[2], half), height = times(v[3], half);
    auto plus = [&](Value a, Value b) { return arith::AddFOp::create(e.b, a, b); };
    return {minus(v[1], height), minus(v[0], width), plus(v[1], height), plus(v[0], width)};
  }
  auto lower = [&](Value a, Value b) { return arith::MinimumFOp::create(e.b, a, b); };
  auto upper = [&](Value a, Value b) { return arith::MaximumFOp::create(e.b, a, b); };
  return {lower(v[0], v[2]), lower(v[1], v[3]), upper(v[0], v[2]), upper(v[1], v[3])};
}

Value Suppression::overlap(const Box &a, const Box &b) {
  auto span = [&](Value high1, Value high2, Value low1, Value low2) {
    return minus(arith::MinimumFOp::create(e.b, high1, high2), arith::MaximumFOp::create(e.b, low1, low2));
  };
  Value height = span(a.bottom, b.bottom, a.top, b.top), width = span(a.right, b.right, a.left, b.left), zero = f32(0);
  Value shared = times(height, width), first = area(a), second = area(b);
  Value whole = minus(arith::AddFOp::create(e.b, first, second), shared);
  Value ratio = arith::DivFOp::create(e.b, shared, whole);
  Value exceeds = less(f32(op.getIouThreshold().convertToFloat()), ratio);
  return both(both(both(less(zero, height), less(zero, width)), both(less(zero, first), less(zero, second))), exceeds);
}

void Suppression::search(Value line) {
  Value image = arith::DivUIOp::create(e.b, line, e.index(std::max<int64_t>(classes, 1)));
  Value first = e.mul(line, count), zero = e.index(0), end = e.index(count);
  Buffer scores = e.input(op.getScores());
  left = e.workspace(e.b.getF32Type(), {lines, count});
  found = e.workspace(e.b.getI64Type(), {lines, most});
  founds = e.workspace(e.b.getI64Type(), {lines});
  e.loop(zero, end, 1, [&](Value i) { e.store(left, e.add(first, i), e.load(scores, e.add(first, i))); });
  Value dead = f32(-std::numeric_limits<double>::infinity()), least = f32(op.minScore());
  SmallVector<Value> taken = e.loop(zero, e.index(most), 1, zero, [&](Value, ValueRange carried) {
    SmallVector<Value> best = e.loop(zero, end, 1, {least, end}, [&](Value i, ValueRange top) {
      Value score = e.load(left, e.add(first, i)), better = less(top[0], score);
      return SmallVector<Value>{arith::SelectOp::create(e.b, better, score, top[0]),
                                arith::SelectOp::create(e.b, better, i, top[1])};
    });
    Value isFound = arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, best[1], end);
    e.onlyIf(isFound, [&] {
      e.store(found, e.add(e.mul(line, most), carried[0]), toInt(best[1]));
      Box chosen = boxAt(image, best[1]);
      e.loop(zero, end, 1, [&](Value i) {
        Value isSelf = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, i, best[1]);
        Value goes = arith::OrIOp::create(e.b, isSelf, overlap(chosen, boxAt(image, i)));
        Value place = e.add(first, i);
        e.store(left, place, arith::SelectOp::create(e.b, goes, dead, e.load(left, place)));
      });
    });
    Value next = e.add(carried[0], e.index(1));
    return SmallVector<Value>{arith::SelectOp::create(e.b, isFound, next, carried[0])};
  });
  e.store(founds, line, toInt(taken[0]));
}

void Suppression::list() {
  found = e.inThisPhase(found);
  founds = e.inThisPhase(founds);
  Value zero = e.index(0), one = e.index(1);
  auto put = [&](Value row, int64_t column, Value value) {
    e.finish(0, value, Point{{}, e.add(e.mul(row, 3), e.index(column)), 1});
  };
  SmallVector<Value> rows = e.loop(zero, e.index(lines), 1, zero, [&](Value line, ValueRange before) {
    SmallVector<Value> at = e.delinearize(line, {lines / std::max<int64_t>(classes, 1), classes});
    Value here = toIndex(e.load(founds, line));
    SmallVector<Value> after = e.loop(zero, here, 1, before, [&](Value i, ValueRange carried) {
      Value row = carried[0];
      put(row, 0, toInt(at[0]));
      put(row, 1, toInt(at[1]));
      put(row, 2, e.load(found, e.add(e.mul(line, most), i)));
      return SmallVector<Value>{e.add(row, one)};
    });
    return after;
  });
  e.loop(rows[0], e.index(lines * most), 1, [&](Value row) {
    for (int64_t column = 0; column < 3; ++column)
      put(row, column, toInt(zero));
  });
  e.finish(1, toInt(rows[0]), Point{{}, zero, 1});
}

LogicalResult Suppression::emit() {
  e.iterations(lines,
               KernelEmitter::grainFor(static_cast<double>(count) * static_cast<double>(std::max<int64_t>(most, 1))),
               [&](Value line) { search(line); });
  e.iterations(1, 1, [&](Value) { list(); });
  return success();
}

static std::string checkSuppression(Operation *op, const Target &) {
  for (Value operand : op->getOperands())
    if (operand.getDefiningOp() && operand.getDefiningOp()->getParentOp() == op->getParentOp())
      return "NonMaxSuppression reads its operands from memory";
  RankedTensorType scores = rankedType(op->getOperand(1));
  auto suppression = cast<NonMaxSuppressionOp>(op);
  if (scores.getNumElements() == 0 || suppression.maxPerClass() == 0)
    return "NonMaxSuppression of nothing";
  return "";
}

static LogicalResult emitSuppression(KernelEmitter &e, Operation *op) {
  return Suppression(e, cast<NonMaxSuppressionOp>(op)).emit();
}

void registerDetectionEmitters(EmitterTable &table) {
  table.add<NonMaxSuppressionOp>({checkSuppression, emitSuppression});
}

} // namespace sinter::codegen
