// The nn dialect and what its op families share: interfaces, evaluation, affines. Ops are in
// ir/ops/<family>.h.
#pragma once

#include "ir/Affine.h"
#include "ir/ChannelFlow.h"
#include "ir/Enums.h"
#include "ir/Evaluation.h"
#include "ir/Layout.h"
#include "ir/Range.h"
#include "ir/ShapeMath.h"
#include "ir/StridedCopy.h"
#include "ir/Traits.h"
#include "ir/Weights.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "ir/Interfaces.h.inc"
#include "ir/NNDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "ir/Attributes.h.inc"

namespace sinter::nn {

/// On arguments of @main: the tensor that the input will hold, usable where a shape follows from it; and a mark that
/// import has used it, so that the input goes away.
constexpr llvm::StringLiteral valueAttr = "nn.value", frozenAttr = "nn.frozen";

} // namespace sinter::nn
