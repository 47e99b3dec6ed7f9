// Storage, element conversions and shape arithmetic of host tensors. Conversions work on the bits, so that
// the results do not depend on the processor's rounding or flushing mode.
#include "runtime/Tensor.h"
#include "runtime/SmallFloat.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>
#include <sys/mman.h>
#include <type_traits>

namespace sinter {

std::string_view nameOf(DType type) {
  switch (type) {
  case DType::F32:
    return "f32";
  case DType::F64:
    return "f64";
  case DType::F16:
    return "f16";
  case DType::BF16:
    return "bf16";
  case DType::I8:
    return "i8";
  case DType::I16:
    return "i16";
  case DType::I32:
    return "i32";
  case DType::I64:
    return "i64";
  case DType::U8:
    return "u8";
  case DType::U16:
    return "u16";
  case DType::U32:
    return "u32";
  case DType::U64:
    return "u64";
  case DType::Bool:
    return "bool";
  case DType::F8E4M3FN:
    return "f8e4m3fn";
  case DType::F8E4M3FNUZ:
    return "f8e4m3fnuz";
  case DType::F8E5M2:
    return "f8e5m2";
  case DType::F8E5M2FNUZ:
    return "f8e5m2fnuz";
  case DType::F8E8M0:
    return "f8e8m0";
  case DType::F4E2M1:
    return "f4e2m1";
  case DType::I4:
    return "i4";
  case DType::I2:
    return "i2";
  case DType::U4:
    return "u4";
  case DType::U2:
    return "u2";
  }
  return "unknown";
}

std::optional<int64_t> elementCount(std::span<const int64_t> shape) {
  constexpr int64_t maxElements = int64_t(1) << 56;
  int64_t count = 1;
  bool isEmpty = false;
  for (int64_t d : shape) {
    isEmpty |= d == 0;
    // Strides are counted in bytes, of empty tensors too.
    if (d < 0 || __builtin_mul_overflow(count, std::max<int64_t>(d, 1), &count) || count > maxElements)
      return std::nullopt;
  }
  return isEmpty ? 0 : count;
}

std::string toString(std::span<const int64_t> shape) {
  if (shape.empty())
    return "scalar";
  std::string text;
  for (int64_t d : shape)
    text += (text.empty() ? "" : "x") + std::to_string(d);
  return text;
}

/// The largest tensor that is allocated: 256 GB. What is larger is taken for an error of the model or its shapes.
static constexpr size_t maxTensorBytes = size_t(1) << 38;

/// Zeroed memory. A large block, from half of one on, is in pages of 2 MB where the system has them: touching one for
/// the first time costs microseconds, whatever its size.
static std::shared_ptr<void> allocateZeroed(size_t bytes, size_t alignment) {
  constexpr size_t hugePage = size_t(2) << 20;
#ifdef MADV_HUGEPAGE
  if (bytes >= hugePage / 2) {
    size_t length = (bytes + hugePage - 1) / hugePage * hugePage, mapped = length + hugePage;
    void *start = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
      return nullptr;
    auto address = (reinterpret_cast<uintptr_t>(start) + hugePage - 1) & ~(hugePage - 1);
    madvise(reinterpret_cast<void *>(address), length, MADV_HUGEPAGE);
    return {reinterpret_cast<void *>(address), [=](void *) { munmap(start, mapped); }};
  }
#endif
  // calloc gives fresh pages without touching them; one alignment more leaves room to round up.
  void *block = std::calloc(bytes + alignment, 1);
  if (!block)
    return nullptr;
  auto address = (reinterpret_cast<uintptr_t>(block) + alignment - 1) & ~(alignment - 1);
  return {reinterpret_cast<void *>(address), [=](void *) { std::free(block); }};
}

std::optional<Tensor> Tensor::allocate(DType type, Shape shape) {
  constexpr size_t alignment = 64;
  std::optional<int64_t> count = elementCount(shape);
  size_t bytes;
  if (!count || __builtin_mul_overflow(static_cast<size_t>(*count), sizeOf(type), &bytes) || bytes > maxTensorBytes)
    return std::nullopt;
  Tensor tensor;
  tensor.owner_ = allocateZeroed(bytes, alignment);
  if (!tensor.owner_)
    return std::nullopt;
  tensor.data_ = static_cast<std::byte *>(tensor.owner_.get());
  tensor.type_ = type;
  tensor.shape_ = std::move(shape);
  tensor.size_ = *count;
  return tensor;
}

Tensor::Tensor(DType type, Shape shape) {
  std::optional<Tensor> tensor = allocate(type, std::move(shape));
  if (!tensor)
    throw std::bad_alloc();
  *this = std::move(*tensor);
}

Tensor Tensor::view(DType type, Shape shape, void *data, std::shared_ptr<void> owner) {
  Tensor tensor;
  tensor.type_ = type;
  tensor.size_ = elementCount(shape).value_or(0);
  tensor.shape_ = std::move(shape);
  tensor.data_ = static_cast<std::byte *>(data);
  tensor.owner_ = std::move(owner);
  return tensor;
}

Tensor Tensor::part(int64_t first, int64_t count) const {
  assert(first >= 0 && count >= 0 && count <= size_ - first && "a part lies within the tensor");
  return view(type_, {count}, data_ + static_cast<size_t>(first) * sizeOf(type_), owner_);
}

Tensor Tensor::reshaped(Shape shape) const {
  assert(elementCount(shape) == size_ && "a reshape keeps the number of elements");
  Tensor tensor = *this;
  tensor.shape_ = std::move(shape);
  return tensor;
}

float halfToFloat(uint16_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  uint32_t exponent = (bits >> 10) & 0x1fu;
  uint32_t fraction = bits & 0x3ffu;
  if (exponent == 0x1f)
    return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0)
    return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  // Subnormal: fraction * 2^-24, exact in f32.
  float magnitude = static_cast<float>(fraction) * 0x1p-24f;
  return sign ? -magnitude : magnitude;
}

/// Rounds a double to a 16-bit format of `fractionBits` and the given exponent bias, to nearest even, on the
/// bits.
static uint16_t narrow(double value, int fractionBits, int bias) {
  uint64_t bits = std::bit_cast<uint64_t>(value);
  uint16_t sign = static_cast<uint16_t>(bits >> 48 & 0x8000u);
  uint64_t fraction = bits & ((1ull << 52) - 1);
  int exponent = static_cast<int>(bits >> 52 & 0x7ff);
  int exponentBits = 15 - fractionBits;
  uint16_t infinity = static_cast<uint16_t>(((1 << exponentBits) - 1) << fractionBits);
  if (exponent == 0x7ff)
    return sign | infinity | (fraction ? 1u << (fractionBits - 1) : 0u);
  if (exponent == 0)
    return sign; // f64 subnormals are far below half the smallest number of either format
  int target = exponent - 1023 + bias;
  int shift = 52 - fractionBits;
  uint64_t mantissa = fraction | 1ull << 52;
  if (target <= 0) { // subnormal result: the leading one moves into the fraction
    shift += 1 - target;
    target = 0;
    if (shift > 54)
      return sign;
  }
  uint64_t kept = mantissa >> shift;
  uint64_t rest = mantissa & ((1ull << shift) - 1);
  uint64_t half = 1ull << (shift - 1);
  if (rest > half || (rest == half && (kept & 1)))
    ++kept;
  // A normal number's leading one adds 1 to the exponent field; a carry of the rounding does the right thing
  // too.
  uint64_t result = target > 0 ? (static_cast<uint64_t>(target - 1) << fractionBits) + kept : kept;
  return sign | static_cast<uint16_t>(std::min<uint64_t>(result, infinity));
}

uint16_t doubleToHalf(double value) { return narrow(value, 10, 15); }
uint16_t floatToHalf(float value) { return narrow(static_cast<double>(value), 10, 15); }
uint16_t doubleToBfloat(double value) { return narrow(value, 7, 127); }

/// Calls `f` with a null pointer of the type that stores elements of `type` (floats of 16 bits and less: see
/// the callers).
template <typename F> static void withStorage(DType type, F f) {
  switch (type) {
  case DType::F32:
    return f(static_cast<float *>(nullptr));
  case DType::F64:
    return f(static_cast<double *>(nullptr));
  case DType::I8:
  case DType::I4:
  case DType::I2:
    return f(static_cast<int8_t *>(nullptr));
  case DType::I16:
    return f(static_cast<int16_t *>(nullptr));
  case DType::I32:
    return f(static_cast<int32_t *>(nullptr));
  case DType::I64:
    return f(static_cast<int64_t *>(nullptr));
  case DType::U8:
  case DType::U4:
  case DType::U2:
  case DType::Bool:
  case DType::F8E4M3FN:
  case DType::F8E4M3FNUZ:
  case DType::F8E5M2:
  case DType::F8E5M2FNUZ:
  case DType::F8E8M0:
  case DType::F4E2M1:
    return f(static_cast<uint8_t *>(nullptr));
  case DType::F16:
  case DType::BF16:
  case DType::U16:
    return f(static_cast<uint16_t *>(nullptr));
  case DType::U32:
    return f(static_cast<uint32_t *>(nullptr));
  case DType::U64:
    return f(static_cast<uint64_t *>(nullptr));
  }
}

/// Truncates towards zero and saturates; NaN gives 0.
template <typename T> static T saturate(double value) {
  if (std::isnan(value))
    return 0;
  // 2^digits is the first double above T's range.
  if (value >= std::ldexp(1.0, std::numeric_limits<T>::digits))
    return std::numeric_limits<T>::max();
  if (value <= static_cast<double>(std::numeric_limits<T>::min()))
    return std::numeric_limits<T>::min();
  return static_cast<T>(value);
}

/// Saturates to an integer type of less than 8 bits.
template <typename T> static T saturateNarrow(DType type, double value) {
  int top = 1 << (bitsOf(type) - (isUnsigned(type) ? 0 : 1)), bottom = isUnsigned(type) ? 0 : -top;
  return static_cast<T>(std::clamp<int>(saturate<int>(value), bottom, top - 1));
}

int8_t wrapNarrow(DType type, int64_t value) {
  unsigned bits = bitsOf(type);
  int64_t low = value & ((1 << bits) - 1);
  bool isNegative = !isUnsigned(type) && (low >> (bits - 1)) != 0;
  return static_cast<int8_t>(isNegative ? low - (1 << bits) : low);
}

std::vector<double> toDoubles(const Tensor &tensor) {
  std::vector<double> values(static_cast<size_t>(tensor.size()));
  DType type = tensor.type();
  withStorage(type, [&]<typename T>(T *) {
    std::span<const T> from = tensor.as<T>();
    for (size_t i = 0; i < values.size(); ++i) {
      if constexpr (std::is_same_v<T, uint16_t>)
        values[i] = type == DType::F16    ? halfToFloat(from[i])
                    : type == DType::BF16 ? bfloatToFloat(from[i])
                                          : static_cast<float>(from[i]);
      else if constexpr (std::is_same_v<T, uint8_t>)
        values[i] = isSmallFloat(type) ? smallFloatToDouble(type, from[i]) : static_cast<double>(from[i]);
      else
        values[i] = static_cast<double>(from[i]);
    }
  });
  return values;
}

std::vector<int64_t> toInts(const Tensor &tensor) {
  std::vector<int64_t> values(static_cast<size_t>(tensor.size()));
  if (isFloat(tensor.type())) {
    std::vector<double> doubles = toDoubles(tensor);
    std::transform(doubles.begin(), doubles.end(), values.begin(), saturate<int64_t>);
    return values;
  }
  withStorage(tensor.type(), [&]<typename T>(T *) {
    if constexpr (std::is_integral_v<T>) {
      std::span<const T> from = tensor.as<T>();
      std::transform(from.begin(), from.end(), values.begin(), [](T v) { return static_cast<int64_t>(v); });
    }
  });
  return values;
}

void storeDoubles(Tensor &tensor, std::span<const double> values) {
  assert(static_cast<int64_t>(values.size()) == tensor.size() && "one value per element");
  DType type = tensor.type();
  withStorage(type, [&]<typename T>(T *) {
    std::span<T> to = tensor.as<T>();
    for (size_t i = 0; i < values.size(); ++i) {
      if constexpr (std::is_floating_point_v<T>) {
        to[i] = static_cast<T>(values[i]);
      } else {
        if (type == DType::Bool)
          to[i] = values[i] != 0;
        else if (type == DType::F16)
          to[i] = static_cast<T>(doubleToHalf(values[i]));
        else if (type == DType::BF16)
          to[i] = static_cast<T>(doubleToBfloat(values[i]));
        else if (isSmallFloat(type))
          to[i] = static_cast<T>(doubleToSmallFloat(type, values[i]));
        else if (bitsOf(type) < 8)
          to[i] = saturateNarrow<T>(type, values[i]);
        else
          to[i] = saturate<T>(values[i]);
      }
    }
  });
}

void storeInts(Tensor &tensor, std::span<const int64_t> values) {
  assert(static_cast<int64_t>(values.size()) == tensor.size() && "one value per element");
  if (tensor.type() == DType::F16 || tensor.type() == DType::BF16 || isSmallFloat(tensor.type())) {
    // f64 drops up to 10 bits of an int64: keep "something was there" in the last bit, so that the second
    // rounding sees no tie where there was none.
    std::vector<double> doubles(values.size());
    std::transform(values.begin(), values.end(), doubles.begin(), [](int64_t v) {
      bool exact = v >= -(int64_t(1) << 53) && v <= (int64_t(1) << 53);
      return static_cast<double>(exact ? v : (v & ~int64_t(2047)) | (v & 2047 ? 1024 : 0));
    });
    return storeDoubles(tensor, doubles);
  }
  withStorage(tensor.type(), [&]<typename T>(T *) {
    std::span<T> to = tensor.as<T>();
    DType type = tensor.type();
    for (size_t i = 0; i < values.size(); ++i)
      to[i] = type == DType::Bool ? static_cast<T>(values[i] != 0)
              : bitsOf(type) < 8  ? static_cast<T>(wrapNarrow(type, values[i]))
                                  : static_cast<T>(values[i]);
  });
}

} // namespace sinter
