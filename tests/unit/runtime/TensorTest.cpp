// Shapes, storage and element conversions.
#include "runtime/Tensor.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace sinter;

TEST(Tensor, ElementCount) {
  EXPECT_EQ(elementCount(Shape{}), 1);
  EXPECT_EQ(elementCount(Shape{2, 3, 4}), 24);
  EXPECT_EQ(elementCount(Shape{0, 3, 1 << 20}), 0);
  EXPECT_EQ(elementCount(Shape{int64_t(1) << 28, int64_t(1) << 28}), int64_t(1) << 56);
  EXPECT_EQ(elementCount(Shape{int64_t(1) << 28, (int64_t(1) << 28) + 1}), std::nullopt);
  EXPECT_EQ(elementCount(Shape{0, INT64_MAX}), std::nullopt); // its strides would overflow
  EXPECT_EQ(elementCount(Shape{2, -1}), std::nullopt);
  EXPECT_EQ(elementCount(Shape{INT64_MAX, 2}), std::nullopt);
}

TEST(Tensor, StorageIsAlignedZeroedAndShared) {
  Tensor a(DType::F32, {3, 5});
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a.data()) % 64, 0u);
  for (float v : a.as<float>())
    EXPECT_EQ(v, 0);
  Tensor b = a.reshaped({15});
  b.as<float>()[7] = 1;
  EXPECT_EQ(a.as<float>()[7], 1);
}

TEST(Tensor, AllocationFailsAsAValue) {
  EXPECT_FALSE(Tensor::allocate(DType::F32, {-1}));
  EXPECT_FALSE(Tensor::allocate(DType::F64, {INT64_MAX}));
  EXPECT_FALSE(Tensor::allocate(DType::U8, {int64_t(1) << 62}));
}

TEST(Tensor, EveryHalfSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    auto half = static_cast<uint16_t>(bits);
    if (float f = halfToFloat(half); !std::isnan(f)) {
      EXPECT_EQ(floatToHalf(f), half);
      EXPECT_EQ(doubleToHalf(f), half);
    }
    if (float f = bfloatToFloat(half); !std::isnan(f)) {
      EXPECT_EQ(doubleToBfloat(f), half);
    }
  }
}

TEST(Tensor, HalfRoundsToNearestEven) {
  EXPECT_EQ(doubleToHalf(1 + 0x1p-11), 0x3c00);           // a tie, to even
  EXPECT_EQ(doubleToHalf(1 + 3 * 0x1p-11), 0x3c02);       // a tie, to even
  EXPECT_EQ(doubleToHalf(1 + 0x1p-11 + 0x1p-40), 0x3c01); // just above
  EXPECT_EQ(doubleToHalf(65519.99), 0x7bff);
  EXPECT_EQ(doubleToHalf(65520), 0x7c00);
  EXPECT_EQ(doubleToHalf(0x1p-25), 0);
  EXPECT_EQ(doubleToHalf(0x1.8p-25), 1);
  EXPECT_EQ(doubleToHalf(-INFINITY), 0xfc00);
  EXPECT_TRUE(std::isnan(halfToFloat(doubleToHalf(NAN))));
}

TEST(Tensor, DoublesSaturateIntoIntegers) {
  Tensor t(DType::I8, {5});
  storeDoubles(t, std::vector<double>{300, -300, -1.9, NAN, INFINITY});
  EXPECT_EQ(toInts(t), (std::vector<int64_t>{127, -128, -1, 0, 127}));
  Tensor big(DType::I64, {2});
  storeDoubles(big, std::vector<double>{1e30, -1e30});
  EXPECT_EQ(toInts(big), (std::vector<int64_t>{INT64_MAX, INT64_MIN}));
  Tensor flag(DType::Bool, {3});
  storeDoubles(flag, std::vector<double>{0, 0.1, NAN});
  EXPECT_EQ(toInts(flag), (std::vector<int64_t>{0, 1, 1}));
}

TEST(Tensor, IntegersWrapAndRoundOnce) {
  Tensor t(DType::U8, {2});
  storeInts(t, std::vector<int64_t>{257, -1});
  EXPECT_EQ(toInts(t), (std::vector<int64_t>{1, 255}));
  // 2^62 + 2^54 is a tie of bf16; the 1 below f64's precision breaks it upwards.
  Tensor b(DType::BF16, {2});
  storeInts(b,
            std::vector<int64_t>{(int64_t(1) << 62) + (int64_t(1) << 54), (int64_t(1) << 62) + (int64_t(1) << 54) + 1});
  EXPECT_EQ(toDoubles(b), (std::vector<double>{0x1p62, 0x1p62 + 0x1p55}));
}

// frexp(0) gives the exponent of numbers from 0.5 to 1.
TEST(SmallFloats, ZeroStaysZero) {
  for (DType type : {DType::F8E4M3FN, DType::F8E4M3FNUZ, DType::F8E5M2, DType::F8E5M2FNUZ, DType::F4E2M1}) {
    Tensor tensor(type, {2});
    storeDoubles(tensor, std::vector<double>{0.0, -0.0});
    EXPECT_EQ(toDoubles(tensor), (std::vector<double>{0, 0})) << nameOf(type);
  }
}
