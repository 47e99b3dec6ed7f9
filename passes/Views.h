// Views: ops that only give the same bytes another shape. They need no kernel; their result aliases their
// operand.
#pragma once

#include "mlir/IR/Value.h"

namespace sinter::nn {

/// Whether the op's first result has the bytes of its first operand.
bool isView(mlir::Operation *op);

/// The value whose storage holds this one: looks through views.
mlir::Value storageRoot(mlir::Value value);

} // namespace sinter::nn
