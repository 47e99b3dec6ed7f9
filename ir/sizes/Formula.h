// Sizes as formulas over the symbols of a model, in a normal form (docs/sizes.md).
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// A size of a run as a function of symbols, which are sizes themselves and so not negative: sums, products, quotients
/// rounded down or up, minima and maxima, over the integers. Quotients are defined where their divisor is positive.
///
/// Kept as a polynomial whose variables are symbols, quotients, minima and maxima: equal formulas have equal values
/// wherever both are defined; formulas that are not equal may have (SizeFacts asks for bounds of their difference).
/// A formula beyond 64-bit coefficients or one of the limits is invalid, as is every formula made of it.
class Formula {
public:
  static constexpr size_t maxTerms = 256;  ///< of a sum, and factors of a term
  static constexpr int maxDepth = 16;      ///< of quotients, minima and maxima in each other
  static constexpr size_t maxNodes = 4096; ///< factors, with those of their operands

  Formula() = default;
  Formula(int64_t constant); // NOLINT(google-explicit-constructor): a number is a formula without symbols
  static Formula symbol(unsigned number);
  static Formula invalid();
  /// Reads what `text` gives: integers, s0, s1, ..., + - *, parentheses, floordiv(a, b), ceildiv(a, b), mod(a, b),
  /// min(a, ...), max(a, ...). Nothing if it is no formula, or none that is valid.
  static std::optional<Formula> parse(std::string_view text);

  bool isValid() const { return valid; }
  /// The value of a formula without symbols.
  std::optional<int64_t> constant() const;
  /// The value where symbol i is values[i]; nothing where it is not defined, a symbol is missing, or a step leaves 64
  /// bits.
  std::optional<int64_t> evaluate(std::span<const int64_t> values) const;
  /// The formula with `value` in the place of a symbol.
  Formula replaced(unsigned symbol, const Formula &value) const;
  std::set<unsigned> symbols() const;
  /// The number of its factors, with those of their operands.
  size_t nodes() const;
  /// In symbols s0, s1, ...; parses to an equal formula.
  std::string text() const;

  struct Atom;
  using AtomRef = std::shared_ptr<const Atom>;
  /// coefficient * the product of the factors, in their order; a power is a repeated factor.
  struct Term {
    std::vector<AtomRef> factors;
    int64_t coefficient;
  };
  /// In the order of their factors; no two with the same, no coefficient 0. A constant comes first.
  const std::vector<Term> &terms() const { return sum; }

  friend Formula operator+(const Formula &a, const Formula &b);
  friend Formula operator-(const Formula &a, const Formula &b);
  friend Formula operator*(const Formula &a, const Formula &b);
  friend std::strong_ordering operator<=>(const Formula &a, const Formula &b);
  friend bool operator==(const Formula &a, const Formula &b) { return (a <=> b) == 0; }

private:
  friend struct FormulaBuilder;
  std::vector<Term> sum;
  bool valid = true;
};

/// A variable of the polynomial: a symbol, a quotient rounded down, a minimum or a maximum.
struct Formula::Atom {
  enum class Kind { Symbol, Quotient, Minimum, Maximum };
  Kind kind;
  unsigned number = 0;           ///< of a symbol
  std::vector<Formula> operands; ///< of a quotient two; of a minimum or maximum two or more, in ascending order
  int depth = 0;
  size_t nodes = 1; ///< itself and the factors of its operands

  friend std::strong_ordering operator<=>(const Atom &a, const Atom &b);
};

/// Rounded down. Invalid where the divisor is a number that is not positive.
Formula floorDivide(const Formula &a, const Formula &b);
Formula ceilDivide(const Formula &a, const Formula &b);
/// a - b * floorDivide(a, b): in [0, b).
Formula modulo(const Formula &a, const Formula &b);
Formula minimum(const Formula &a, const Formula &b);
Formula maximum(const Formula &a, const Formula &b);

} // namespace sinter
