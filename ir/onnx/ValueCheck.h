// Warnings of constants that ONNX allows and that no model means: variances that have no root, scales of 0, bounds in
// the wrong order. The model computes what ONNX says all the same. What ONNX does not allow, an index outside its axis,
// is an error.
#pragma once

#include "ir/onnx/NodeImporter.h"

namespace sinter::nn {

/// Each of these says nothing where the values are not known, and names the first places that are odd.

/// A parameter that has values that are no finite numbers.
void warnOfNonFinite(NodeImporter &n, mlir::Value parameter, llvm::StringRef name);
/// A variance that is not positive, with epsilon added, so that its root is 0 or NaN.
void warnOfVariance(NodeImporter &n, mlir::Value variance, double epsilon);
/// A norm's epsilon that is negative or no finite number.
void warnOfEpsilon(NodeImporter &n, double epsilon);
/// A quantisation's scale that is not a positive number.
void warnOfScale(NodeImporter &n, mlir::Value scale);
/// Bounds of which the lower is above the upper one, or that are NaN.
void warnOfBounds(NodeImporter &n, mlir::Value lower, mlir::Value upper);
/// A divisor of integers that is 0.
void warnOfZeroDivisor(NodeImporter &n, mlir::Value divisor);

/// Fails where an index is known, is read in every run and lies outside its axis. `dims` are the sizes of the axes that
/// successive indices pick from, again and again; dynamic ones are not checked.
mlir::LogicalResult checkIndices(NodeImporter &n, mlir::Value indices, llvm::ArrayRef<int64_t> dims);

} // namespace sinter::nn
