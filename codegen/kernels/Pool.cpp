// Pools as loops. A pool is separable: first the input rows under a window are combined into one row on the
// stack, with neutral elements where padding is, then windows slide along that row; borders need no code of
// their own.
#include "codegen/emit/ReductionLoops.h"
#include "codegen/kernels/Emitters.h"
#include "codegen/kernels/PoolCounts.h"
#include "codegen/kernels/conv/Blocked.h"
#include "ir/ops/MathExpansions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {
namespace {

/// The steps that tell one pool from another: terms are folded with `merge`, and `finish` makes the result of the fold
/// at an output.
struct PoolKind {
  function_ref<Element(Element x)> term;
  ReductionLoops::Merge merge;
  function_ref<Element(Element folded, ArrayRef<Value> index, Value column, unsigned lanes)> finish;
};

/// One pool over a window of any rank; the last axis is the one along which rows and vectors run.
class PoolLoops {
public:
  PoolLoops(KernelEmitter &e, Value x, const Window &window, Element (*neutral)(KernelEmitter &, Value))
      : e(e), x(x), window(window), last(window.back()), neutralOf(neutral) {
    shape = llvm::to_vector(rankedType(x).getShape());
    // A row of outputs is cut so that the inputs under it fit the stack.
    tile = std::min<int64_t>(last.out, std::max<int64_t>(1, (maxRow - last.extent()) / last.stride + 1));
    span = (tile - 1) * last.stride + last.extent();
  }

  void emit(const PoolKind &kind) {
    Dims outer{shape[0], shape[1]};
    int64_t taps = 1;
    for (const WindowAxis &axis : window) {
      if (&axis != &window.back())
        outer.push_back(axis.out);
      taps *= axis.size;
    }
    int64_t tiles = llvm::divideCeil(last.out, tile);
    outer.push_back(tiles);
    auto cost = static_cast<double>(taps * tile);
    e.addFlops(cost * static_cast<double>(*elementCount(outer)));
    e.iterations(*elementCount(outer), KernelEmitter::grainFor(cost), [&](Value iteration) {
      SmallVector<Value> at = e.delinearize(iteration, outer);
      Value firstOutput = e.mul(at.pop_back_val(), tile);
      Buffer row = fillRow(kind, at, firstOutput);
      slide(kind, row, at, firstOutput);
    });
  }

  /// Room on the stack, in elements; wider windows are refused.
  static constexpr int64_t maxRow = 8192;

private:
  Value minimumIndex(Value a, Value b) { return e.b.createOrFold<arith::MinSIOp>(a, b); }
  Value maximumIndex(Value a, Value b) { return e.b.createOrFold<arith::MaxSIOp>(a, b); }
  Value subtract(Value a, Value b) { return e.b.createOrFold<arith::SubIOp>(a, b); }

  /// The input rows under the window folded into one: element p belongs to input position firstOutput*stride
  /// - padBegin + p.
  Buffer fillRow(const PoolKind &kind, ArrayRef<Value> at, Value firstOutput) {
    Element neutral = neutralOf(e, x);
    // Strided vectors read a little beyond the last window.
    Buffer row = e.scratch(neutral.scalarType(), {span + (last.stride + 1) * static_cast<int64_t>(e.lanes())});
    Value zero = e.index(0), shift = e.index(last.padBegin), scaled = e.mul(firstOutput, last.stride);
    // Row elements [from, to) lie inside the input.
    Value from = minimumIndex(maximumIndex(subtract(shift, scaled), zero), e.index(span));
    Value to = maximumIndex(minimumIndex(subtract(e.index(last.in + last.padBegin), scaled), e.index(span)), from);
    auto blank = [&](Value begin, Value end) {
      forNarrowingLanes(e, begin, end, e.lanes(),
                        [&](Value i, unsigned lanes) { e.store(row, i, e.splat(neutral, lanes)); });
    };
    blank(zero, from);
    blank(to, e.index(span));
    // The window's outer axes: kernel positions that lie inside the input.
    SmallVector<std::pair<Value, Value>> taps;
    for (size_t d = 0; d + 1 < window.size(); ++d)
      taps.push_back(tapsInside(window[d], at[2 + d]));
    forNarrowingLanes(e, from, to, e.lanes(), [&](Value i, unsigned lanes) {
      Value column = e.b.createOrFold<arith::SubIOp>(e.add(scaled, i), shift);
      Value folded = foldColumn(kind, neutral, {at[0], at[1]}, at, taps, column, lanes, e.splat(neutral, lanes));
      e.store(row, i, folded);
    });
    return row;
  }

  /// The range of k with 0 <= o*stride - padBegin + k*dilation < in.
  std::pair<Value, Value> tapsInside(const WindowAxis &axis, Value o) {
    int64_t slack = axis.dilation - 1;
    if (axis.padBegin == 0 && axis.position(axis.out - 1, axis.size - 1) < axis.in)
      return {e.index(0), e.index(axis.size)};
    Value start = subtract(e.mul(o, axis.stride), e.index(axis.padBegin));
    Value begin = maximumIndex(subtract(e.index(slack), start), e.index(0));
    Value end = maximumIndex(e.add(subtract(e.index(axis.in + slack), start), e.index(0)), e.index(0));
    if (axis.dilation != 1) {
      begin = e.b.createOrFold<arith::DivUIOp>(begin, e.index(axis.dilation));
      end = e.b.createOrFold<arith::DivUIOp>(end, e.index(axis.dilation));
    }
    end = minimumIndex(end, e.index(axis.size));
    return {begin, end};
  }

  Value foldColumn(const PoolKind &kind, Element neutral, SmallVector<Value> indices, ArrayRef<Value> at,
                   ArrayRef<std::pair<Value, Value>> taps, Value column, unsigned lanes, Value accumulated) {
    size_t d = indices.size() - 2;
    if (d == taps.size()) {
      Element value = neutral.with(e.read(x, Point{indices, column, lanes}));
      return kind.merge(neutral.with(accumulated), kind.term(value));
    }
    const WindowAxis &axis = window[d];
    return e.loop(taps[d].first, taps[d].second, 1, accumulated, [&](Value k, ValueRange carried) {
      SmallVector<Value> next = indices;
      Value position = e.add(e.mul(at[2 + d], axis.stride), e.mul(k, axis.dilation));
      next.push_back(subtract(position, e.index(axis.padBegin)));
      return SmallVector<Value>{foldColumn(kind, neutral, next, at, taps, column, lanes, carried[0])};
    })[0];
  }

  /// Elements at, at + stride, at + 2*stride, ... of the row.
  Value strided(const Buffer &row, Value at, unsigned lanes) {
    if (lanes == 1 || last.stride == 1)
      return e.load(row, at, lanes);
    if (last.stride == 2) {
      Value low = e.load(row, at, lanes), high = e.load(row, e.add(at, e.index(lanes)), lanes);
      SmallVector<int64_t> even;
      for (unsigned i = 0; i < lanes; ++i)
        even.push_back(2 * i);
      return vector::ShuffleOp::create(e.b, low, high, even);
    }
    SmallVector<Value> elements;
    for (unsigned i = 0; i < lanes; ++i)
      elements.push_back(e.load(row, e.add(at, e.index(i * last.stride))));
    return vector::FromElementsOp::create(e.b, VectorType::get({lanes}, elements[0].getType()), elements);
  }

  void slide(const PoolKind &kind, const Buffer &row, ArrayRef<Value> at, Value firstOutput) {
    Value count = e.index(tile);
    if (last.out % tile != 0)
      count = minimumIndex(count, subtract(e.index(last.out), firstOutput));
    forNarrowingLanes(e, e.index(0), count, e.lanes(), [&](Value o, unsigned lanes) {
      Element neutral = neutralOf(e, x);
      Value start = e.mul(o, last.stride), folded;
      constexpr int64_t maxUnrolled = 16;
      if (last.size <= maxUnrolled) {
        folded = strided(row, start, lanes);
        for (int64_t k = 1; k < last.size; ++k)
          folded = kind.merge(neutral.with(folded),
                              neutral.with(strided(row, e.add(start, e.index(k * last.dilation)), lanes)));
      } else {
        folded = e.loop(e.index(0), e.index(last.size), 1, e.splat(neutral, lanes), [&](Value k, ValueRange carried) {
          Value next = strided(row, e.add(start, e.mul(k, last.dilation)), lanes);
          return SmallVector<Value>{kind.merge(neutral.with(carried[0]), neutral.with(next))};
        })[0];
      }
      Value column = e.add(firstOutput, o);
      Element result = kind.finish(neutral.with(folded), at.drop_front(2), column, lanes);
      e.finish(0, result, Point{SmallVector<Value>(at), column, lanes});
    });
  }

  KernelEmitter &e;
  Value x;
  const Window &window;
  const WindowAxis &last;
  Element (*neutralOf)(KernelEmitter &, Value);
  SmallVector<int64_t> shape;
  int64_t tile, span;
};

Element zeroOf(KernelEmitter &e, Value x) { return lowest(e, x).constant(0); }

/// counts[position], `lanes` of them from there on; an immediate where all are the same.
Value divisorAt(KernelEmitter &e, Type compute, ArrayRef<double> counts, Value position, unsigned lanes) {
  if (llvm::all_equal(counts))
    return e.splat(e.number(compute, counts.front()), lanes);
  Tensor table(*toDType(compute), {static_cast<int64_t>(counts.size())});
  storeDoubles(table, counts);
  return e.load(e.constant(table), position, lanes);
}

} // namespace

static Element identity(Element x) { return x; }
static Element plus(Element a, Element b) { return a + b; }

template <typename Op> static std::string checkPool(Operation *op, const Target &) {
  FailureOr<Window> window = cast<Op>(op).window();
  if (failed(window))
    return "its window does not fit its operand";
  if (window->back().extent() > PoolLoops::maxRow / 2 || window->back().stride > PoolLoops::maxRow / 64)
    return "its window is too wide";
  if (layoutOf(op->getOperand(0).getType()) != layoutOf(op->getResult(0).getType()))
    return "it changes the layout";
  return "";
}

/// The reason against pools that add up integers and divide or take a root: the sums would wrap on the way.
template <typename Op> static std::string checkSum(Operation *op, const Target &target) {
  return isa<FloatType>(elementTypeOf(op->getOperand(0))) ? checkPool<Op>(op, target)
                                                          : "it computes a fraction from integers";
}

static std::string checkAverage(Operation *op, const Target &target) {
  std::string reason = checkSum<AveragePoolOp>(op, target);
  return reason.empty() ? checkCounts(cast<AveragePoolOp>(op), *cast<AveragePoolOp>(op).window()) : reason;
}

static LogicalResult emitMaxPool(KernelEmitter &e, Operation *op) {
  if (layoutOf(op->getResult(0).getType()))
    return emitBlockedPool(e, op);
  auto pool = cast<MaxPoolOp>(op);
  Window window = *pool.window();
  auto finish = [](Element folded, ArrayRef<Value>, Value, unsigned) { return folded; };
  PoolLoops(e, pool.getX(), window, lowest).emit({identity, maximum, finish});
  return success();
}

static LogicalResult emitAveragePool(KernelEmitter &e, Operation *op) {
  if (layoutOf(op->getResult(0).getType()))
    return emitBlockedPool(e, op);
  auto pool = cast<AveragePoolOp>(op);
  Window window = *pool.window();
  SmallVector<std::vector<double>> counts;
  for (const WindowAxis &axis : window)
    counts.push_back(countsOf(axis, pool.getCountIncludePad()));
  auto finish = [&](Element sum, ArrayRef<Value> outer, Value column, unsigned lanes) {
    Type compute = sum.scalarType();
    Element divisor = sum.with(divisorAt(e, compute, counts.back(), column, lanes));
    for (size_t d = 0; d < outer.size(); ++d)
      divisor = divisor * sum.with(e.splat(divisorAt(e, compute, counts[d], outer[d], 1), lanes));
    return sum / divisor;
  };
  PoolLoops(e, pool.getX(), window, zeroOf).emit({identity, plus, finish});
  return success();
}

static LogicalResult emitLpPool(KernelEmitter &e, Operation *op) {
  auto pool = cast<LpPoolOp>(op);
  Window window = *pool.window();
  int64_t p = pool.getP();
  auto term = [p](Element x) { return powerTerm(x, p); };
  auto finish = [p](Element sum, ArrayRef<Value>, Value, unsigned) { return powerRoot(sum, p); };
  PoolLoops(e, pool.getX(), window, zeroOf).emit({term, plus, finish});
  return success();
}

//===- Max pool with indices ----------------------------------------------===//

/// One output after another: the running maximum and where it was.
static LogicalResult emitMaxPoolIndices(KernelEmitter &e, Operation *op) {
  auto pool = cast<MaxPoolIndicesOp>(op);
  Value x = pool.getX();
  Window window = *pool.window();
  ArrayRef<int64_t> shape = rankedType(x).getShape(), result = rankedType(pool.getY()).getShape();
  int64_t taps = 1;
  for (const WindowAxis &axis : window)
    taps *= axis.size;
  auto cost = static_cast<double>(taps * 8);
  e.addFlops(static_cast<double>(taps) * static_cast<double>(*elementCount(result)));
  e.iterations(*elementCount(result), KernelEmitter::grainFor(cost), [&](Value iteration) {
    SmallVector<Value> at = e.delinearize(iteration, result);
    Element least = lowest(e, x);
    Type i64 = e.b.getI64Type();
    std::function<SmallVector<Value>(SmallVector<Value>, SmallVector<Value>)> search =
        [&](SmallVector<Value> indices, SmallVector<Value> best) -> SmallVector<Value> {
      size_t d = indices.size() - 2;
      if (d == window.size()) {
        Element value = least.with(e.read(x, indices)), most = least.with(best[0]);
        if (pool.getColumnMajor() && window.size() > 1)
          std::swap(indices[indices.size() - 1], indices[indices.size() - 2]);
        SmallVector<int64_t> order(shape);
        if (pool.getColumnMajor() && window.size() > 1)
          std::swap(order[order.size() - 1], order[order.size() - 2]);
        Value linear = e.index(0);
        for (auto [index, size] : llvm::zip_equal(indices, order))
          linear = e.add(e.mul(linear, size), index);
        Element position(e.b, e.b.getLoc(), arith::IndexCastOp::create(e.b, i64, linear)),
            where = position.with(best[1]);
        Element isBetter = (value > most) | (where == -1.0);
        if (value.isFloat())
          isBetter = (isBetter | isNan(value)) & (most == most);
        return {select(isBetter, value, most), select(isBetter, position, where)};
      }
      const WindowAxis &axis = window[d];
      return e.loop(e.index(0), e.index(axis.size), 1, best, [&](Value k, ValueRange carried) {
        Value position = e.add(e.mul(at[2 + d], axis.stride), e.mul(k, axis.dilation));
        position = e.b.createOrFold<arith::SubIOp>(position, e.index(axis.padBegin));
        // A position before the input is a large unsigned number.
        Value inside = arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, position, e.index(axis.in));
        SmallVector<Value> before(carried), next = indices;
        next.push_back(position);
        return e.choose(inside, [&] { return search(next, before); }, [&] { return before; });
      });
    };
    Value none = e.number(i64, -1);
    SmallVector<Value> best = search({at[0], at[1]}, {least, none});
    Point point{at, {}, 1};
    e.finish(0, best[0], point);
    e.finish(1, best[1], point);
  });
  return success();
}

void registerPoolEmitters(EmitterTable &table) {
  table.add<MaxPoolOp>({checkPool<MaxPoolOp>, emitMaxPool, true});
  table.add<AveragePoolOp>({checkAverage, emitAveragePool, true});
  table.add<LpPoolOp>({checkSum<LpPoolOp>, emitLpPool});
  table.add<MaxPoolIndicesOp>({nullptr, emitMaxPoolIndices});
}

} // namespace sinter::codegen
