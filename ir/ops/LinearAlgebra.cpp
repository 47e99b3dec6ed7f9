// Ops of linear algebra: shape, reference, range.
#include "ir/ops/LinearAlgebra.h"
#include "ir/RangeRules.h"
#include "ir/Reference.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/LinearAlgebra.cpp.inc"

//===- nn.inverse --------------------------------------------------------===//

LogicalResult InverseOp::inferShapes(SmallVectorImpl<Type> &types) {
  if (RankedTensorType type = rankedType(getX())) {
    ArrayRef<int64_t> shape = type.getShape();
    if (shape.size() < 2)
      return emitOpError("needs matrices, not ") << type;
    int64_t rows = shape[shape.size() - 2], columns = shape.back();
    if (!ShapedType::isDynamic(rows) && !ShapedType::isDynamic(columns) && rows != columns)
      return emitOpError("needs square matrices, not ") << type;
  }
  types.push_back(getX().getType());
  return success();
}

/// Row-major n by n, in place of which its inverse stands.
static void invert(MutableArrayRef<double> a, size_t n) {
  // bounded: elements of the operand.
  std::vector<double> b(n * n); // what the row operations make of the identity
  for (size_t i = 0; i < n; ++i)
    b[i * n + i] = 1;
  for (size_t k = 0; k < n; ++k) {
    size_t best = k;
    for (size_t i = k + 1; i < n; ++i)
      if (std::abs(a[i * n + k]) > std::abs(a[best * n + k]))
        best = i;
    double pivot = a[best * n + k];
    for (size_t j = 0; j < n; ++j) {
      std::swap(a[k * n + j], a[best * n + j]);
      std::swap(b[k * n + j], b[best * n + j]);
      a[k * n + j] /= pivot;
      b[k * n + j] /= pivot;
    }
    for (size_t i = 0; i < n; ++i) {
      double factor = a[i * n + k];
      for (size_t j = 0; i != k && j < n; ++j) {
        a[i * n + j] -= factor * a[k * n + j];
        b[i * n + j] -= factor * b[k * n + j];
      }
    }
  }
  llvm::copy(b, a.begin());
}

double InverseOp::comparisons() { return elementsOf(getX()) * dimOf(getX(), rankedType(getX()).getRank() - 1); }

LogicalResult InverseOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  std::vector<double> values = toDoubles(io.operand(0u));
  auto n = static_cast<size_t>(io.operand(0u).shape().back());
  for (size_t at = 0; at < values.size(); at += n * n)
    invert(MutableArrayRef<double>(values).slice(at, n * n), n);
  storeDoubles(io.result(), values);
  return success();
}

void InverseOp::inferRange(Ranges, RangeResults) {}
