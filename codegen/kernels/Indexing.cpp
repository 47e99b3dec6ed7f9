// Gathers, scatters, one_hot and max_unpool. An index outside its dimension ends the run with an error, and is clamped
// (gathers) or skipped (scatters) besides: compiled code never leaves its tensors.
#include "ir/ops/Indexing.h"
#include "codegen/kernels/Emitters.h"
#include "ir/Diagnostics.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

static Value toIndex(KernelEmitter &e, Value value) {
  return arith::IndexCastOp::create(e.b, e.b.getIndexType(), value);
}

static Value isBelow(KernelEmitter &e, Value a, Value b) {
  return arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, a, b);
}

/// The index at a place of `indices`; negative ones count from the end of a dimension of `dim` elements.
static Value wrappedIndex(KernelEmitter &e, Value indices, Value place, int64_t dim) {
  Value i = toIndex(e, e.load(e.input(indices), place)), zero = e.index(0);
  return arith::SelectOp::create(e.b, isBelow(e, i, zero), e.add(i, e.index(dim)), i);
}

static Value isWithin(KernelEmitter &e, Value i, int64_t dim) {
  return arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, i, e.index(dim));
}

/// An index that is no constant is checked in the kernel, unless it may be computed for nothing.
static void rejectUnless(KernelEmitter &e, Value indices, Value isInside) {
  if (indices.getDefiningOp<ConstantOp>() || isSpeculative(e.anchor()))
    return;
  e.rejectIndex(arith::XOrIOp::create(e.b, isInside, arith::ConstantOp::create(e.b, e.b.getBoolAttr(true))));
}

/// The same, within [0, dim).
static Value clampedIndex(KernelEmitter &e, Value indices, Value place, int64_t dim) {
  Value i = wrappedIndex(e, indices, place, dim);
  rejectUnless(e, indices, isWithin(e, i, dim));
  i = arith::MaxSIOp::create(e.b, i, e.index(0));
  return arith::MinSIOp::create(e.b, i, e.index(std::max<int64_t>(dim, 1) - 1));
}

/// Elements [from, from + length) of `source` become those of the anchor's result from `to` on.
static void moveRun(KernelEmitter &e, Value source, Value from, Value to, int64_t length) {
  unsigned lanes = length < e.lanes() ? 1 : e.lanes();
  bool raw = e.isPlain(0);
  Buffer in = e.input(source), out = raw ? e.output(e.outputOf(0)) : Buffer();
  if (raw)
    in.element = out.element = storageType(in.element);
  e.forLanes(e.index(0), e.index(length), lanes, [&](Value i, unsigned n) {
    Value element = e.load(in, e.add(from, i), n), place = e.add(to, i);
    raw ? e.store(out, place, element) : e.finish(0, element, Point{{}, place, n});
  });
}

/// Operands must be in memory; with `plain`, so must the result, as no fused op changes it.
template <bool plain> static std::string checkFused(Operation *op, const Target &) {
  std::string name = operatorName(op);
  for (Value operand : op->getOperands())
    if (operand.getDefiningOp() && operand.getDefiningOp()->getParentOp() == op->getParentOp())
      return name + " reads its operands from memory";
  for (Operation *user : op->getUsers())
    if (plain && (!user->hasTrait<OpTrait::IsTerminator>() || !op->getResult(0).hasOneUse()))
      return name + " writes its result to memory";
  if (op->getNumResults() == 1 && rankedType(op->getResult(0)).getRank() == 0 && !plain)
    for (Operation *user : op->getUsers())
      if (!user->hasTrait<OpTrait::IsTerminator>())
        return name + " makes a scalar that a fused op reads";
  return "";
}

static int64_t productOf(ArrayRef<int64_t> dims) { return *elementCount(dims); }

//===- Gathers ------------------------------------------------------------===//

static LogicalResult emitGather(KernelEmitter &e, Operation *op) {
  auto gather = cast<GatherOp>(op);
  ArrayRef<int64_t> data = rankedType(gather.getData()).getShape();
  int64_t count = rankedType(gather.getIndices()).getNumElements();
  int64_t axis = *normaliseAxis(gather.getAxis(), data.size());
  int64_t outer = productOf(data.take_front(axis)), inner = productOf(data.drop_front(axis + 1));
  int64_t dim = std::max<int64_t>(data[axis], 1);
  int64_t rows = rankedType(gather.getY()).getNumElements() == 0 ? 0 : outer * count;
  e.iterations(rows, KernelEmitter::grainFor(2.0 * inner), [&](Value row) {
    SmallVector<Value> at = e.delinearize(row, {outer, count});
    Value index = clampedIndex(e, gather.getIndices(), at[1], data[axis]);
    moveRun(e, gather.getData(), e.mul(e.add(e.mul(at[0], dim), index), inner), e.mul(row, inner), inner);
  });
  return success();
}

static LogicalResult emitGatherElements(KernelEmitter &e, Operation *op) {
  auto gather = cast<GatherElementsOp>(op);
  ArrayRef<int64_t> data = rankedType(gather.getData()).getShape();
  ArrayRef<int64_t> shape = rankedType(gather.getIndices()).getShape();
  int64_t axis = *normaliseAxis(gather.getAxis(), data.size());
  Dims strides = rowMajorStrides(data);
  e.iterations(productOf(shape), KernelEmitter::grainFor(8), [&](Value place) {
    SmallVector<Value> at = e.delinearize(place, shape);
    at[axis] = clampedIndex(e, gather.getIndices(), place, data[axis]);
    Value from = e.index(0);
    for (auto [i, stride] : llvm::zip_equal(at, strides))
      from = e.add(from, e.mul(i, stride));
    moveRun(e, gather.getData(), from, place, 1);
  });
  return success();
}

/// Where the index tuple number `row` of `indices` points in data of these dimensions.
template <typename IndexOf>
static Value tupleOffset(KernelEmitter &e, Value row, int64_t tuple, ArrayRef<int64_t> dims, ArrayRef<int64_t> strides,
                         IndexOf indexOf) {
  Value from = e.index(0);
  for (int64_t i = 0; i < tuple; ++i)
    from = e.add(from, e.mul(indexOf(e.add(e.mul(row, tuple), e.index(i)), dims[i]), strides[i]));
  return from;
}

static LogicalResult emitGatherND(KernelEmitter &e, Operation *op) {
  auto gather = cast<GatherNDOp>(op);
  ArrayRef<int64_t> data = rankedType(gather.getData()).getShape();
  ArrayRef<int64_t> tuples = rankedType(gather.getIndices()).getShape();
  int64_t batch = gather.getBatchDims(), tuple = tuples.back();
  int64_t inner = productOf(data.drop_front(batch + tuple)), batches = productOf(data.take_front(batch));
  int64_t rows = rankedType(gather.getY()).getNumElements() == 0 ? 0 : productOf(tuples.drop_back());
  Dims strides = rowMajorStrides(data);
  e.iterations(rows, KernelEmitter::grainFor(2.0 * inner + 4.0 * tuple), [&](Value row) {
    Value from =
        tupleOffset(e, row, tuple, data.drop_front(batch), ArrayRef(strides).drop_front(batch),
                    [&](Value place, int64_t dim) { return clampedIndex(e, gather.getIndices(), place, dim); });
    if (batch > 0) {
      Value number = e.delinearize(row, {batches, rows / std::max<int64_t>(batches, 1)})[0];
      from = e.add(from, e.mul(number, strides[batch - 1]));
    }
    moveRun(e, gather.getData(), from, e.mul(row, inner), inner);
  });
  return success();
}

//===- Scatters -----------------------------------------------------------===//

/// A first phase: the result starts as a copy of `data`.
static void copyAll(KernelEmitter &e, Value data) {
  int64_t size = rankedType(data).getNumElements();
  constexpr int64_t chunk = 4096;
  e.range(size, chunk, [&](Value begin, Value end) {
    Buffer in = e.input(data), out = e.output(e.outputOf(0));
    in.element = out.element = storageType(in.element);
    e.forLanes(begin, end, e.lanes(), [&](Value i, unsigned n) { e.store(out, i, e.load(in, i, n)); });
  });
}

/// Compute-type values: an update meets the element that is there.
static Value combine(KernelEmitter &e, ScatterReduction reduction, Type element, Value there, Value update) {
  bool isFloatType = isa<FloatType>(there.getType()), isUnsigned = element.isUnsignedInteger() || element.isInteger(1);
  if (reduction == ScatterReduction::None)
    return update;
  if (reduction == ScatterReduction::Add)
    return isFloatType ? arith::AddFOp::create(e.b, there, update).getResult()
                       : arith::AddIOp::create(e.b, there, update).getResult();
  if (reduction == ScatterReduction::Mul)
    return isFloatType ? arith::MulFOp::create(e.b, there, update).getResult()
                       : arith::MulIOp::create(e.b, there, update).getResult();
  bool isMin = reduction == ScatterReduction::Min;
  if (isFloatType)
    return isMin ? arith::MinimumFOp::create(e.b, there, update).getResult()
                 : arith::MaximumFOp::create(e.b, there, update).getResult();
  if (isUnsigned)
    return isMin ? arith::MinUIOp::create(e.b, there, update).getResult()
                 : arith::MaxUIOp::create(e.b, there, update).getResult();
  return isMin ? arith::MinSIOp::create(e.b, there, update).getResult()
               : arith::MaxSIOp::create(e.b, there, update).getResult();
}

static void updateAt(KernelEmitter &e, ScatterReduction reduction, Value updates, Value from, Value to) {
  Buffer out = e.output(e.outputOf(0));
  Value update = e.load(e.input(updates), from);
  e.store(out, to, combine(e, reduction, out.element, e.load(out, to), update));
}

static LogicalResult emitScatterElements(KernelEmitter &e, Operation *op) {
  auto scatter = cast<ScatterElementsOp>(op);
  ArrayRef<int64_t> data = rankedType(scatter.getData()).getShape();
  ArrayRef<int64_t> shape = rankedType(scatter.getIndices()).getShape();
  int64_t axis = *normaliseAxis(scatter.getAxis(), data.size());
  Dims strides = rowMajorStrides(data);
  copyAll(e, scatter.getData());
  // One iteration: updates of one place keep their order.
  e.iterations(1, 1, [&](Value) {
    e.loop(e.index(0), e.index(productOf(shape)), 1, [&](Value place) {
      SmallVector<Value> at = e.delinearize(place, shape);
      at[axis] = wrappedIndex(e, scatter.getIndices(), place, data[axis]);
      Value to = e.index(0), inside;
      for (auto [i, stride, dim] : llvm::zip_equal(at, strides, data)) {
        to = e.add(to, e.mul(i, stride));
        Value fits = isWithin(e, i, dim);
        inside = inside ? arith::AndIOp::create(e.b, inside, fits).getResult() : fits;
      }
      rejectUnless(e, scatter.getIndices(), inside);
      e.onlyIf(inside, [&] { updateAt(e, scatter.getReduction(), scatter.getUpdates(), place, to); });
    });
  });
  return success();
}

static LogicalResult emitScatterND(KernelEmitter &e, Operation *op) {
  auto scatter = cast<ScatterNDOp>(op);
  ArrayRef<int64_t> data = rankedType(scatter.getData()).getShape();
  ArrayRef<int64_t> tuples = rankedType(scatter.getIndices()).getShape();
  int64_t tuple = tuples.back(), length = productOf(data.drop_front(tuple)), rows = productOf(tuples.drop_back());
  Dims strides = rowMajorStrides(data);
  copyAll(e, scatter.getData());
  e.iterations(1, 1, [&](Value) {
    e.loop(e.index(0), e.index(rows), 1, [&](Value row) {
      Value inside = arith::ConstantOp::create(e.b, e.b.getBoolAttr(true));
      Value to = tupleOffset(e, row, tuple, data, strides, [&](Value place, int64_t dim) {
        Value i = wrappedIndex(e, scatter.getIndices(), place, dim);
        inside = arith::AndIOp::create(e.b, inside, isWithin(e, i, dim));
        return i;
      });
      rejectUnless(e, scatter.getIndices(), inside);
      e.onlyIf(inside, [&] {
        e.loop(e.index(0), e.index(length), 1, [&](Value i) {
          updateAt(e, scatter.getReduction(), scatter.getUpdates(), e.add(e.mul(row, length), i), e.add(to, i));
        });
      });
    });
  });
  return success();
}

static LogicalResult emitMaxUnpool(KernelEmitter &e, Operation *op) {
  auto unpool = cast<MaxUnpoolOp>(op);
  FailureOr<std::optional<Dims>> pooled = unpool.pooledShape();
  if (failed(pooled) || !*pooled || !elementCount(**pooled))
    return op->emitOpError("has an operand of unknown shape");
  ArrayRef<int64_t> result = rankedType(unpool.getY()).getShape();
  Dims strides = rowMajorStrides(result);
  e.range(productOf(result), 4096, [&](Value begin, Value end) {
    Buffer out = e.output(e.outputOf(0));
    Value zero = e.number(computeType(out.element), 0);
    e.forLanes(begin, end, e.lanes(), [&](Value i, unsigned n) { e.store(out, i, e.splat(zero, n)); });
  });
  int64_t positions = productOf(**pooled);
  e.iterations(1, 1, [&](Value) {
    e.loop(e.index(0), e.index(rankedType(unpool.getX()).getNumElements()), 1, [&](Value place) {
      Value flat = toIndex(e, e.load(e.input(unpool.getIndices()), place));
      Value inside = isWithin(e, flat, positions), to = e.index(0);
      for (auto [i, stride, dim] : llvm::zip_equal(e.delinearize(flat, **pooled), strides, result)) {
        to = e.add(to, e.mul(i, stride));
        inside = arith::AndIOp::create(e.b, inside, isWithin(e, i, dim));
      }
      rejectUnless(e, unpool.getIndices(), inside);
      e.onlyIf(inside, [&] { updateAt(e, ScatterReduction::None, unpool.getX(), place, to); });
    });
  });
  return success();
}

//===- nn.one_hot ---------------------------------------------------------===//

static std::string checkOneHot(Operation *op, const Target &target) {
  if (isa<FloatType>(elementTypeOf(cast<OneHotOp>(op).getIndices())))
    return "OneHot has indices that are not integers";
  return checkFused<true>(op, target);
}

static LogicalResult emitOneHot(KernelEmitter &e, Operation *op) {
  auto oneHot = cast<OneHotOp>(op);
  ArrayRef<int64_t> shape = rankedType(oneHot.getY()).getShape();
  int64_t axis = *normaliseAxis(oneHot.getAxis(), shape.size()), depth = shape[axis];
  int64_t outer = productOf(shape.take_front(axis)), inner = productOf(shape.drop_front(axis + 1));
  e.iterations(outer * inner, KernelEmitter::grainFor(2.0 * depth), [&](Value place) {
    SmallVector<Value> at = e.delinearize(place, {outer, inner});
    Value hot = e.load(e.input(oneHot.getIndices()), place);
    // Widened: a depth may be more than the index type can hold.
    if (!hot.getType().isInteger(64)) {
      bool isUnsigned = elementTypeOf(oneHot.getIndices()).isUnsignedInteger();
      hot = isUnsigned ? arith::ExtUIOp::create(e.b, e.b.getI64Type(), hot).getResult()
                       : arith::ExtSIOp::create(e.b, e.b.getI64Type(), hot).getResult();
    }
    hot = toIndex(e, hot);
    hot = arith::SelectOp::create(e.b, isBelow(e, hot, e.index(0)), e.add(hot, e.index(depth)), hot);
    Buffer out = e.output(e.outputOf(0)), values = e.input(oneHot.getValues());
    out.element = values.element = storageType(out.element);
    Value off = e.load(values, e.index(0)), on = e.load(values, e.index(1));
    Value first = e.add(e.mul(at[0], depth * inner), at[1]);
    e.loop(e.index(0), e.index(depth), 1, [&](Value d) {
      Value isHot = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, hot, d);
      e.store(out, e.add(first, e.mul(d, inner)), arith::SelectOp::create(e.b, isHot, on, off));
    });
  });
  return success();
}

void registerIndexingEmitters(EmitterTable &table) {
  table.add<GatherOp>({checkFused<false>, emitGather});
  table.add<GatherElementsOp>({checkFused<false>, emitGatherElements});
  table.add<GatherNDOp>({checkFused<false>, emitGatherND});
  table.add<ScatterElementsOp>({checkFused<true>, emitScatterElements});
  table.add<ScatterNDOp>({checkFused<true>, emitScatterND});
  table.add<MaxUnpoolOp>({checkFused<true>, emitMaxUnpool});
  table.add<OneHotOp>({checkOneHot, emitOneHot});
}

} // namespace sinter::codegen
