// Quotients in normal form: what divides without a rest leaves the quotient, so that (2*s0 + 4) / 2 is s0 + 2 and a
// Reshape's s0*s1*6 / (3*s1) is 2*s0.
#include "ir/sizes/FormulaBuilder.h"

#include <algorithm>
#include <numeric>

namespace sinter {

using Term = Formula::Term;
using AtomRef = Formula::AtomRef;

static bool equalAtoms(const AtomRef &a, const AtomRef &b) { return a == b || (*a <=> *b) == 0; }

/// `factors` without those of `divisor`; nothing where one is missing.
static std::optional<std::vector<AtomRef>> without(std::vector<AtomRef> factors, const std::vector<AtomRef> &divisor) {
  for (const AtomRef &atom : divisor) {
    auto found = std::ranges::find_if(factors, [&](const AtomRef &factor) { return equalAtoms(factor, atom); });
    if (found == factors.end())
      return std::nullopt;
    factors.erase(found);
  }
  return factors;
}

/// a = b * whole + rest, for a divisor of one term with a positive coefficient c: of each term that has the divisor's
/// factors, the multiple of c below its coefficient is whole. So coefficients of the rest that has these factors are in
/// [0, c), and equal quotients look alike.
struct Division {
  std::vector<Term> whole, rest;
};
static Division divide(const Formula &a, const Term &b) {
  Division result;
  for (const Term &term : a.terms()) {
    std::optional<std::vector<AtomRef>> factors = without(term.factors, b.factors);
    int64_t quotient = factors ? floorQuotient(term.coefficient, b.coefficient) : 0;
    if (quotient != 0)
      result.whole.push_back({*factors, quotient});
    // |quotient * b.coefficient| <= |term.coefficient| + b.coefficient; the difference is in [0, b.coefficient).
    int64_t rest = factors ? term.coefficient - quotient * b.coefficient : term.coefficient;
    if (rest != 0)
      result.rest.push_back({term.factors, rest});
  }
  return result;
}

/// Symbols are not negative, so a positive product of them has positive factors, and one that all terms have can go.
/// Such factors leave `rest` and `b`.
static void cancelSymbols(std::vector<Term> &rest, Term &b) {
  for (const AtomRef &atom : std::vector<AtomRef>(b.factors)) {
    bool inAll = atom->kind == Formula::Atom::Kind::Symbol &&
                 std::ranges::all_of(
                     b.factors, [](const AtomRef &factor) { return factor->kind == Formula::Atom::Kind::Symbol; }) &&
                 std::ranges::all_of(rest, [&](const Term &term) { return without(term.factors, {atom}).has_value(); });
    if (!inAll)
      continue;
    b.factors = *without(b.factors, {atom});
    for (Term &term : rest)
      term.factors = *without(term.factors, {atom});
  }
}

/// floor(p / b) for a number b > 1, the coefficients of p in [0, b): their greatest common divisor with b goes out of
/// both.
static Formula reduced(std::vector<Term> p, int64_t b) {
  int64_t common = b;
  for (const Term &term : p)
    if (!term.factors.empty())
      common = std::gcd(common, term.coefficient);
  for (Term &term : p)
    term.coefficient = floorQuotient(term.coefficient, common);
  Formula numerator = FormulaBuilder::ofTerms(std::move(p));
  int64_t divisor = b / common;
  if (divisor == 1)
    return numerator;
  // (q / c + k) / d, rounded down twice, is (q + k*c) / (c*d) rounded down once, for a number c.
  const std::vector<Term> &terms = numerator.terms();
  if (!terms.empty() && terms.size() <= 2 && terms.back().coefficient == 1 && terms.back().factors.size() == 1 &&
      (terms.size() == 1 || terms[0].factors.empty())) {
    const Formula::Atom &atom = *terms.back().factors[0];
    if (atom.kind == Formula::Atom::Kind::Quotient)
      if (std::optional<int64_t> inner = atom.operands[1].constant()) {
        Formula shift = terms.size() == 1 ? Formula() : Formula(terms[0].coefficient);
        Formula both = Formula(*inner) * Formula(divisor);
        if (both.isValid())
          return floorDivide(atom.operands[0] + shift * Formula(*inner), both);
      }
  }
  if (std::optional<int64_t> value = numerator.constant())
    return floorQuotient(*value, divisor);
  return FormulaBuilder::ofAtom({Formula::Atom::Kind::Quotient, 0, {numerator, Formula(divisor)}});
}

Formula floorDivide(const Formula &a, const Formula &b) {
  std::optional<int64_t> number = b.constant();
  if (!a.isValid() || !b.isValid() || (number && *number <= 0))
    return Formula::invalid();
  if (a == b)
    return 1;
  if (b.terms().size() != 1 || b.terms()[0].coefficient < 0)
    return a == Formula(0) ? Formula(0) : FormulaBuilder::ofAtom({Formula::Atom::Kind::Quotient, 0, {a, b}});
  Term divisor = b.terms()[0];
  Division division = divide(a, divisor);
  Formula whole = FormulaBuilder::ofTerms(std::move(division.whole));
  if (division.rest.empty())
    return whole;
  cancelSymbols(division.rest, divisor);
  if (divisor.factors.empty() && divisor.coefficient == 1)
    return whole + FormulaBuilder::ofTerms(std::move(division.rest));
  if (!divisor.factors.empty())
    return whole + FormulaBuilder::ofAtom(
                       {Formula::Atom::Kind::Quotient,
                        0,
                        {FormulaBuilder::ofTerms(std::move(division.rest)), FormulaBuilder::ofTerms({divisor})}});
  // A divisor that became a number leaves coefficients that it divides.
  Division again = divide(FormulaBuilder::ofTerms(std::move(division.rest)), divisor);
  whole = whole + FormulaBuilder::ofTerms(std::move(again.whole));
  return again.rest.empty() ? whole : whole + reduced(std::move(again.rest), divisor.coefficient);
}

// Not -floor(-a / b), which is the same and looks like no quotient that a convolution has.
Formula ceilDivide(const Formula &a, const Formula &b) { return floorDivide(a + b - 1, b); }

Formula modulo(const Formula &a, const Formula &b) { return a - b * floorDivide(a, b); }

} // namespace sinter
