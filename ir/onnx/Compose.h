// Expressions of nn ops, for ONNX operators that are functions of others: each method adds one op (or two), named as
// the node. After an error they go on with values of unknown type; NodeImporter::finish reports it.
#pragma once

#include "ir/onnx/NodeImporter.h"

namespace sinter::nn {

class Compose {
public:
  explicit Compose(NodeImporter &n) : n(n) {}

  //===- Types --------------------------------------------------------------===//

  /// 0 where it is not known.
  static int64_t rank(mlir::Value v);
  /// Dynamic where it is not known.
  static int64_t dim(mlir::Value v, int64_t axis);
  static bool isStatic(mlir::Value v);
  static DType typeOf(mlir::Value v);

  //===- Constants and shapes -----------------------------------------------===//

  /// A scalar of the element type of `like`.
  mlir::Value number(double value, mlir::Value like) { return n.scalar(value, typeOf(like)); }
  mlir::Value constant(const Tensor &tensor) { return n.constant(tensor); }
  /// A constant of these numbers.
  mlir::Value numbers(llvm::ArrayRef<double> values, Shape shape, DType type);
  /// 0, 1, ... below the size of an axis, as i64.
  mlir::Value positions(mlir::Value v, int64_t axis);
  /// The size of an axis as an i64 scalar.
  mlir::Value size(mlir::Value v, int64_t axis);

  //===- Views and movement -------------------------------------------------===//

  /// 0 keeps a dimension, -1 is what is left.
  mlir::Value reshape(mlir::Value v, llvm::ArrayRef<int64_t> shape);
  mlir::Value reshapeLike(mlir::Value v, mlir::Value like);
  mlir::Value unsqueeze(mlir::Value v, llvm::ArrayRef<int64_t> axes);
  mlir::Value squeeze(mlir::Value v, llvm::ArrayRef<int64_t> axes);
  mlir::Value transpose(mlir::Value v, llvm::ArrayRef<int64_t> perm);
  mlir::Value expand(mlir::Value v, llvm::ArrayRef<int64_t> shape);
  mlir::Value slice(mlir::Value v, int64_t axis, int64_t from, int64_t to, int64_t step = 1);
  mlir::Value concat(llvm::ArrayRef<mlir::Value> values, int64_t axis);
  /// `before` and `after` along one axis.
  mlir::Value pad(mlir::Value v, int64_t axis, int64_t before, int64_t after, mlir::Value value);
  mlir::Value gather(mlir::Value v, mlir::Value indices, int64_t axis);
  mlir::Value gatherElements(mlir::Value v, mlir::Value indices, int64_t axis);

  //===- Arithmetic ---------------------------------------------------------===//

  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b);
  mlir::Value add(mlir::Value a, double b) { return add(a, number(b, a)); }
  mlir::Value sub(mlir::Value a, double b) { return sub(a, number(b, a)); }
  mlir::Value mul(mlir::Value a, double b) { return mul(a, number(b, a)); }
  mlir::Value div(mlir::Value a, double b) { return div(a, number(b, a)); }
  mlir::Value max(mlir::Value a, mlir::Value b);
  mlir::Value min(mlir::Value a, mlir::Value b);
  /// Within [lower, upper].
  mlir::Value clip(mlir::Value v, double lower, double upper);
  mlir::Value matmul(mlir::Value a, mlir::Value b);
  mlir::Value floor(mlir::Value v);
  mlir::Value round(mlir::Value v);
  mlir::Value abs(mlir::Value v);
  mlir::Value neg(mlir::Value v);
  mlir::Value exp(mlir::Value v);
  mlir::Value tanh(mlir::Value v);
  mlir::Value sigmoid(mlir::Value v);
  mlir::Value less(mlir::Value a, mlir::Value b);
  mlir::Value lessOrEqual(mlir::Value a, mlir::Value b);
  mlir::Value equal(mlir::Value a, mlir::Value b);
  mlir::Value both(mlir::Value a, mlir::Value b);
  mlir::Value where(mlir::Value condition, mlir::Value a, mlir::Value b);
  mlir::Value cast(mlir::Value v, DType type);
  mlir::Value castLike(mlir::Value v, mlir::Value like) { return cast(v, typeOf(like)); }
  mlir::Value softmax(mlir::Value v, int64_t axis);
  /// Over these axes; all if there are none.
  mlir::Value sum(mlir::Value v, llvm::ArrayRef<int64_t> axes, bool keepdims);
  /// The value, whose op is no activation of the model: it is a part of what the node computes (a gate of an LSTM).
  mlir::Value asPart(mlir::Value v);

  NodeImporter &n;
};

} // namespace sinter::nn
