// Shape arithmetic that ops share: broadcasting, axes, strides, and result types under partly known shapes.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "mlir/Support/LogicalResult.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace sinter::nn {

using Dims = llvm::SmallVector<int64_t>;

/// The ranked type of a tensor value; null if the value is null or unranked.
mlir::RankedTensorType rankedType(mlir::Value value);
/// The element type of a tensor value.
mlir::Type elementTypeOf(mlir::Value value);
/// Elements of a value of static type, and a dimension of one: what costs are counted in, which may exceed an integer.
double elementsOf(mlir::Value value);
double dimOf(mlir::Value value, int64_t axis);
/// A tensor type; without a shape an unranked one.
mlir::Type tensorType(std::optional<llvm::ArrayRef<int64_t>> shape, mlir::Type element);

/// Axis in [-rank, rank) to [0, rank); nothing outside.
std::optional<int64_t> normaliseAxis(int64_t axis, int64_t rank);

/// The same, with an error at the op that names axis and rank.
mlir::FailureOr<int64_t> resolveAxis(mlir::Operation *op, int64_t axis, int64_t rank);
/// Several axes, each at most once.
mlir::FailureOr<Dims> resolveAxes(mlir::Operation *op, llvm::ArrayRef<int64_t> axes, int64_t rank);

/// More dimensions than any model has; ops refuse to make more.
constexpr int64_t maxRank = 64;

/// Appends the tensor type of a computed shape, or an error at the op: a dimension that is negative (and not
/// dynamic), too many dimensions, more elements than can be counted.
mlir::LogicalResult pushShape(mlir::Operation *op, llvm::ArrayRef<int64_t> shape, mlir::Type element,
                              llvm::SmallVectorImpl<mlir::Type> &types);

/// The number of elements of a vector operand (a shape, axes, pads), from its type; nothing where that is
/// dynamic.
std::optional<int64_t> vectorLength(mlir::Value value);

/// Row-major strides in elements.
Dims rowMajorStrides(llvm::ArrayRef<int64_t> shape);

/// The numpy broadcast of shapes with dynamic dimensions (a dynamic dimension against 1 or a dynamic one
/// stays dynamic). Nothing where two static dimensions contradict each other.
std::optional<Dims> broadcastShapes(llvm::ArrayRef<llvm::ArrayRef<int64_t>> shapes);

/// The result type of an op whose operands broadcast: appended to `types`, or an error at the op that names
/// both shapes.
mlir::LogicalResult inferBroadcast(mlir::Operation *op, mlir::ValueRange operands, mlir::Type element,
                                   llvm::SmallVectorImpl<mlir::Type> &types);

/// Strides with which an operand of `shape` is read at indices of the broadcast `target`: 0 along broadcast
/// dimensions.
Dims broadcastStrides(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> target);

/// The result dimension that each dimension of an operand is aligned with under numpy's broadcasting (at the
/// right).
Dims broadcastDims(mlir::Operation *op, unsigned operand);

/// Advances a row-major index; false after the last one.
bool nextIndex(llvm::MutableArrayRef<int64_t> index, llvm::ArrayRef<int64_t> shape);

/// Dot product of index and strides.
int64_t offsetOf(llvm::ArrayRef<int64_t> index, llvm::ArrayRef<int64_t> strides);

} // namespace sinter::nn
