// nn.inverse: one matrix an iteration, beside the identity in the rows of a workspace; row operations that make the
// matrix the identity make its inverse of that.
#include "codegen/kernels/LinearAlgebra.h"
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

static std::string refuseInversion(Operation *op, const Target &) {
  return rankedType(op->getOperand(0)).getNumElements() == 0 ? "Inverse of nothing" : "";
}

static LogicalResult emitInversion(KernelEmitter &e, Operation *op) { return Inversion(e, cast<InverseOp>(op)).emit(); }

void registerLinearAlgebraEmitters(EmitterTable &table) { table.add<InverseOp>({refuseInversion, emitInversion}); }

} // namespace sinter::codegen
