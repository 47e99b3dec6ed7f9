// A host tensor: element type, shape, and bytes in row-major order. Used wherever data meets the program:
// tensor files, weights, the reference evaluation, inputs and outputs of a compiled model. No LLVM, no MLIR.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// Element types. The numbers are part of the artifact format (runtime/Abi.h). Floats of 8 and 4 bits are
/// described in runtime/SmallFloat.h.
enum class DType : uint8_t {
  F32 = 1,
  F64,
  F16,
  BF16,
  I8,
  I16,
  I32,
  I64,
  U8,
  U16,
  U32,
  U64,
  Bool,
  F8E4M3FN,
  F8E4M3FNUZ,
  F8E5M2,
  F8E5M2FNUZ,
  F8E8M0,
  F4E2M1,
  I4,
  I2,
  U4,
  U2
};

/// Bytes per element in memory; Bool takes one byte, 0 or 1, and so does every type of less than 8 bits
/// (integers extended to 8). Files pack those.
constexpr size_t sizeOf(DType type) {
  switch (type) {
  case DType::F64:
  case DType::I64:
  case DType::U64:
    return 8;
  case DType::F32:
  case DType::I32:
  case DType::U32:
    return 4;
  case DType::F16:
  case DType::BF16:
  case DType::I16:
  case DType::U16:
    return 2;
  case DType::I8:
  case DType::U8:
  case DType::Bool:
  case DType::F8E4M3FN:
  case DType::F8E4M3FNUZ:
  case DType::F8E5M2:
  case DType::F8E5M2FNUZ:
  case DType::F8E8M0:
  case DType::F4E2M1:
  case DType::I4:
  case DType::I2:
  case DType::U4:
  case DType::U2:
    return 1;
  }
  return 0;
}

/// Bits that hold the value of an element.
constexpr unsigned bitsOf(DType type) {
  switch (type) {
  case DType::Bool:
    return 1;
  case DType::I2:
  case DType::U2:
    return 2;
  case DType::I4:
  case DType::U4:
  case DType::F4E2M1:
    return 4;
  default:
    return static_cast<unsigned>(8 * sizeOf(type));
  }
}

/// The name used in messages and dumps: "f32", "i64", "u8", "bool", ...
std::string_view nameOf(DType type);

/// Floats of less than 16 bits: stored and converted, not computed with.
constexpr bool isSmallFloat(DType t) { return t >= DType::F8E4M3FN && t <= DType::F4E2M1; }
constexpr bool isFloat(DType t) { return (t >= DType::F32 && t <= DType::BF16) || isSmallFloat(t); }
constexpr bool isUnsigned(DType t) { return (t >= DType::U8 && t <= DType::Bool) || t == DType::U4 || t == DType::U2; }

using Shape = std::vector<int64_t>;

/// Product of the dimensions (1 for a scalar), or nothing if a dimension is negative or the product, in which 0 counts
/// as 1, exceeds 2^56: no memory holds so many, and numbers of bytes stay within int64.
std::optional<int64_t> elementCount(std::span<const int64_t> shape);

/// "1x3x224x224"; "scalar" for rank 0.
std::string toString(std::span<const int64_t> shape);

/// Owns or borrows its bytes; copies share them. Owned storage is 64-byte aligned and zeroed.
class Tensor {
public:
  Tensor() = default;
  /// Allocates zeroed storage. The shape must have a valid element count (checked by the caller at the
  /// boundary).
  Tensor(DType type, Shape shape);
  /// Allocates for a shape that comes from outside: nothing if a dimension is negative or the memory is not to
  /// be had.
  static std::optional<Tensor> allocate(DType type, Shape shape);
  /// Views memory that `owner` (may be null) keeps alive.
  static Tensor view(DType type, Shape shape, void *data, std::shared_ptr<void> owner = {});
  /// `count` consecutive elements from `first` on, as a vector of the same memory.
  Tensor part(int64_t first, int64_t count) const;

  DType type() const { return type_; }
  const Shape &shape() const { return shape_; }
  int64_t rank() const { return static_cast<int64_t>(shape_.size()); }
  int64_t size() const { return size_; }
  size_t bytes() const { return static_cast<size_t>(size_) * sizeOf(type_); }
  std::byte *data() { return data_; }
  const std::byte *data() const { return data_; }
  template <typename T> std::span<T> as() { return {reinterpret_cast<T *>(data_), static_cast<size_t>(size_)}; }
  template <typename T> std::span<const T> as() const {
    return {reinterpret_cast<const T *>(data_), static_cast<size_t>(size_)};
  }
  /// These bytes under another shape of the same element count.
  Tensor reshaped(Shape shape) const;

private:
  DType type_ = DType::F32;
  Shape shape_;
  int64_t size_ = 0;
  std::byte *data_ = nullptr;
  std::shared_ptr<void> owner_;
};

/// Every element as double (exact for all types but large 64-bit integers).
std::vector<double> toDoubles(const Tensor &tensor);
/// Every element as int64 (floats truncate towards zero; u64 keeps its bits).
std::vector<int64_t> toInts(const Tensor &tensor);
/// Stores with one rounding to the tensor's type; integers truncate towards zero, saturating; Bool is x != 0.
void storeDoubles(Tensor &tensor, std::span<const double> values);
/// Stores integers, wrapping to the width of an integer type; floats round once; Bool is x != 0.
void storeInts(Tensor &tensor, std::span<const int64_t> values);

/// The value that the low bits of `value` have in an integer type of less than 8 bits.
int8_t wrapNarrow(DType type, int64_t value);

/// IEEE half and bfloat16 conversions, round to nearest even.
float halfToFloat(uint16_t bits);
uint16_t floatToHalf(float value);
uint16_t doubleToHalf(double value);
inline float bfloatToFloat(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float f;
  std::memcpy(&f, &wide, 4);
  return f;
}
uint16_t doubleToBfloat(double value);

} // namespace sinter
