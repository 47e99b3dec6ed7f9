// The real values behind quantised ones: bytes with a scale and a zero point, and constant weights.
#pragma once

#include "ir/Legality.h"
#include "ir/Ops.h"
#include "mlir/IR/Builders.h"

namespace sinter::nn {

/// A tensor of bytes that stands for scale * (value - zeroPoint), the same for all elements.
struct Bytes {
  mlir::Value value;
  double scale = 1;
  int64_t zeroPoint = 0;
};
/// The bytes behind an nn.dequantize whose scale and zero point are constants for all elements. None, and `why`, where
/// a value would overflow: what infinity becomes is no product of integers.
std::optional<Bytes> bytesOf(mlir::Value value, Legality *why = nullptr);

/// Weights without their zero points: row r stands for scales[r] * values of the row.
struct Weights {
  Tensor values; ///< i8 or i16, [rows, ...]
  std::vector<double> scales;
};
/// Constant bytes that an nn.dequantize reads, with one scale and zero point for all or one per index of `axis`; that
/// axis comes first in the result. None, and `why`, where a weight would overflow. `axis` must be 0 where there are
/// more than two.
std::optional<Weights> weightsOf(mlir::Value value, int64_t axis = 0, Legality *why = nullptr);

/// Integers of nine bits in the smallest type that holds them, i8 or i16; nothing where there are larger ones.
std::optional<Tensor> narrowed(const std::vector<double> &values, const Shape &shape);
/// The transpose of a matrix.
std::vector<double> transposed(const std::vector<double> &values, int64_t rows, int64_t columns);

/// An nn.constant of those values.
mlir::Value constant(mlir::OpBuilder &b, mlir::Location loc, DType type, const Shape &shape,
                     const std::vector<double> &values);
/// An nn.constant of i64 with one dimension, as ops take shapes and pads.
mlir::Value indices(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<int64_t> values);
/// An nn.cast of x to `element`.
mlir::Value castTo(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Type element);

/// Matrix products as convolutions over one dimension: a tensor [..., K] as [1, K, rows], and [1, N, rows] as one of a
/// shape [..., N].
mlir::Value columnsOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, int64_t k);
mlir::Value rowsOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value y, llvm::ArrayRef<int64_t> shape);
/// The value under another shape.
mlir::Value reshape(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, llvm::ArrayRef<int64_t> shape);

/// Whether no sum of products of a row of weights with bytes can leave 32 bits, `largest` added.
Legality fitsSums(const Tensor &weights, double largest = 0);

} // namespace sinter::nn
