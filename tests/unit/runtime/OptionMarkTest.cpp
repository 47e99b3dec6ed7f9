// Marks of options in messages, and what becomes of them.
#include "runtime/OptionMark.h"

#include <gtest/gtest.h>

namespace sinter {
namespace {

std::string angled(std::string_view name, std::string_view value) {
  return "<" + std::string(name) + "|" + std::string(value) + ">";
}

TEST(OptionMark, ExpandsEachMark) {
  std::string text = "give " + optionMark("shape", "x=1x3") + ", or leave " + optionMark("tune") + " out";
  EXPECT_EQ(expandOptionMarks(text, angled), "give <shape|x=1x3>, or leave <tune|> out");
  EXPECT_EQ(expandOptionMarks(text, optionInC),
            "give sinter_options_set(..., \"shape\", \"x=1x3\"), or leave the option 'tune' out");
}

TEST(OptionMark, KeepsWhatNamesHold) {
  EXPECT_EQ(expandOptionMarks(optionMark("shape", "a b=}{='1x3"), angled), "<shape|a b=}{='1x3>");
  EXPECT_EQ(expandOptionMarks("", angled), "");
  for (const char *text : {"no mark", "an unfinished @{shape x=1", "a } alone, and @ and {}", "@}@{"})
    EXPECT_EQ(expandOptionMarks(text, angled), text);
}

} // namespace
} // namespace sinter
