// Converts element types and tensors between host and MLIR; constants of few elements are printed in line.
#include "ir/Weights.h"
#include "ir/ops/Constant.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace sinter::nn {

/// Up to this many elements a constant is printed in line, so that shapes and axes are readable in a dump.
static constexpr int64_t inlineElements = 16;

Type toMlir(DType type, MLIRContext *context) {
  auto integer = [&](unsigned width, bool isUnsigned) -> Type {
    return IntegerType::get(context, width, isUnsigned ? IntegerType::Unsigned : IntegerType::Signless);
  };
  switch (type) {
  case DType::F32:
    return Float32Type::get(context);
  case DType::F64:
    return Float64Type::get(context);
  case DType::F16:
    return Float16Type::get(context);
  case DType::BF16:
    return BFloat16Type::get(context);
  case DType::I8:
    return integer(8, false);
  case DType::I16:
    return integer(16, false);
  case DType::I32:
    return integer(32, false);
  case DType::I64:
    return integer(64, false);
  case DType::U8:
    return integer(8, true);
  case DType::U16:
    return integer(16, true);
  case DType::U32:
    return integer(32, true);
  case DType::U64:
    return integer(64, true);
  case DType::Bool:
    return integer(1, false);
  case DType::F8E4M3FN:
    return Float8E4M3FNType::get(context);
  case DType::F8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case DType::F8E5M2:
    return Float8E5M2Type::get(context);
  case DType::F8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  case DType::F8E8M0:
    return Float8E8M0FNUType::get(context);
  case DType::F4E2M1:
    return Float4E2M1FNType::get(context);
  case DType::I4:
    return integer(4, false);
  case DType::I2:
    return integer(2, false);
  case DType::U4:
    return integer(4, true);
  case DType::U2:
    return integer(2, true);
  }
  llvm_unreachable("unknown element type");
}

std::optional<DType> toDType(Type type) {
  if (type.isF32())
    return DType::F32;
  if (type.isF64())
    return DType::F64;
  if (type.isF16())
    return DType::F16;
  if (type.isBF16())
    return DType::BF16;
  if (isa<Float8E4M3FNType>(type))
    return DType::F8E4M3FN;
  if (isa<Float8E4M3FNUZType>(type))
    return DType::F8E4M3FNUZ;
  if (isa<Float8E5M2Type>(type))
    return DType::F8E5M2;
  if (isa<Float8E5M2FNUZType>(type))
    return DType::F8E5M2FNUZ;
  if (isa<Float8E8M0FNUType>(type))
    return DType::F8E8M0;
  if (isa<Float4E2M1FNType>(type))
    return DType::F4E2M1;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer || integer.isSigned())
    return std::nullopt;
  switch (integer.getWidth()) {
  case 1:
    return integer.isUnsigned() ? std::nullopt : std::optional(DType::Bool);
  case 2:
    return integer.isUnsigned() ? DType::U2 : DType::I2;
  case 4:
    return integer.isUnsigned() ? DType::U4 : DType::I4;
  case 8:
    return integer.isUnsigned() ? DType::U8 : DType::I8;
  case 16:
    return integer.isUnsigned() ? DType::U16 : DType::I16;
  case 32:
    return integer.isUnsigned() ? DType::U32 : DType::I32;
  case 64:
    return integer.isUnsigned() ? DType::U64 : DType::I64;
  default:
    return std::nullopt;
  }
}

RankedTensorType typeOf(const Tensor &tensor, MLIRContext *context) {
  return RankedTensorType::get(tensor.shape(), toMlir(tensor.type(), context));
}

ElementsAttr makeElements(const Tensor &tensor, MLIRContext *context, StringRef name) {
  RankedTensorType type = typeOf(tensor, context);
  if (tensor.size() <= inlineElements) {
    ArrayRef<char> bytes(reinterpret_cast<const char *>(tensor.data()), tensor.bytes());
    if (tensor.type() != DType::Bool)
      return DenseElementsAttr::getFromRawBuffer(type, bytes);
    SmallVector<bool> bits(bytes.begin(), bytes.end());
    return DenseElementsAttr::get(type, bits);
  }
  // The deleter's copy of the tensor keeps the bytes alive as long as the blob.
  ArrayRef<char> bytes(reinterpret_cast<const char *>(tensor.data()), tensor.bytes());
  AsmResourceBlob blob(bytes, alignof(std::max_align_t), [tensor](void *, size_t, size_t) {}, /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, name, std::move(blob));
}

std::optional<Tensor> readElements(ElementsAttr elements) {
  auto type = dyn_cast<RankedTensorType>(elements.getType());
  std::optional<DType> dtype = type ? toDType(type.getElementType()) : std::nullopt;
  if (!dtype || !type.hasStaticShape() || !elementCount(type.getShape()))
    return std::nullopt;
  Shape shape(type.getShape());
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    size_t expected = static_cast<size_t>(*elementCount(shape)) * sizeOf(*dtype);
    if (!blob || blob->getData().size() != expected)
      return std::nullopt;
    return Tensor::view(*dtype, std::move(shape), const_cast<char *>(blob->getData().data()));
  }
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  if (!dense)
    return std::nullopt;
  Tensor tensor(*dtype, std::move(shape));
  if (*dtype == DType::Bool) {
    llvm::copy(dense.getValues<bool>(), tensor.as<bool>().begin());
  } else if (tensor.bytes() == 0) {
    // no memory on either side
  } else if (dense.isSplat()) {
    size_t step = sizeOf(*dtype);
    for (size_t at = 0; at < tensor.bytes(); at += step)
      std::memcpy(tensor.data() + at, dense.getRawData().data(), step);
  } else {
    std::memcpy(tensor.data(), dense.getRawData().data(), tensor.bytes());
  }
  // The unused bits of a parsed element are unspecified.
  if (bitsOf(*dtype) < 8 && *dtype != DType::Bool)
    for (int8_t &value : tensor.as<int8_t>())
      value = *dtype == DType::F4E2M1 ? static_cast<int8_t>(value & 15) : wrapNarrow(*dtype, value);
  return tensor;
}

std::optional<Tensor> constantTensor(Value value) {
  auto constant = value ? value.getDefiningOp<ConstantOp>() : nullptr;
  return constant ? readElements(constant.getValue()) : std::nullopt;
}

std::optional<SmallVector<int64_t>> constantInts(Value value) {
  std::optional<Tensor> tensor = constantTensor(value);
  if (!tensor || isFloat(tensor->type()))
    return std::nullopt;
  std::vector<int64_t> values = toInts(*tensor);
  return SmallVector<int64_t>(values.begin(), values.end());
}

std::optional<double> constantScalar(Value value) {
  std::optional<Tensor> tensor = constantTensor(value);
  if (!tensor || tensor->size() != 1)
    return std::nullopt;
  return toDoubles(*tensor).front();
}

} // namespace sinter::nn
