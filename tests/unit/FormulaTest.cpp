// Formulas and facts of sizes, by random expressions: a normal form has the values of the expression that it was made
// of, and what facts say holds at every size.
#include "ir/sizes/Facts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

namespace sinter {
namespace {

const Formula a = Formula::symbol(0), b = Formula::symbol(1), c = Formula::symbol(2);

TEST(Formula, EqualFormulasLookAlike) {
  EXPECT_EQ((a + b) * (a - b), a * a - b * b);
  EXPECT_EQ(floorDivide(Formula(2) * a + 4, 2), a + 2);
  EXPECT_EQ(floorDivide(a * b * 6, b * 3), a * 2);
  EXPECT_EQ(floorDivide(floorDivide(a, 2) + 1, 3), floorDivide(a + 2, 6));
  EXPECT_EQ(floorDivide(Formula(4) * a + 7, 6), Formula(1) + floorDivide(Formula(4) * a + 1, 6));
  EXPECT_EQ(floorDivide(Formula(4) * a + 1, 6), floorDivide(Formula(2) * a, 3));
  EXPECT_EQ(floorDivide(a * b + c, b), a + floorDivide(c, b));
  EXPECT_EQ(floorDivide(a * b * c, a * b * 4), floorDivide(c, 4));
  EXPECT_EQ(minimum(a, minimum(b, a + 1)), minimum(b, a));
  EXPECT_EQ(maximum(maximum(a, b), c), maximum(c, maximum(b, a)));
  EXPECT_EQ(modulo(Formula(6) * a + 5, 3), Formula(2));
  EXPECT_NE(floorDivide(a, 2) * 2, a);
}

TEST(Formula, ConvolutionsOfOneWindowAgree) {
  // Two strides of 2 with padding 1 and a window of 3, and the shape that an exporter wrote beside them.
  auto strided = [](const Formula &size) { return floorDivide(size + 2 - 3, 2) + 1; };
  EXPECT_EQ(strided(strided(a)), floorDivide(a - 1, 4) + 1);
  EXPECT_EQ(ceilDivide(a, 4), floorDivide(a - 1, 4) + 1);
}

TEST(Formula, DivisionByWhatIsNotPositive) {
  EXPECT_FALSE(floorDivide(a, 0).isValid());
  EXPECT_FALSE(floorDivide(a, -2).isValid());
  int64_t values[] = {3, 0};
  EXPECT_EQ(floorDivide(a, b + 0).evaluate(values), std::nullopt);
}

TEST(Formula, WhatLeaves64BitsIsInvalid) {
  Formula huge = int64_t{1} << 62;
  EXPECT_FALSE((huge * 2).isValid());
  EXPECT_FALSE((huge * a + huge * a).isValid());
  EXPECT_FALSE((huge * -2).isValid()) << "-2^63 has no opposite";
  EXPECT_FALSE((huge * 2 - huge * 2).isValid());
  int64_t values[] = {int64_t{1} << 40};
  EXPECT_EQ((a * a).evaluate(values), std::nullopt);
  EXPECT_EQ(b.evaluate(values), std::nullopt) << "no such symbol";
}

TEST(Formula, GrowsToItsLimits) {
  Formula wide = 0;
  for (unsigned i = 0; i < 300; ++i)
    wide = wide + Formula::symbol(i) * Formula::symbol(i);
  EXPECT_FALSE(wide.isValid());
  Formula deep = a;
  for (int i = 0; i < 40; ++i)
    deep = floorDivide(deep * b + floorDivide(deep * c + 1, 3), 2);
  EXPECT_FALSE(deep.isValid());
}

TEST(Formula, TextThatIsNone) {
  for (const char *text :
       {"", "s", "t0", "1+", "(s0", "floordiv(s0)", "floordiv(s0, 0)", "min()", "s0 s1", "99999999999999999999",
        "s99999999999", "--1", "2**3", "9223372036854775807*2", "mod(s0, s1, s2)", "1)", "-9223372036854775808*s0"})
    EXPECT_EQ(Formula::parse(text), std::nullopt) << text;
  EXPECT_EQ(Formula::parse(std::string(100000, '(')), std::nullopt);
  EXPECT_EQ(Formula::parse(" 2*s0 - ceildiv( s1 ,4)"), Formula(2) * a - ceilDivide(b, 4));
}

TEST(SizeFacts, WhatPassesAsk) {
  SizeFacts facts({{1, 32, 1}, {32, 4096, 32}, {1, 512, 1}});
  EXPECT_TRUE(facts.isMultipleOf(floorDivide(b, 2), 16));
  EXPECT_FALSE(facts.isMultipleOf(floorDivide(b, 2), 32));
  EXPECT_TRUE(facts.isMultipleOf(b * c, 32));
  EXPECT_TRUE(facts.isAtLeast(b, 32));
  EXPECT_TRUE(facts.isAbove(b, a - 1));
  EXPECT_FALSE(facts.isAbove(b, a)) << "both can be 32";
  EXPECT_TRUE(facts.isDifferent(b, 48));
  EXPECT_TRUE(facts.isDifferent(Formula(2) * a, Formula(2) * c + 1));
  EXPECT_FALSE(facts.isDifferent(a, c));
  // A size that is rounded up to blocks of 8.
  Formula padded = ceilDivide(c, 8) * 8;
  EXPECT_TRUE(facts.isAtLeast(padded, c));
  EXPECT_TRUE(facts.isAtLeast(c + 7, padded));
  EXPECT_FALSE(facts.isAtLeast(c + 6, padded));
  EXPECT_TRUE(facts.isEqual(ceilDivide(b, 8) * 8, b));
  EXPECT_FALSE(facts.bounds(Formula::symbol(3)).has_value());
  EXPECT_FALSE(SizeFacts({{1, int64_t{1} << 40, 1}}).bounds(a * a).has_value());
}

TEST(SizeFacts, RangesOfOneSize) {
  SizeFacts facts({{7, 7, 1}, {3, 9, 100}});
  EXPECT_TRUE(facts.isEqual(a, 7));
  EXPECT_TRUE(facts.isEqual(a + b, 10));
}

//===- Random expressions -------------------------------------------------===//

using Wide = __int128;

/// An expression beside its formula, evaluated without any normal form. Nothing where a divisor is not positive or a
/// value is large.
struct Expression {
  Formula formula;
  std::function<std::optional<Wide>(std::span<const int64_t>)> value;
};

Wide floorQuotientOf(Wide x, Wide y) { return x / y - (x % y < 0 ? 1 : 0); }

class Generator {
public:
  explicit Generator(unsigned seed) : random(seed) {}
  int64_t pick(int64_t lo, int64_t hi) { return std::uniform_int_distribution<int64_t>(lo, hi)(random); }

  Expression expression(int depth) {
    if (depth == 0 || pick(0, 7) == 0)
      return leaf();
    Expression x = expression(depth - 1), y = expression(depth - 1);
    switch (pick(0, 7)) {
    case 0:
      return make(x, y, x.formula + y.formula, [](Wide p, Wide q) { return std::optional(p + q); });
    case 1:
      return make(x, y, x.formula - y.formula, [](Wide p, Wide q) { return std::optional(p - q); });
    case 2:
      return make(x, y, x.formula * y.formula, [](Wide p, Wide q) { return std::optional(p * q); });
    case 3:
      return make(x, y, minimum(x.formula, y.formula), [](Wide p, Wide q) { return std::optional(std::min(p, q)); });
    case 4:
      return make(x, y, maximum(x.formula, y.formula), [](Wide p, Wide q) { return std::optional(std::max(p, q)); });
    case 5:
      return divided(x, y, pick(0, 2));
    default: {
      int64_t divisor = pick(1, 12);
      return divided(x, {divisor, [divisor](auto) { return std::optional<Wide>(divisor); }}, pick(0, 2));
    }
    }
  }

private:
  Expression leaf() {
    if (pick(0, 2) == 0) {
      int64_t number = pick(-6, 12);
      return {number, [number](auto) { return std::optional<Wide>(number); }};
    }
    auto symbol = static_cast<unsigned>(pick(0, 2));
    return {Formula::symbol(symbol),
            [symbol](std::span<const int64_t> values) { return std::optional<Wide>(values[symbol]); }};
  }

  static Expression divided(const Expression &x, const Expression &y, int64_t kind) {
    auto apply = [kind](Wide p, Wide q) -> std::optional<Wide> {
      if (q <= 0)
        return std::nullopt;
      return kind == 0 ? floorQuotientOf(p, q) : kind == 1 ? -floorQuotientOf(-p, q) : p - q * floorQuotientOf(p, q);
    };
    auto operation = kind == 0 ? floorDivide : kind == 1 ? ceilDivide : modulo;
    return make(x, y, operation(x.formula, y.formula), apply);
  }

  template <typename Operation>
  static Expression make(const Expression &x, const Expression &y, Formula formula, Operation operation) {
    return {std::move(formula),
            [f = x.value, g = y.value, operation](std::span<const int64_t> values) -> std::optional<Wide> {
              std::optional<Wide> p = f(values), q = g(values);
              constexpr Wide limit = Wide{1} << 40;
              if (!p || !q || *p > limit || *p < -limit || *q > limit || *q < -limit)
                return std::nullopt;
              return operation(*p, *q);
            }};
  }

  std::mt19937 random;
};

constexpr unsigned seeds = 4000;

TEST(Formula, HasTheValuesOfItsExpression) {
  int compared = 0;
  for (unsigned seed = 0; seed < seeds; ++seed) {
    Generator generator(seed);
    Expression expression = generator.expression(4);
    if (!expression.formula.isValid())
      continue;
    for (int i = 0; i < 20; ++i) {
      int64_t values[] = {generator.pick(0, 40), generator.pick(0, 9), generator.pick(0, 200)};
      std::optional<Wide> expected = expression.value(values);
      std::optional<int64_t> found = expression.formula.evaluate(values);
      if (!expected || !found)
        continue;
      ++compared;
      ASSERT_EQ(static_cast<int64_t>(*expected), *found)
          << "seed " << seed << ": " << expression.formula.text() << " at " << values[0] << ", " << values[1] << ", "
          << values[2];
      // One symbol after another in the place of its number.
      Formula fixed = expression.formula;
      for (unsigned symbol = 0; symbol < 3; ++symbol)
        fixed = fixed.replaced(symbol, values[symbol]);
      ASSERT_EQ(fixed.constant(), found) << "seed " << seed;
    }
  }
  EXPECT_GT(compared, 30000);
}

TEST(Formula, TextReadsBack) {
  for (unsigned seed = 0; seed < seeds; ++seed) {
    Formula formula = Generator(seed).expression(4).formula;
    if (formula.isValid()) {
      std::optional<Formula> read = Formula::parse(formula.text());
      ASSERT_TRUE(read.has_value()) << formula.text();
      ASSERT_EQ(read->text(), formula.text()) << "seed " << seed;
      ASSERT_EQ(*read, formula) << "seed " << seed;
    }
  }
}

/// The sizes of small ranges, all of them.
std::vector<std::vector<int64_t>> sizesIn(const std::vector<SizeRange> &ranges) {
  std::vector<std::vector<int64_t>> sizes{{}};
  for (const SizeRange &range : ranges) {
    std::vector<std::vector<int64_t>> longer;
    for (const std::vector<int64_t> &start : sizes)
      for (int64_t value = range.lo; value <= range.hi; value += range.step) {
        longer.push_back(start);
        longer.back().push_back(value);
      }
    sizes = std::move(longer);
  }
  return sizes;
}

TEST(SizeFacts, HoldAtEverySize) {
  int sharp = 0, answers = 0;
  for (unsigned seed = 0; seed < seeds; ++seed) {
    Generator generator(seed + 1000000);
    Expression x = generator.expression(3), y = generator.expression(3);
    std::vector<SizeRange> ranges;
    for (int i = 0; i < 3; ++i) {
      int64_t lo = generator.pick(0, 9), step = generator.pick(1, 8);
      ranges.push_back({lo, lo + generator.pick(0, 5 * step), step});
    }
    SizeFacts facts(ranges);
    std::optional<SizeBounds> bounds = facts.bounds(x.formula);
    SizeCongruence residue = facts.congruence(x.formula);
    bool atLeast = facts.isAtLeast(x.formula, y.formula), equal = facts.isEqual(x.formula, y.formula),
         different = facts.isDifferent(x.formula, y.formula);
    answers += atLeast + equal + different;
    int64_t lowest = INT64_MAX;
    for (const std::vector<int64_t> &values : sizesIn(ranges)) {
      std::optional<Wide> value = x.value(values), other = y.value(values);
      if (value && bounds) {
        lowest = std::min(lowest, static_cast<int64_t>(*value));
        ASSERT_LE(bounds->lo, static_cast<int64_t>(*value)) << "seed " << seed << ": " << x.formula.text();
        ASSERT_GE(bounds->hi, static_cast<int64_t>(*value)) << "seed " << seed << ": " << x.formula.text();
      }
      if (value && x.formula.isValid() && residue.modulus != 1) {
        Wide distance = *value - residue.rest;
        ASSERT_EQ(static_cast<int64_t>(residue.modulus == 0 ? distance : distance % residue.modulus), 0)
            << "seed " << seed << ": " << x.formula.text();
      }
      if (value && other) {
        ASSERT_TRUE(!atLeast || *value >= *other) << "seed " << seed;
        ASSERT_TRUE(!equal || *value == *other) << "seed " << seed;
        ASSERT_TRUE(!different || *value != *other) << "seed " << seed;
      }
    }
    sharp += bounds && bounds->lo == lowest;
  }
  // Neither test passes by never saying anything.
  EXPECT_GT(sharp, 2000);
  EXPECT_GT(answers, 1000);
}

} // namespace
} // namespace sinter
