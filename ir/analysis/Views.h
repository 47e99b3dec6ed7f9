// Views: ops that only give the same bytes another shape. They need no kernel; their result aliases their
// operand. So does a concatenation in place, whose operands lie one after another.
#pragma once

#include "mlir/IR/Value.h"

namespace sinter::nn {

/// Whether the op's first result has the bytes of its first operand.
bool isView(mlir::Operation *op);

/// Marks an nn.concat in place (nn-place-concats).
inline constexpr llvm::StringLiteral inPlaceAttr = "nn.in_place";
bool isConcatInPlace(mlir::Operation *op);

/// The value at whose storage this one starts: looks through views, and through the first operands of concatenations in
/// place.
mlir::Value storageRoot(mlir::Value value);

/// Bytes of a value in its layout.
int64_t storageBytes(mlir::Value value);

} // namespace sinter::nn
