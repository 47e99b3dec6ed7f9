// Names that fit, columns that align, and the median.
#include "tools/sinter/TextTable.h"
#include "tools/sinter/Median.h"

#include <gtest/gtest.h>

using namespace sinter;

TEST(Shortened, LosesTheMiddle) {
  EXPECT_EQ(shortened("", 4), "");
  EXPECT_EQ(shortened("12345678", 8), "12345678");
  EXPECT_EQ(shortened("123456789", 8), "123..789");
  EXPECT_EQ(shortened("123456789", 7), "123..89");
  EXPECT_EQ(shortened("123456789", 4), "1..9");
}

TEST(Shortened, CutsNoCharacterInTwo) {
  EXPECT_EQ(shortened("äöüß", 4), "äöüß");
  EXPECT_EQ(shortened("äöüßé", 4), "ä..é");
  EXPECT_EQ(shortened("a\x1b[31mb\n\t\x7f", 20), "a?[31mb???");
}

TEST(TextTable, AlignsColumns) {
  TextTable table({"NAME", {"MS", true}, "LAST"}, false);
  table.add({"é", "10", {"x", Colour::Red}});
  table.add({"name longer", "1.5", ""});
  EXPECT_EQ(table.text(), "  NAME          MS  LAST\n"
                          "  é             10  x\n"
                          "  name longer  1.5\n");
}

TEST(TextTable, ColoursDoNotMoveColumns) {
  TextTable table({"A", "B"}, true);
  table.add({{"x", Colour::Green}, "y"});
  EXPECT_EQ(table.text(), "  A  B\n  \x1b[32mx\x1b[0m  y\n");
}

TEST(Median, OfFewValues) {
  EXPECT_EQ(median({}), 0);
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({4, 1}), 2.5);
  EXPECT_EQ(median({9, 1, 2}), 2);
  EXPECT_EQ(median({9, 1, 2, 4}), 3);
}
