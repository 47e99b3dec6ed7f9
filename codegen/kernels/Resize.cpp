// nn.resize: nearest is a region read through tables; linear and cubic combine rows first, a whole row at a
// time, then the taps along the row.
#include "ir/ops/Resize.h"
#include "codegen/emit/Regions.h"
#include "codegen/kernels/Emitters.h"
#include "ir/Limits.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "runtime/OptionMark.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {
namespace {

using Axes = std::vector<ResizeOp::Axis>;

/// The taps of one dimension with the same number of taps everywhere; what is missing has weight 0 and a
/// valid index.
struct PaddedTaps {
  int64_t count = 1;                 ///< taps per element
  bool hasZeros = false;             ///< weights that must not meet an infinity
  bool hasOutside = false;           ///< elements that are extrapolated
  std::vector<int64_t> index;        ///< [tap][element]
  std::vector<double> weight, empty; ///< [tap][element]; 1 where an element has no taps

  PaddedTaps(const ResizeOp::Taps &taps, int64_t size) : empty(size, 0.0) {
    for (int64_t i = 0; i < size; ++i)
      count = std::max(count, taps.first[i + 1] - taps.first[i]);
    // bounded: limit `table` bounds the size of the axis, its input the taps.
    index.assign(count * size, 0);
    // bounded: the same.
    weight.assign(count * size, 0.0);
    for (int64_t i = 0; i < size; ++i) {
      int64_t own = taps.first[i + 1] - taps.first[i];
      empty[i] = own == 0;
      hasOutside |= own == 0;
      hasZeros |= own < count;
      for (int64_t t = 0; t < own; ++t) {
        index[t * size + i] = taps.index[taps.first[i] + t];
        weight[t * size + i] = taps.weight[taps.first[i] + t];
      }
      for (int64_t t = own; own > 0 && t < count; ++t)
        index[t * size + i] = taps.index[taps.first[i]];
    }
  }
};

class Interpolation {
public:
  Interpolation(KernelEmitter &e, ResizeOp op, const Axes &axes)
      : e(e), op(op), axes(axes), element(elementTypeOf(op.getX())) {
    // Integers interpolate in double, as the reference does, before they truncate.
    real = element.isF64() || isa<IntegerType>(element) ? Type(e.b.getF64Type()) : Type(e.b.getF32Type());
    for (const ResizeOp::Axis &axis : axes) {
      ResizeOp::Taps made = op.makeTaps(axis);
      taps.push_back(made.isIdentity ? std::nullopt : std::optional(PaddedTaps(made, axis.out)));
    }
    for (size_t d = 0; d + 1 < taps.size(); ++d)
      combinations *= taps[d] ? taps[d]->count : 1;
  }

  void emit() {
    Dims rows;
    for (const ResizeOp::Axis &axis : axes)
      rows.push_back(axis.out);
    int64_t width = rows.pop_back_val();
    double work =
        2.0 * static_cast<double>(axes.back().in * combinations + width * (taps.back() ? taps.back()->count : 1));
    e.iterations(*elementCount(rows), KernelEmitter::grainFor(work), [&](Value iteration) {
      SmallVector<Value> outer = e.delinearize(iteration, rows);
      emitRow(outer, width);
    });
  }

private:
  void emitRow(ArrayRef<Value> outer, int64_t width) {
    Value isOutside;
    for (size_t d = 0; d < outer.size(); ++d)
      if (taps[d] && taps[d]->hasOutside) {
        Value flag = e.load(numbers(taps[d]->empty), outer[d]);
        flag = arith::CmpFOp::create(e.b, arith::CmpFPredicate::ONE, flag, e.number(real, 0));
        isOutside = isOutside ? arith::OrIOp::create(e.b, isOutside, flag).getResult() : flag;
      }
    SmallVector<RowTap> rows;
    for (int64_t q = 0; q < combinations; ++q)
      rows.push_back(rowTap(outer, q));
    auto finish = [&](Value i, unsigned lanes, Value value, Value outside) {
      if (isOutside)
        outside = outside ? arith::OrIOp::create(e.b, outside, e.splat(isOutside, lanes)).getResult()
                          : e.splat(isOutside, lanes);
      Value result = narrow(value);
      if (outside)
        result = arith::SelectOp::create(e.b, outside, e.number(result.getType(), fillValue()), result);
      e.finish(0, result, Point{SmallVector<Value>(outer), i, lanes});
    };
    if (!taps.back())
      return e.forLanes(e.index(0), e.index(width), e.lanes(),
                        [&](Value i, unsigned lanes) { finish(i, lanes, combineRows(rows, i, lanes), {}); });

    const PaddedTaps &inner = *taps.back();
    // A single row of the operand is read in place; several are combined once.
    Buffer line;
    if (combinations > 1) {
      line = e.scratch(real, {axes.back().in});
      e.forLanes(e.index(0), e.index(axes.back().in), e.lanes(),
                 [&](Value i, unsigned lanes) { e.store(line, i, combineRows(rows, i, lanes)); });
    }
    Buffer indices = integers(inner.index), weights = numbers(inner.weight);
    e.forLanes(e.index(0), e.index(width), e.lanes(), [&](Value i, unsigned lanes) {
      auto tap = [&](Value t, Value sum) {
        Value place = e.add(e.mul(t, width), i), weight = e.load(weights, place, lanes);
        SmallVector<Value> elements(std::max(lanes, 1u));
        for (unsigned lane = 0; lane < lanes; ++lane) {
          Value at = toIndex(e.load(indices, e.add(place, e.index(lane))));
          elements[lane] = line ? e.load(line, at) : combineRows(rows, at, 1);
        }
        Value element = elements[0];
        if (lanes > 1)
          element = vector::FromElementsOp::create(e.b, VectorType::get({lanes}, real), elements);
        return plus(sum, weight, element, inner.hasZeros);
      };
      Value sum = e.splat(e.number(real, 0), lanes);
      constexpr int64_t unrolled = 8;
      if (inner.count <= unrolled) {
        for (int64_t t = 0; t < inner.count; ++t)
          sum = tap(e.index(t), sum);
      } else {
        sum = e.loop(e.index(0), e.index(inner.count), 1, sum,
                     [&](Value t, ValueRange carried) { return SmallVector<Value>{tap(t, carried[0])}; })[0];
      }
      Value outside;
      if (inner.hasOutside) {
        Value flag = e.load(numbers(inner.empty), i, lanes);
        outside = arith::CmpFOp::create(e.b, arith::CmpFPredicate::ONE, flag, e.number(flag.getType(), 0));
      }
      finish(i, lanes, sum, outside);
    });
  }

  /// One row of the operand: its leading indices, and its weight (null: 1).
  struct RowTap {
    SmallVector<Value> index;
    Value weight;
    bool mayBeZero = false;
  };

  /// Combination number q of the taps of all dimensions but the last.
  RowTap rowTap(ArrayRef<Value> outer, int64_t q) {
    RowTap tap{SmallVector<Value>(outer), {}, false};
    for (size_t d = 0; d < outer.size(); ++d) {
      if (!taps[d])
        continue;
      int64_t t = q % taps[d]->count;
      q /= taps[d]->count;
      Value place = e.add(outer[d], e.index(t * axes[d].out));
      tap.index[d] = toIndex(e.load(integers(taps[d]->index), place));
      Value weight = e.load(numbers(taps[d]->weight), place);
      tap.weight = tap.weight ? arith::MulFOp::create(e.b, tap.weight, weight).getResult() : weight;
      tap.mayBeZero |= taps[d]->hasZeros;
    }
    return tap;
  }

  Value combineRows(ArrayRef<RowTap> rows, Value i, unsigned lanes) {
    Value sum;
    for (const RowTap &row : rows) {
      Value element = widen(e.read(op.getX(), Point{row.index, i, lanes}));
      if (!row.weight)
        return element;
      if (!sum)
        sum = e.splat(e.number(real, 0), lanes);
      sum = plus(sum, e.splat(row.weight, lanes), element, row.mayBeZero);
    }
    return sum;
  }

  /// sum + weight*element; a weight of 0 takes nothing, of an infinity neither.
  Value plus(Value sum, Value weight, Value element, bool mayBeZero) {
    Value product = arith::MulFOp::create(e.b, weight, element);
    if (mayBeZero) {
      Value zero = e.number(weight.getType(), 0);
      Value isZero = arith::CmpFOp::create(e.b, arith::CmpFPredicate::OEQ, weight, zero);
      product = arith::SelectOp::create(e.b, isZero, zero, product);
    }
    return arith::AddFOp::create(e.b, sum, product);
  }

  Type typeLike(Value value, Type scalar) {
    auto vector = dyn_cast<VectorType>(value.getType());
    return vector ? Type(VectorType::get(vector.getShape(), scalar)) : scalar;
  }
  Value widen(Value value) {
    if (!isa<IntegerType>(element))
      return value;
    Type type = typeLike(value, real);
    if (element.isUnsignedInteger())
      return arith::UIToFPOp::create(e.b, type, value);
    return arith::SIToFPOp::create(e.b, type, value);
  }
  /// To the compute type of the result; integers truncate, saturating.
  Value narrow(Value value) {
    auto integer = dyn_cast<IntegerType>(element);
    if (!integer)
      return value;
    bool isUnsigned = integer.isUnsigned();
    unsigned bits = integer.getWidth() - (isUnsigned ? 0 : 1);
    // The largest double below 2^bits, for 64-bit integers smaller than the greatest one.
    double high = std::ldexp(1.0, bits) - (bits > 53 ? std::ldexp(1.0, bits - 53) : 1);
    double low = isUnsigned ? 0 : -std::ldexp(1.0, bits);
    value = arith::MaxNumFOp::create(e.b, value, e.number(value.getType(), low));
    value = arith::MinNumFOp::create(e.b, value, e.number(value.getType(), high));
    Type type = typeLike(value, computeType(element));
    if (isUnsigned)
      return arith::FPToUIOp::create(e.b, type, value);
    return arith::FPToSIOp::create(e.b, type, value);
  }

  /// `extrapolation_value`, as the result's type holds it.
  double fillValue() {
    Tensor tensor(*toDType(element), {});
    storeDoubles(tensor, std::array{static_cast<double>(op.getExtrapolationValue().convertToFloat())});
    return toDoubles(tensor)[0];
  }

  Value toIndex(Value value) { return arith::IndexCastOp::create(e.b, e.b.getIndexType(), value); }
  Buffer integers(const std::vector<int64_t> &values) {
    Tensor tensor(DType::I64, {static_cast<int64_t>(values.size())});
    llvm::copy(values, tensor.as<int64_t>().begin());
    return cached(values.data(), tensor);
  }
  Buffer numbers(const std::vector<double> &values) {
    Tensor tensor(real.isF64() ? DType::F64 : DType::F32, {static_cast<int64_t>(values.size())});
    storeDoubles(tensor, values);
    return cached(values.data(), tensor);
  }
  Buffer cached(const void *key, const Tensor &tensor) {
    auto [it, isNew] = buffers.try_emplace(key);
    if (isNew)
      it->second = e.constant(tensor);
    return it->second;
  }

  KernelEmitter &e;
  ResizeOp op;
  const Axes &axes;
  Type element, real;
  std::vector<std::optional<PaddedTaps>> taps;
  int64_t combinations = 1; ///< rows of the operand that one row of the result needs
  llvm::DenseMap<const void *, Buffer> buffers;
};

} // namespace

static std::string checkResize(Operation *op, const Target &) {
  auto resize = cast<ResizeOp>(op);
  FailureOr<std::optional<Axes>> axes = resize.resolveAxes(constantTensor);
  if (failed(axes) || !*axes)
    return "Resize has scales, sizes or a roi that are computed";
  if (hasLongAxis(op))
    return "Resize along an axis of more than " + std::to_string(limitsOf(op).table) +
           " elements takes a table of as many entries: cut it, or raise the limit (" + optionMark("limit", "table=N") +
           ")";
  if (resize.getMode() == ResizeMode::Nearest || (*axes)->empty())
    return "";
  constexpr int64_t maxRows = 64;
  int64_t rows = 1;
  for (const ResizeOp::Axis &axis : llvm::ArrayRef(**axes).drop_back()) {
    if (axis.out == 0)
      return "";
    ResizeOp::Taps taps = resize.makeTaps(axis);
    rows *= taps.isIdentity ? 1 : PaddedTaps(taps, axis.out).count;
    if (rows > maxRows)
      return "Resize combines more than " + std::to_string(maxRows) + " rows of its operand";
  }
  if (rows > 1 && (*axes)->back().in * 8 > KernelEmitter::maxScratchBytes / 2)
    return "Resize has rows that are too long";
  return "";
}

static LogicalResult emitResize(KernelEmitter &e, Operation *op) {
  auto resize = cast<ResizeOp>(op);
  FailureOr<std::optional<Axes>> axes = resize.resolveAxes(constantTensor);
  if (failed(axes) || !*axes)
    return failure();
  if (rankedType(resize.getY()).getNumElements() == 0)
    return success();
  // A scalar, too, is read as it is.
  if (resize.getMode() == ResizeMode::Nearest || (*axes)->empty()) {
    IndexTables tables = resize.nearestTables(**axes);
    Type type = computeType(elementTypeOf(resize.getX()));
    auto fill = [&] { return e.number(type, resize.getExtrapolationValue().convertToFloat()); };
    emitRegion(e, {resize.getX(), 0, Dims(tables.offsets.size(), 0), Region::placesOf(tables)}, fill);
    return success();
  }
  Interpolation(e, resize, **axes).emit();
  return success();
}

void registerResizeEmitters(EmitterTable &table) { table.add<ResizeOp>({checkResize, emitResize}); }

} // namespace sinter::codegen
