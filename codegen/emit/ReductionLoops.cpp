// Trailing dimensions that are all reduced, or all kept, are one run; vectors go along it, within cells or across them.
#include "codegen/emit/ReductionLoops.h"
#include "ir/ops/MathExpansions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

ReductionLoops::ReductionLoops(KernelEmitter &e, Value x, ArrayRef<int64_t> shape, ArrayRef<bool> reduced)
    : e(e), x(x), shape(shape), reduced(reduced) {
  assert(shape.size() == reduced.size() && "a reduction covers each dimension or leaves it");
  assert(elementCount(shape) == rankedType(x).getNumElements() && "a shape regroups all elements of the operand");
  split = shape.size();
  // Dimensions of size 1 belong to either side.
  bool decided = false;
  while (split > 0 && (shape[split - 1] == 1 || !decided || reduced[split - 1] == along)) {
    --split;
    if (shape[split] != 1 && !decided)
      decided = true, along = reduced[split];
  }
  for (size_t d = 0; d < shape.size(); ++d) {
    if (d >= split)
      run *= shape[d];
    if (reduced[d])
      size *= shape[d];
  }
  regrouped = ArrayRef<int64_t>(this->shape) != rankedType(x).getShape();
}

/// An element of `tensor`; bool compares as unsigned.
static Element asElement(KernelEmitter &e, Value value, Value tensor) {
  Type type = elementTypeOf(tensor);
  return Element(e.b, e.b.getLoc(), value, type.isUnsignedInteger() || type.isInteger(1));
}

void ReductionLoops::forEachCell(double cost, function_ref<void(const Cell &)> body) {
  Dims kept;
  SmallVector<size_t> dims;
  for (size_t d = 0; d < split; ++d)
    if (!reduced[d] && shape[d] != 1)
      kept.push_back(shape[d]), dims.push_back(d);
  int64_t rows = *elementCount(kept), chunk = 1, chunks = 1;
  if (!along) {
    // Across cells: a chunk of neighbouring ones is an iteration.
    chunk = std::max<int64_t>(1, std::min<int64_t>(run, 8 * e.lanes()));
    chunks = llvm::divideCeil(run, chunk);
  }
  int64_t grain = KernelEmitter::grainFor(cost * static_cast<double>(size) * static_cast<double>(chunk));
  e.iterations(rows * chunks, grain, [&](Value iteration) {
    SmallVector<Value> at = e.delinearize(iteration, {rows, chunks});
    SmallVector<Value> keptIndices = e.delinearize(at[0], kept);
    Cell cell;
    cell.indices.assign(shape.size(), Value());
    for (size_t d = 0; d < split; ++d)
      if (!reduced[d])
        cell.indices[d] = e.index(0);
    for (auto [dim, index] : llvm::zip_equal(dims, keptIndices))
      cell.indices[dim] = index;
    if (along)
      return body(cell);
    Value from = e.mul(at[1], chunk), to = e.add(from, e.index(chunk));
    if (run % chunk != 0)
      to = arith::MinUIOp::create(e.b, to, e.index(run));
    forNarrowingLanes(e, from, to,
                      run < e.lanes() ? llvm::bit_floor(static_cast<unsigned>(std::max<int64_t>(run, 1))) : e.lanes(),
                      [&](Value inner, unsigned lanes) {
                        Cell vectorCell = cell;
                        vectorCell.inner = inner;
                        vectorCell.lanes = lanes;
                        body(vectorCell);
                      });
  });
}

ReductionLoops::Part ReductionLoops::partAt(const Cell &cell, ArrayRef<Value> reducedIndices, Value trailing,
                                            unsigned lanes) const {
  Point point{{}, trailing, lanes};
  Value position = e.index(0), linear = e.index(0);
  size_t next = 0;
  for (size_t d = 0; d < split; ++d) {
    Value index = cell.indices[d];
    if (reduced[d]) {
      index = reducedIndices[next++];
      position = e.add(e.mul(position, shape[d]), index);
    }
    linear = e.add(e.mul(linear, shape[d]), index);
    point.outer.push_back(index);
  }
  if (along)
    position = e.add(e.mul(position, run), trailing);
  if (regrouped) {
    // Only the leading dimensions that both shapes share can stay indices.
    ArrayRef<int64_t> own = rankedType(x).getShape();
    size_t shared = 0;
    while (shared < split && shared < own.size() && own[shared] == shape[shared])
      ++shared;
    Value inner = e.index(0);
    for (size_t d = shared; d < split; ++d)
      inner = e.add(e.mul(inner, shape[d]), point.outer[d]);
    point.outer.resize(shared);
    point.inner = e.add(e.mul(inner, run), trailing);
  }
  Value value = e.read(x, point);
  return {asElement(e, value, x), point, position};
}

nn::Element ReductionLoops::fold(const Cell &cell, Element neutral, Step step, Merge merge) {
  unsigned width = along ? e.lanes() : cell.lanes;
  // Where rows are long, several accumulators hide the latency of an addition and keep sums short.
  unsigned unroll = along && run >= 8 * static_cast<int64_t>(width) ? 4 : 1;
  if (along && run < width)
    width = llvm::bit_floor(static_cast<unsigned>(std::max<int64_t>(run, 1)));
  int64_t vectorEnd = along ? run / (width * unroll) * (width * unroll) : 1;
  int64_t singleEnd = along ? run / width * width : 1;
  auto splat = [&](unsigned lanes) { return e.splat(neutral, lanes); };
  SmallVector<Value> accumulators(unroll, splat(width));
  bool hasTail = along && singleEnd < run && width > 1;
  if (hasTail)
    accumulators.push_back(neutral);

  SmallVector<Value> reducedIndices;
  auto advance = [&](Value trailing, unsigned lanes, Value accumulator) -> Value {
    Part part = partAt(cell, reducedIndices, trailing, lanes);
    return step(neutral.with(accumulator), part);
  };
  auto innermost = [&](SmallVector<Value> acc) -> SmallVector<Value> {
    if (!along) {
      acc[0] = advance(cell.inner, cell.lanes, acc[0]);
      return acc;
    }
    if (vectorEnd > 0) {
      ValueRange head = ValueRange(acc).take_front(unroll);
      auto next = e.loop(e.index(0), e.index(vectorEnd), width * unroll, head, [&](Value i, ValueRange carried) {
        SmallVector<Value> result;
        for (unsigned u = 0; u < unroll; ++u)
          result.push_back(advance(e.add(i, e.index(u * width)), width, carried[u]));
        return result;
      });
      std::copy(next.begin(), next.end(), acc.begin());
    }
    for (int64_t i = vectorEnd; i < singleEnd; i += width)
      acc[0] = advance(e.index(i), width, acc[0]);
    if (hasTail)
      acc.back() = e.loop(e.index(singleEnd), e.index(run), 1, acc.back(), [&](Value i, ValueRange carried) {
        return SmallVector<Value>{advance(i, 1, carried[0])};
      })[0];
    return acc;
  };
  std::function<SmallVector<Value>(size_t, SmallVector<Value>)> nest = [&](size_t d, SmallVector<Value> acc) {
    while (d < split && !reduced[d])
      ++d;
    if (d == split)
      return innermost(acc);
    return e.loop(e.index(0), e.index(shape[d]), 1, acc, [&](Value i, ValueRange carried) {
      reducedIndices.push_back(i);
      SmallVector<Value> result = nest(d + 1, SmallVector<Value>(carried));
      reducedIndices.pop_back();
      return result;
    });
  };
  SmallVector<Value> acc = nest(0, accumulators);
  Element total = neutral.with(acc[0]);
  for (unsigned u = 1; u < unroll; ++u)
    total = merge(total, neutral.with(acc[u]));
  if (!along)
    return total;
  total = mergeLanes(e, total, merge);
  return hasTail ? merge(total, neutral.with(acc.back())) : total;
}

void ReductionLoops::visit(const Cell &cell, function_ref<void(const Part &)> body) {
  SmallVector<Value> reducedIndices;
  std::function<void(size_t)> nest = [&](size_t d) {
    while (d < split && !reduced[d])
      ++d;
    if (d < split)
      return e.loop(e.index(0), e.index(shape[d]), 1, [&](Value i) {
        reducedIndices.push_back(i);
        nest(d + 1);
        reducedIndices.pop_back();
      });
    if (!along)
      return body(partAt(cell, reducedIndices, cell.inner, cell.lanes));
    forNarrowingLanes(e, e.index(0), e.index(run), e.lanes(),
                      [&](Value i, unsigned lanes) { body(partAt(cell, reducedIndices, i, lanes)); });
  };
  nest(0);
}

nn::Element ReductionLoops::spread(Element perCell, const Part &part) const {
  return along ? perCell.with(e.splat(perCell, part.point.lanes)) : perCell;
}

SmallVector<Value> ReductionLoops::indicesOf(const Part &part, unsigned lane) const {
  ArrayRef<int64_t> own = rankedType(x).getShape();
  SmallVector<Value> indices = part.point.outer;
  Value inner = e.add(part.point.inner, e.index(lane));
  llvm::append_range(indices, e.delinearize(inner, own.drop_front(indices.size())));
  return indices;
}

Point ReductionLoops::resultPoint(const Cell &cell, bool keepsReduced) const {
  Point point{{}, {}, cell.lanes};
  for (size_t d = 0; d < shape.size(); ++d) {
    if (reduced[d] && !keepsReduced)
      continue;
    if (reduced[d])
      point.outer.push_back(e.index(0));
    else if (d < split)
      point.outer.push_back(cell.indices[d]);
    else if (along)
      point.outer.push_back(e.index(0)); // a kept dimension of size 1
  }
  if (along)
    return point;
  // Reduced dimensions of size 1 inside the run do not matter to the row-major index.
  size_t leading = 0;
  for (size_t d = 0; d < split; ++d)
    leading += !reduced[d] || keepsReduced;
  point.outer.resize(leading);
  point.inner = cell.inner;
  return point;
}

void forNarrowingLanes(KernelEmitter &e, Value from, Value to, unsigned lanes,
                       function_ref<void(Value, unsigned)> body) {
  std::optional<int64_t> begin = getConstantIntValue(from), end = getConstantIntValue(to);
  if (!begin || !end) {
    // Vectors, half vectors, then single elements: each further width would be another copy of the body.
    if (lanes >= 8) {
      Value width = e.index(lanes);
      Value count = e.b.createOrFold<arith::DivUIOp>(e.b.createOrFold<arith::SubIOp>(to, from), width);
      Value middle = e.add(from, e.mul(count, width));
      e.loop(from, middle, lanes, [&](Value i) { body(i, lanes); });
      return e.forLanes(middle, to, lanes / 4, body);
    }
    return e.forLanes(from, to, lanes, body);
  }
  for (; *begin < *end; lanes /= 2) {
    int64_t stop = *begin + (*end - *begin) / lanes * lanes;
    if (stop == *begin + lanes)
      body(e.index(*begin), lanes);
    else if (stop > *begin)
      e.loop(e.index(*begin), e.index(stop), lanes, [&](Value i) { body(i, lanes); });
    begin = stop;
  }
}

nn::Element mergeLanes(KernelEmitter &e, Element value, ReductionLoops::Merge merge) {
  auto type = dyn_cast<VectorType>(value.type());
  if (!type)
    return value;
  assert(llvm::isPowerOf2_64(static_cast<uint64_t>(type.getNumElements())) && "lanes merge in halves");
  for (int64_t lanes = type.getNumElements(); lanes > 1; lanes /= 2) {
    auto half = [&](int64_t from) {
      return value.with(vector::ExtractStridedSliceOp::create(e.b, value, ArrayRef<int64_t>{from},
                                                              ArrayRef<int64_t>{lanes / 2}, ArrayRef<int64_t>{1}));
    };
    value = merge(half(0), half(lanes / 2));
  }
  return value.with(vector::ExtractOp::create(e.b, value, ArrayRef<int64_t>{0}));
}

// max(a, b) = a where a >= b, and where a is NaN; then b, a NaN included.
nn::Element maximum(Element a, Element b) {
  return a.isFloat() ? select(isNan(b), b, select(b > a, b, a)) : select(b > a, b, a);
}
nn::Element minimum(Element a, Element b) {
  return a.isFloat() ? select(isNan(b), b, select(b < a, b, a)) : select(b < a, b, a);
}

/// -inf or the least integer (+inf or the greatest).
static Element extreme(KernelEmitter &e, Value tensor, bool least) {
  Type element = elementTypeOf(tensor), compute = computeType(element);
  TypedAttr value;
  if (auto type = dyn_cast<FloatType>(compute)) {
    value = FloatAttr::get(type, APFloat::getInf(type.getFloatSemantics(), least));
  } else {
    unsigned width = compute.getIntOrFloatBitWidth();
    bool isUnsigned = element.isUnsignedInteger() || element.isInteger(1);
    value = IntegerAttr::get(compute,
                             isUnsigned ? (least ? APInt::getMinValue(width) : APInt::getMaxValue(width))
                                        : (least ? APInt::getSignedMinValue(width) : APInt::getSignedMaxValue(width)));
  }
  return asElement(e, arith::ConstantOp::create(e.b, value), tensor);
}

nn::Element lowest(KernelEmitter &e, Value tensor) { return extreme(e, tensor, true); }
nn::Element highest(KernelEmitter &e, Value tensor) { return extreme(e, tensor, false); }

/// x^n by repeated squaring.
static Element integerPower(Element x, int64_t n) {
  Element result = x, square = x;
  bool isFirst = true;
  for (; n > 0; n /= 2, square = square * square)
    if (n % 2 == 1) {
      result = isFirst ? square : result * square;
      isFirst = false;
    }
  return result;
}

nn::Element powerRoot(Element sum, int64_t p) {
  if (p == 1)
    return sum;
  return p == 2 ? sqrt(sum) : pow(sum, sum.constant(1.0 / static_cast<double>(p)));
}

nn::Element powerTerm(Element x, int64_t p) { return p == 2 ? x * x : p == 1 ? abs(x) : integerPower(abs(x), p); }

nn::Element positionsOf(KernelEmitter &e, const ReductionLoops &loops, const ReductionLoops::Part &part) {
  unsigned lanes = part.point.lanes;
  Value first = arith::IndexCastOp::create(e.b, e.b.getI64Type(), part.position);
  Value positions = e.splat(first, lanes);
  if (loops.runsAlong() && lanes > 1) {
    SmallVector<int64_t> numbers = llvm::to_vector(llvm::seq<int64_t>(lanes));
    auto type = VectorType::get({lanes}, e.b.getI64Type());
    Value steps = arith::ConstantOp::create(e.b, DenseElementsAttr::get(type, ArrayRef(numbers)));
    positions = arith::AddIOp::create(e.b, positions, steps);
  }
  return Element(e.b, e.b.getLoc(), positions);
}

nn::Element firstPosition(KernelEmitter &e, ReductionLoops &loops, const ReductionLoops::Cell &cell, Element value,
                          bool last) {
  Element none(e.b, e.b.getLoc(), e.number(e.b.getI64Type(), last ? -1.0 : static_cast<double>(loops.cellSize())));
  auto closer = [last](Element a, Element b) { return last ? select(a < b, b, a) : select(b < a, b, a); };
  return loops.fold(
      cell, none,
      [&](Element found, const ReductionLoops::Part &part) {
        Element target = loops.spread(value, part), isEqual = part.value == target;
        if (part.value.isFloat())
          isEqual = isEqual | (isNan(part.value) & isNan(target));
        return select(isEqual, closer(found, positionsOf(e, loops, part)), found);
      },
      closer);
}

} // namespace sinter::codegen
