// Softmaxes and norms along one axis as loops: statistics of a line, then a second walk over it.
#include "codegen/emit/ReductionLoops.h"
#include "codegen/kernels/Emitters.h"
#include "ir/ops/MathExpansions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

using Part = ReductionLoops::Part;
using Cell = ReductionLoops::Cell;

static Element plus(Element a, Element b) { return a + b; }

/// Runs `line` for each line along `axis` of x.
static LogicalResult emitLines(KernelEmitter &e, Value x, int64_t axis, double cost,
                               function_ref<void(ReductionLoops &, const Cell &)> line) {
  RankedTensorType type = rankedType(x);
  std::optional<SmallVector<bool>> reduced = reducedAxes({axis}, type.getRank(), false);
  assert(reduced && "shape inference has checked the axis");
  ReductionLoops loops(e, x, type.getShape(), *reduced);
  e.addFlops(cost * static_cast<double>(type.getNumElements()));
  loops.forEachCell(cost, [&](const Cell &cell) { line(loops, cell); });
  return success();
}

static Element maxOf(KernelEmitter &e, ReductionLoops &loops, const Cell &cell, Value x) {
  return loops.fold(cell, lowest(e, x), [](Element a, const Part &part) { return maximum(a, part.value); }, maximum);
}

namespace {
/// Values of a line kept between two walks over it; nothing where the line is too long for the stack.
class KeptLine {
public:
  KeptLine(KernelEmitter &e, const ReductionLoops &loops, const Cell &cell, Type compute) : e(e), lanes(cell.lanes) {
    int64_t count = loops.cellSize() * cell.lanes, bytes = compute.getIntOrFloatBitWidth() / 8;
    // Every width of vector that is emitted keeps its own; together they fit a thread's stack.
    if (count > 0 && count <= KernelEmitter::maxScratchBytes / 8 / bytes)
      buffer = e.scratch(compute, {count});
  }
  explicit operator bool() const { return static_cast<bool>(buffer); }
  void keep(const Part &part, Element value) { e.store(buffer, offset(part), value); }
  Element get(const Part &part) { return part.value.with(e.load(buffer, offset(part), part.point.lanes)); }

private:
  Value offset(const Part &part) { return e.mul(part.position, lanes); }

  KernelEmitter &e;
  int64_t lanes;
  Buffer buffer;
};
} // namespace

//===- Softmaxes ----------------------------------------------------------===//

static LogicalResult emitSoftmax(KernelEmitter &e, Operation *op) {
  auto softmax = cast<SoftmaxOp>(op);
  Value x = softmax.getX();
  return emitLines(e, x, softmax.getAxis(), 24, [&](ReductionLoops &loops, const Cell &cell) {
    Element most = maxOf(e, loops, cell, x), zero = lowest(e, x).constant(0);
    KeptLine line(e, loops, cell, computeType(elementTypeOf(x)));
    auto power = [&](const Part &part) { return expBelowZero(part.value - loops.spread(most, part)); };
    Element sum = loops.fold(
        cell, zero,
        [&](Element a, const Part &part) {
          Element value = power(part);
          if (line)
            line.keep(part, value);
          return a + value;
        },
        plus);
    loops.visit(cell, [&](const Part &part) {
      Element value = line ? line.get(part) : power(part);
      e.finish(0, value / loops.spread(sum, part), part.point);
    });
  });
}

static LogicalResult emitLogSoftmax(KernelEmitter &e, Operation *op) {
  auto softmax = cast<LogSoftmaxOp>(op);
  Value x = softmax.getX();
  return emitLines(e, x, softmax.getAxis(), 24, [&](ReductionLoops &loops, const Cell &cell) {
    Element most = maxOf(e, loops, cell, x), zero = lowest(e, x).constant(0);
    Element sum = loops.fold(
        cell, zero,
        [&](Element a, const Part &part) { return a + expBelowZero(part.value - loops.spread(most, part)); }, plus);
    Element logSum = log(sum);
    loops.visit(cell, [&](const Part &part) {
      e.finish(0, part.value - loops.spread(most, part) - loops.spread(logSum, part), part.point);
    });
  });
}

static LogicalResult emitHardmax(KernelEmitter &e, Operation *op) {
  auto hardmax = cast<HardmaxOp>(op);
  Value x = hardmax.getX();
  return emitLines(e, x, hardmax.getAxis(), 4, [&](ReductionLoops &loops, const Cell &cell) {
    Element most = maxOf(e, loops, cell, x);
    Element first = firstPosition(e, loops, cell, most, /*last=*/false);
    loops.visit(cell, [&](const Part &part) {
      Element isFirst = positionsOf(e, loops, part) == loops.spread(first, part);
      e.finish(0, select(isFirst, part.value.constant(1), part.value.constant(0)), part.point);
    });
  });
}

static LogicalResult emitLpNorm(KernelEmitter &e, Operation *op) {
  auto lp = cast<LpNormOp>(op);
  Value x = lp.getX();
  int64_t p = lp.getP();
  return emitLines(e, x, lp.getAxis(), 4, [&](ReductionLoops &loops, const Cell &cell) {
    Element zero = lowest(e, x).constant(0);
    Element sum =
        loops.fold(cell, zero, [&](Element a, const Part &part) { return a + powerTerm(part.value, p); }, plus);
    Element norm = powerRoot(sum, p);
    loops.visit(cell, [&](const Part &part) {
      Element divisor = loops.spread(norm, part);
      e.finish(0, select(divisor == 0.0, 0.0, part.value / divisor), part.point);
    });
  });
}

void registerSoftmaxEmitters(EmitterTable &table) {
  table.add<SoftmaxOp>({nullptr, emitSoftmax});
  table.add<LogSoftmaxOp>({nullptr, emitLogSoftmax});
  table.add<HardmaxOp>({nullptr, emitHardmax});
  table.add<LpNormOp>({nullptr, emitLpNorm});
}

} // namespace sinter::codegen
