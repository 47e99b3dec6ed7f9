#include "ir/sizes/SizeRange.h"

#include <gtest/gtest.h>

using namespace sinter;

TEST(SizeRange, ReadsWhatItWrites) {
  for (const char *text : {"0..0", "1..8", "32..4096:32", "7..9:5", "0..9223372036854775807:9223372036854775807"}) {
    std::optional<SizeRange> range = SizeRange::parse(text);
    ASSERT_TRUE(range) << text;
    EXPECT_EQ(range->text(), text);
  }
  EXPECT_EQ(SizeRange::parse("1..8:1")->text(), "1..8");
  for (const char *text : {"", "..", "1", "1..", "..8", "8..1", "1..8:", "1..8:0", "1..8:-1", "-1..8", "+1..8", "1...8",
                           " 1..8", "1..8 ", "1..8:2:3", "1..9223372036854775808"})
    EXPECT_FALSE(SizeRange::parse(text)) << text;
}

TEST(SizeRange, HoldsEveryStep) {
  SizeRange range{2, 9, 3}; // 2, 5, 8
  for (int64_t size = -1; size < 12; ++size)
    EXPECT_EQ(range.contains(size), size == 2 || size == 5 || size == 8) << size;
  EXPECT_EQ(range.nearest(0), 2);
  EXPECT_EQ(range.nearest(4), 2);
  EXPECT_EQ(range.nearest(5), 5);
  EXPECT_EQ(range.nearest(100), 8);
}
