// Layouts of tensors: #nn.blocked encodings and the shapes that they have in memory.
#pragma once

#include "ir/ShapeMath.h"

namespace sinter::nn {

class BlockedAttr;

/// The blocked layout of a tensor type; null for a plain (row-major) one.
BlockedAttr layoutOf(mlir::Type type);
/// Whether kernels know blocked tensors of these elements: f32, bf16, and the integers of quantised networks.
bool canBeBlocked(mlir::Type element);
/// The tensor type with this layout; plain for a null one.
mlir::RankedTensorType withLayout(mlir::RankedTensorType type, BlockedAttr layout);
/// The type with the plain layout, if it is a ranked tensor's; else the type itself.
mlir::Type withoutLayout(mlir::Type type);
/// A static shape in a layout as it lies in memory, row-major: the blocked dimension counts blocks, the block
/// is last.
Dims storageShape(llvm::ArrayRef<int64_t> shape, BlockedAttr layout);
/// The storage shape of a static tensor type.
Dims storageShape(mlir::RankedTensorType type);

} // namespace sinter::nn
