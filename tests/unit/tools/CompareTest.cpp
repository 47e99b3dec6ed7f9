#include "tools/sinter/Compare.h"

#include <gtest/gtest.h>
#include <limits>

using namespace sinter;

static Tensor floats(std::vector<double> values) {
  Tensor tensor(DType::F32, {static_cast<int64_t>(values.size())});
  storeDoubles(tensor, values);
  return tensor;
}

TEST(Compare, OnlyWhatIsFiniteInNeitherIsTaken) {
  constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  Tensor got = floats({1, nan, -infinity, 2, nan}), want = floats({3, infinity, nan, infinity, 4});
  EXPECT_FALSE(findDifference(withNonFiniteOf(got, want), floats({1, infinity, nan, 2, nan}), {}));
  // A number is still no infinity, and NaN no number.
  EXPECT_TRUE(findDifference(withNonFiniteOf(floats({2}), floats({infinity})), floats({infinity}), {}));
  EXPECT_TRUE(findDifference(withNonFiniteOf(floats({nan}), floats({4})), floats({4}), {}));
}
