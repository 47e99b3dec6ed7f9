// nn.inverse: one matrix an iteration, beside the identity in the rows of a workspace; row operations that make the
// matrix the identity make its inverse of that. nn.mat_mul_n_bits: one row of weights an iteration, which multiplies
// all rows of the other side.
#include "codegen/kernels/LinearAlgebra.h"
#include "codegen/emit/ReductionLoops.h"
#include "codegen/kernels/Emitters.h"
#include "ir/ops/LinearAlgebra.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

namespace {

class Inversion {
public:
  Inversion(KernelEmitter &e, InverseOp op)
      : e(e), x(op.getX()), type(computeType(elementTypeOf(x))), shape(rankedType(x).getShape()), size(shape.back()) {}
  LogicalResult emit();

private:
  /// The place of column `column` of row `row` of the matrix; the columns of the identity follow those of the matrix.
  Value place(Value row, Value column) { return e.add(first, e.add(e.mul(row, 2 * size), column)); }
  Value at(Value row, Value column, unsigned lanes = 1) { return e.load(rows, place(row, column), lanes); }
  void put(Value row, Value column, Value value) { e.store(rows, place(row, column), value); }
  void fill(ArrayRef<Value> matrix);
  Value pivotOf(Value column);
  void exchange(Value k, Value best);
  void eliminate(Value k);
  void give(ArrayRef<Value> matrix);

  KernelEmitter &e;
  Value x;
  Type type;
  ArrayRef<int64_t> shape;
  const int64_t size;
  Buffer rows;
  Value first; ///< where the matrix of this iteration starts in `rows`
};

} // namespace

/// The indices of an element of the matrix.
static SmallVector<Value> indices(ArrayRef<Value> matrix, Value row, Value column) {
  SmallVector<Value> all(matrix);
  all.append({row, column});
  return all;
}

void Inversion::fill(ArrayRef<Value> matrix) {
  e.loop(e.index(0), e.index(size), 1, [&](Value row) {
    e.loop(e.index(0), e.index(size), 1, [&](Value column) {
      put(row, column, e.read(x, indices(matrix, row, column)));
      Value isDiagonal = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, row, column);
      Value one = arith::SelectOp::create(e.b, isDiagonal, e.number(type, 1), e.number(type, 0));
      put(row, e.add(column, e.index(size)), one);
    });
  });
}

/// The row, of those from `column` on, with the largest element there; the first of equal ones.
Value Inversion::pivotOf(Value column) {
  auto sizeAt = [&](Value row) -> Value { return math::AbsFOp::create(e.b, at(row, column)); };
  SmallVector<Value> start = {column, sizeAt(column)};
  return e.loop(e.add(column, e.index(1)), e.index(size), 1, start, [&](Value row, ValueRange best) {
    Value value = sizeAt(row), isLarger = arith::CmpFOp::create(e.b, arith::CmpFPredicate::OGT, value, best[1]);
    return SmallVector<Value>{arith::SelectOp::create(e.b, isLarger, row, best[0]),
                              arith::SelectOp::create(e.b, isLarger, value, best[1])};
  })[0];
}

/// Rows `k` and `best` change places; the new row `k` is divided by its element in column `k`. Columns before that are
/// done.
void Inversion::exchange(Value k, Value best) {
  Value pivot = at(best, k);
  e.forLanes(k, e.index(2 * size), e.lanes(), [&](Value column, unsigned lanes) {
    Value chosen = at(best, column, lanes);
    put(best, column, at(k, column, lanes));
    put(k, column, arith::DivFOp::create(e.b, chosen, lanes == 1 ? pivot : e.splat(pivot, lanes)));
  });
}

/// The other rows lose what makes their column `k` 0.
void Inversion::eliminate(Value k) {
  e.loop(e.index(0), e.index(size), 1, [&](Value row) {
    e.onlyIf(arith::CmpIOp::create(e.b, arith::CmpIPredicate::ne, row, k), [&] {
      Value factor = at(row, k);
      e.forLanes(k, e.index(2 * size), e.lanes(), [&](Value column, unsigned lanes) {
        Value times = arith::MulFOp::create(e.b, lanes == 1 ? factor : e.splat(factor, lanes), at(k, column, lanes));
        put(row, column, arith::SubFOp::create(e.b, at(row, column, lanes), times));
      });
    });
  });
}

void Inversion::give(ArrayRef<Value> matrix) {
  e.loop(e.index(0), e.index(size), 1, [&](Value row) {
    e.loop(e.index(0), e.index(size), 1, [&](Value column) {
      e.finish(0, at(row, e.add(column, e.index(size))), Point{indices(matrix, row, column), {}, 1});
    });
  });
}

LogicalResult Inversion::emit() {
  ArrayRef<int64_t> batch = shape.drop_back(2);
  int64_t matrices = ShapedType::getNumElements(batch);
  double flops = 3.0 * static_cast<double>(size) * static_cast<double>(size) * static_cast<double>(size);
  e.iterations(matrices, KernelEmitter::grainFor(flops), [&](Value matrix) {
    rows = e.workspace(type, {matrices, size, 2 * size});
    first = e.mul(matrix, 2 * size * size);
    SmallVector<Value> place = e.delinearize(matrix, batch);
    fill(place);
    e.loop(e.index(0), e.index(size), 1, [&](Value k) {
      exchange(k, pivotOf(k));
      eliminate(k);
    });
    give(place);
  });
  e.addFlops(flops * static_cast<double>(matrices));
  return success();
}

static std::string checkInversion(Operation *op, const Target &) {
  return rankedType(op->getOperand(0)).getNumElements() == 0 ? "Inverse of nothing" : "";
}

static LogicalResult emitInversion(KernelEmitter &e, Operation *op) { return Inversion(e, cast<InverseOp>(op)).emit(); }

//===- Products with weights of few bits ----------------------------------===//

namespace {

class PackedProduct {
public:
  PackedProduct(KernelEmitter &e, MatMulNBitsOp op)
      : e(e), op(op), type(computeType(elementTypeOf(op.getA()))), depth(static_cast<int64_t>(op.getK())) {}
  LogicalResult emit();

private:
  Value elementAt(Value tensor, Value place) { return e.read(tensor, Point{{}, place, 1}); }
  Value packedAt(Value bytes, Value first, Value i);
  Value groupOf(Value k);
  Value weightAt(Value row, Value k);
  Value dotProduct(Value from, Value row);

  KernelEmitter &e;
  MatMulNBitsOp op;
  Type type;
  const int64_t depth;
  Buffer weights; ///< those of this iteration's row, where scratch memory holds so many
};

} // namespace

/// Number i of those packed from byte `first` on, as a float.
Value PackedProduct::packedAt(Value bytes, Value first, Value i) {
  auto bits = static_cast<int64_t>(op.getBits());
  Value perByte = e.index(8 / bits), byte = e.add(first, arith::DivUIOp::create(e.b, i, perByte));
  Type word = e.b.getI32Type();
  Value shift = arith::IndexCastUIOp::create(e.b, word, e.mul(arith::RemUIOp::create(e.b, i, perByte), bits));
  Value shifted = arith::ShRUIOp::create(e.b, arith::ExtUIOp::create(e.b, word, elementAt(bytes, byte)), shift);
  Value mask = arith::ConstantIntOp::create(e.b, (1 << bits) - 1, 32);
  return arith::UIToFPOp::create(e.b, type, arith::AndIOp::create(e.b, shifted, mask));
}

/// The block whose scale and zero point count for element k of a row.
Value PackedProduct::groupOf(Value k) {
  if (op.getGIdx())
    return arith::IndexCastOp::create(e.b, e.b.getIndexType(), elementAt(op.getGIdx(), k));
  return arith::DivUIOp::create(e.b, k, e.index(static_cast<int64_t>(op.getBlockSize())));
}

Value PackedProduct::weightAt(Value row, Value k) {
  Value group = groupOf(k), place = e.add(e.mul(row, op.blocks()), group), zero;
  if (op.hasPackedZeros())
    zero = packedAt(op.getZeroPoints(), e.mul(row, op.zeroBytes()), group);
  else
    zero = op.getZeroPoints() ? elementAt(op.getZeroPoints(), place) : e.number(type, 1 << (op.getBits() - 1));
  Value packed = packedAt(op.getB(), e.mul(row, op.blocks() * op.blockBytes()), k);
  return arith::MulFOp::create(e.b, arith::SubFOp::create(e.b, packed, zero), elementAt(op.getScales(), place));
}

/// The sum of products of the row of A from element `from` on and the row of weights.
Value PackedProduct::dotProduct(Value from, Value row) {
  unsigned lanes = weights ? e.lanes() : 1;
  int64_t whole = depth / lanes * lanes;
  auto multiply = [&](unsigned count) {
    return [&, count](Value k, ValueRange sum) {
      Value a = e.read(op.getA(), Point{{}, e.add(from, k), count});
      Value w = weights ? e.load(weights, k, count) : weightAt(row, k);
      return SmallVector<Value>{arith::AddFOp::create(e.b, sum[0], arith::MulFOp::create(e.b, a, w))};
    };
  };
  Value sum = e.number(type, 0);
  if (lanes > 1 && whole > 0) {
    Value sums = e.loop(e.index(0), e.index(whole), lanes, ValueRange{e.splat(sum, lanes)}, multiply(lanes))[0];
    sum = mergeLanes(e, Element(e.b, e.b.getLoc(), sums), [](Element a, Element b) { return a + b; });
  }
  return whole == depth && lanes > 1 ? sum
                                     : e.loop(e.index(lanes > 1 ? whole : 0), e.index(depth), 1, sum, multiply(1))[0];
}

LogicalResult PackedProduct::emit() {
  ArrayRef<int64_t> outer = rankedType(op.getY()).getShape().drop_back();
  auto rows = static_cast<int64_t>(op.getN()), places = ShapedType::getNumElements(outer);
  int64_t bytes = depth * type.getIntOrFloatBitWidth() / 8;
  double perRow = static_cast<double>(depth) * (8 + 2 * static_cast<double>(places));
  e.iterations(places == 0 ? 0 : rows, KernelEmitter::grainFor(perRow), [&](Value row) {
    if (bytes <= KernelEmitter::maxScratchBytes) {
      weights = e.scratch(type, {depth});
      e.loop(e.index(0), e.index(depth), 1, [&](Value k) { e.store(weights, k, weightAt(row, k)); });
    }
    e.loop(e.index(0), e.index(places), 1, [&](Value place) {
      Value sum = dotProduct(e.mul(place, depth), row);
      if (op.getBias())
        sum = arith::AddFOp::create(e.b, sum, elementAt(op.getBias(), row));
      SmallVector<Value> at = e.delinearize(place, outer);
      at.push_back(row);
      e.finish(0, sum, Point{at, {}, 1});
    });
  });
  e.addFlops(2.0 * static_cast<double>(rows) * static_cast<double>(depth));
  return success();
}

static std::string checkPackedProduct(Operation *op, const Target &) {
  Value groups = cast<MatMulNBitsOp>(op).getGIdx();
  return groups && !constantTensor(groups) ? "MatMulNBits with a g_idx that the run computes" : "";
}

static LogicalResult emitPackedProduct(KernelEmitter &e, Operation *op) {
  return PackedProduct(e, cast<MatMulNBitsOp>(op)).emit();
}

void registerLinearAlgebraEmitters(EmitterTable &table) {
  table.add<InverseOp>({checkInversion, emitInversion});
  table.add<MatMulNBitsOp>({checkPackedProduct, emitPackedProduct});
}

} // namespace sinter::codegen
