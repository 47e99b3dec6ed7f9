// Layouts of tensor types.
#include "ir/Layout.h"
#include "ir/NN.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#define GET_ATTRDEF_CLASSES
#include "ir/Attributes.cpp.inc"

namespace sinter::nn {

void NNDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "ir/Attributes.cpp.inc"
      >();
}

LogicalResult BlockedAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t axis, int64_t size) {
  constexpr int64_t widest = 64;
  if (axis < 0 || axis >= maxRank)
    return emitError() << "a layout blocks a dimension from 0 to " << maxRank - 1 << ", not " << axis;
  if (size < 2 || size > widest)
    return emitError() << "a block has 2 to " << widest << " elements, not " << size;
  return success();
}

LogicalResult BlockedAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                          function_ref<InFlightDiagnostic()> emitError) const {
  if (getAxis() >= static_cast<int64_t>(shape.size()))
    return emitError() << "a layout blocks dimension " << getAxis() << " of a tensor of rank " << shape.size();
  return success();
}

BlockedAttr layoutOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? dyn_cast_or_null<BlockedAttr>(tensor.getEncoding()) : BlockedAttr();
}

bool canBeBlocked(Type element) {
  return element.isF32() || element.isBF16() || element.isInteger(8) || element.isSignlessInteger(32);
}

RankedTensorType withLayout(RankedTensorType type, BlockedAttr layout) {
  return RankedTensorType::get(type.getShape(), type.getElementType(), layout);
}

Type withoutLayout(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getEncoding() ? Type(withLayout(tensor, {})) : type;
}

Dims storageShape(ArrayRef<int64_t> shape, BlockedAttr layout) {
  Dims result(shape);
  if (!layout || layout.getAxis() >= static_cast<int64_t>(shape.size()))
    return result;
  result[layout.getAxis()] = llvm::divideCeil(result[layout.getAxis()], layout.getSize());
  result.push_back(layout.getSize());
  return result;
}

Dims storageShape(RankedTensorType type) { return storageShape(type.getShape(), layoutOf(type)); }

} // namespace sinter::nn
