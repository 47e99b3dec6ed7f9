// Between host tensors and MLIR: element types, tensor types, and constants. Large constants are resource
// blobs, small ones are printed in line; every reader goes through constantTensor, which reads both.
#pragma once

#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include "runtime/Tensor.h"

namespace sinter::nn {

/// The element type: unsigned integers are `ui8`.., signed ones signless, bool `i1`.
mlir::Type toMlir(DType type, mlir::MLIRContext *context);
/// The inverse; nothing for a type that no tensor has.
std::optional<DType> toDType(mlir::Type elementType);
/// The static tensor type of a host tensor.
mlir::RankedTensorType typeOf(const Tensor &tensor, mlir::MLIRContext *context);

/// An attribute over the tensor's bytes, which it keeps alive without a copy. `name` helps to find it in
/// dumps.
mlir::ElementsAttr makeElements(const Tensor &tensor, mlir::MLIRContext *context, llvm::StringRef name = "weight");
/// The tensor of an attribute: a view where the storage allows. Nothing if a dump elided the data or its size
/// is wrong.
std::optional<Tensor> readElements(mlir::ElementsAttr elements);

/// The value of an nn.constant; nothing for any other value (a null one included).
std::optional<Tensor> constantTensor(mlir::Value value);
/// A constant integer tensor as a vector: shapes, axes, pads.
std::optional<llvm::SmallVector<int64_t>> constantInts(mlir::Value value);
/// A constant with one element, as double.
std::optional<double> constantScalar(mlir::Value value);

} // namespace sinter::nn
