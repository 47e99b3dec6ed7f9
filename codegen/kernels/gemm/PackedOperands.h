// Operands of contractions in the order in which the register tile reads them: packed by the compiler where
// they are constants, by a phase of the kernel where they are not.
#pragma once

#include "codegen/kernels/gemm/Contraction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace sinter::codegen {

/// An index that computes in the compiler (int64_t) or builds index arithmetic, so that one formula serves
/// both.
class SymbolicIndex {
public:
  SymbolicIndex(KernelEmitter &e, mlir::Value value) : e(&e), value(value) {}
  friend SymbolicIndex operator+(SymbolicIndex a, SymbolicIndex c) { return {*a.e, a.e->add(a.value, c.value)}; }
  friend SymbolicIndex operator*(SymbolicIndex a, int64_t c) { return {*a.e, a.e->mul(a.value, c)}; }
  friend SymbolicIndex operator/(SymbolicIndex a, int64_t c) {
    return {*a.e, a.e->b.createOrFold<mlir::arith::DivUIOp>(a.value, a.e->index(c))};
  }
  friend SymbolicIndex operator%(SymbolicIndex a, int64_t c) {
    return {*a.e, a.e->b.createOrFold<mlir::arith::RemUIOp>(a.value, a.e->index(c))};
  }
  mlir::Value get() const { return value; }

private:
  KernelEmitter *e;
  mlir::Value value;
};

/// Which element of the operand stands at (batch, row or column, k).
struct OperandIndex {
  std::function<int64_t(int64_t batch, int64_t place, int64_t k)> known;
  std::function<SymbolicIndex(SymbolicIndex batch, SymbolicIndex place, SymbolicIndex k)> symbolic;

  template <typename F> OperandIndex(F f) : known(f), symbolic(f) {}
};

/// Distances, in elements, from one column of an operand B to the next, and from one k to the next.
struct ColumnStrides {
  int64_t column, depth;
};

/// Operand A of `plan` for `batches` of it, packed; call the result in the phase that reads it.
std::function<Buffer()> packedRows(KernelEmitter &e, const ContractionPlan &plan, mlir::Value tensor, int64_t batches,
                                   const OperandIndex &indexOf);

/// A constant operand B of `plan`, packed by the compiler.
std::function<Buffer()> packedColumns(KernelEmitter &e, const ContractionPlan &plan, const Tensor &tensor,
                                      ColumnStrides strides);

} // namespace sinter::codegen
