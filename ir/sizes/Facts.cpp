// Bounds by interval arithmetic (R. E. Moore, Interval Analysis, 1966), residues by arithmetic of congruences (P.
// Granger, Static analysis of arithmetical congruences, 1989). Each sharpens the other: 8*s0 + 3 in [5, 30] lies in
// [11, 27].
#include "ir/sizes/Facts.h"

#include "ir/sizes/FormulaBuilder.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace sinter {

using Atom = Formula::Atom;
using Bounds = std::optional<SizeBounds>;
using Wide = __int128;

static constexpr int64_t largest = (int64_t{1} << 62) - 1;

static Bounds bounded(Wide lo, Wide hi) {
  if (lo < -largest || hi > largest)
    return std::nullopt;
  return SizeBounds{static_cast<int64_t>(lo), static_cast<int64_t>(hi)};
}

static Bounds sum(const Bounds &a, const Bounds &b) {
  return a && b ? bounded(Wide{a->lo} + b->lo, Wide{a->hi} + b->hi) : std::nullopt;
}

static Bounds product(const Bounds &a, const Bounds &b) {
  if (!a || !b)
    return std::nullopt;
  auto [lo, hi] = std::minmax({Wide{a->lo} * b->lo, Wide{a->lo} * b->hi, Wide{a->hi} * b->lo, Wide{a->hi} * b->hi});
  return bounded(lo, hi);
}

/// Both hold. Where they contradict each other no size is defined, and any bounds are right.
static Bounds both(const Bounds &a, const Bounds &b) {
  if (!a || !b)
    return a ? a : b;
  SizeBounds met{std::max(a->lo, b->lo), std::min(a->hi, b->hi)};
  return met.lo <= met.hi ? met : *a;
}

//===- Congruences --------------------------------------------------------===//

static SizeCongruence normal(Wide modulus, Wide rest) {
  if (modulus < 0)
    modulus = -modulus;
  if (modulus > largest || (modulus == 0 && (rest < -largest || rest > largest)))
    return {1, 0};
  if (modulus == 0)
    return {0, static_cast<int64_t>(rest)};
  Wide positive = rest % modulus;
  return {static_cast<int64_t>(modulus), static_cast<int64_t>(positive < 0 ? positive + modulus : positive)};
}

static Wide commonDivisor(Wide a, Wide b) {
  while (b != 0)
    a = std::exchange(b, a % b);
  return a < 0 ? -a : a;
}

static SizeCongruence sum(SizeCongruence a, SizeCongruence b) {
  return normal(std::gcd(a.modulus, b.modulus), Wide{a.rest} + b.rest);
}

/// (m*i + r) * (n*j + t) = mn*ij + mt*i + nr*j + rt.
static SizeCongruence product(SizeCongruence a, SizeCongruence b) {
  Wide modulus =
      commonDivisor(Wide{a.modulus} * b.modulus, commonDivisor(Wide{a.modulus} * b.rest, Wide{b.modulus} * a.rest));
  return normal(modulus, Wide{a.rest} * b.rest);
}

/// The congruence of a value that is one of two.
static SizeCongruence either(SizeCongruence a, SizeCongruence b) {
  return normal(commonDivisor(std::gcd(a.modulus, b.modulus), Wide{a.rest} - b.rest), a.rest);
}

//===- One question -------------------------------------------------------===//

namespace {
/// Answers one question, and keeps the answers for its atoms, which occur many times.
class Query {
public:
  explicit Query(const std::vector<SizeRange> &ranges) : ranges(ranges) {}
  SizeCongruence congruence(const Formula &formula);
  Bounds bounds(const Formula &formula);

private:
  SizeCongruence congruence(const Formula::AtomRef &atom);
  SizeCongruence findCongruence(const Atom &atom);
  Bounds bounds(const Formula::AtomRef &atom);
  Bounds findBounds(const Atom &atom);
  Bounds interval(const Formula &formula);
  Bounds withoutRounding(const Formula &formula, const Formula::Term &term);

  const std::vector<SizeRange> &ranges;
  std::map<Formula::AtomRef, SizeCongruence> congruences;
  std::map<Formula::AtomRef, Bounds> boundsOf;
};
} // namespace

SizeCongruence Query::congruence(const Formula::AtomRef &atom) {
  if (auto found = congruences.find(atom); found != congruences.end())
    return found->second;
  return congruences[atom] = findCongruence(*atom);
}

SizeCongruence Query::findCongruence(const Atom &atom) {
  constexpr SizeCongruence unknown{1, 0};
  if (atom.kind == Atom::Kind::Symbol) {
    if (atom.number >= ranges.size())
      return unknown;
    const SizeRange &range = ranges[atom.number];
    return range.hi - range.lo < range.step ? normal(0, range.lo) : normal(range.step, range.lo);
  }
  if (atom.kind == Atom::Kind::Quotient) {
    SizeCongruence numerator = congruence(atom.operands[0]);
    std::optional<int64_t> divisor = atom.operands[1].constant();
    if (!divisor || numerator.modulus % *divisor != 0)
      return unknown;
    return normal(numerator.modulus / *divisor, floorQuotient(numerator.rest, *divisor));
  }
  SizeCongruence result = congruence(atom.operands[0]);
  for (const Formula &operand : std::span(atom.operands).subspan(1))
    result = either(result, congruence(operand));
  return result;
}

SizeCongruence Query::congruence(const Formula &formula) {
  if (!formula.isValid())
    return {1, 0};
  SizeCongruence total = normal(0, 0);
  for (const Formula::Term &term : formula.terms()) {
    SizeCongruence value = normal(0, term.coefficient);
    for (const Formula::AtomRef &factor : term.factors)
      value = product(value, congruence(factor));
    total = sum(total, value);
  }
  return total;
}

static Bounds quotient(const Bounds &a, const Bounds &b) {
  // The quotient is defined where its divisor is positive.
  if (!a || (b && b->hi < 1))
    return std::nullopt;
  int64_t least = b ? std::max<int64_t>(b->lo, 1) : 1, most = b ? b->hi : largest;
  return SizeBounds{floorQuotient(a->lo, a->lo < 0 ? least : most), floorQuotient(a->hi, a->hi < 0 ? most : least)};
}

Bounds Query::bounds(const Formula::AtomRef &atom) {
  if (auto found = boundsOf.find(atom); found != boundsOf.end())
    return found->second;
  return boundsOf[atom] = findBounds(*atom);
}

Bounds Query::findBounds(const Atom &atom) {
  if (atom.kind == Atom::Kind::Symbol) {
    if (atom.number >= ranges.size())
      return std::nullopt;
    const SizeRange &range = ranges[atom.number];
    return bounded(range.lo, range.hi - (range.hi - range.lo) % range.step);
  }
  Bounds result = bounds(atom.operands[0]);
  if (atom.kind == Atom::Kind::Quotient)
    return quotient(result, bounds(atom.operands[1]));
  for (const Formula &operand : std::span(atom.operands).subspan(1)) {
    Bounds other = bounds(operand);
    if (!result || !other)
      return std::nullopt;
    bool isMinimum = atom.kind == Atom::Kind::Minimum;
    result = isMinimum ? SizeBounds{std::min(result->lo, other->lo), std::min(result->hi, other->hi)}
                       : SizeBounds{std::max(result->lo, other->lo), std::max(result->hi, other->hi)};
  }
  return result;
}

Bounds Query::interval(const Formula &formula) {
  Bounds total = SizeBounds{0, 0};
  for (const Formula::Term &term : formula.terms()) {
    Bounds value = bounded(term.coefficient, term.coefficient);
    for (const Formula::AtomRef &factor : term.factors)
      value = product(value, bounds(factor));
    total = sum(total, value);
  }
  return total;
}

/// 8*ceil(s0/8) - s0 is in [0, 7], which the intervals of its parts do not tell. For a term c * floor(p / d) with a
/// number d: d * formula = d * (the other terms) + c * p - c * (p mod d), and p mod d is in [0, d).
Bounds Query::withoutRounding(const Formula &formula, const Formula::Term &term) {
  std::optional<int64_t> divisor = term.factors[0]->operands[1].constant();
  if (!divisor)
    return std::nullopt;
  const Formula coefficient = term.coefficient;
  Formula others = formula - FormulaBuilder::ofTerms({term});
  Formula scaled = Formula(*divisor) * others + coefficient * term.factors[0]->operands[0];
  if (!scaled.isValid())
    return std::nullopt;
  Wide negative = -Wide{term.coefficient};
  Bounds all = sum(interval(scaled), product(bounded(negative, negative), bounded(0, *divisor - 1)));
  return all ? Bounds(SizeBounds{-floorQuotient(-all->lo, *divisor), floorQuotient(all->hi, *divisor)}) : std::nullopt;
}

Bounds Query::bounds(const Formula &formula) {
  if (!formula.isValid())
    return std::nullopt;
  Bounds result = interval(formula);
  if (formula.terms().size() > 1)
    for (const Formula::Term &term : formula.terms())
      if (term.factors.size() == 1 && term.factors[0]->kind == Atom::Kind::Quotient)
        result = both(result, withoutRounding(formula, term));
  if (!result)
    return std::nullopt;
  SizeCongruence residue = congruence(formula);
  if (residue.modulus == 0)
    return SizeBounds{residue.rest, residue.rest};
  // The first and the last of the interval that leave the rest.
  Wide m = residue.modulus;
  Wide lo = result->lo + ((residue.rest - result->lo) % m + m) % m,
       hi = result->hi - ((result->hi - residue.rest) % m + m) % m;
  return lo <= hi ? bounded(lo, hi) : result;
}

std::optional<SizeBounds> SizeFacts::bounds(const Formula &formula) const { return Query(ranges).bounds(formula); }
SizeCongruence SizeFacts::congruence(const Formula &formula) const { return Query(ranges).congruence(formula); }

//===- Answers ------------------------------------------------------------===//

bool SizeFacts::isMultipleOf(const Formula &formula, int64_t factor) const {
  if (factor == 0)
    return false;
  SizeCongruence residue = congruence(formula);
  return formula.isValid() && residue.modulus % factor == 0 && residue.rest % factor == 0;
}

bool SizeFacts::isAtLeast(const Formula &a, const Formula &b) const {
  Bounds difference = bounds(a - b);
  return difference && difference->lo >= 0;
}

bool SizeFacts::isEqual(const Formula &a, const Formula &b) const {
  Bounds difference = bounds(a - b);
  return difference && difference->lo == 0 && difference->hi == 0;
}

bool SizeFacts::isDifferent(const Formula &a, const Formula &b) const {
  Bounds difference = bounds(a - b);
  if (difference && (difference->lo > 0 || difference->hi < 0))
    return true;
  SizeCongruence residue = congruence(a - b);
  return (a - b).isValid() && residue.modulus != 1 && residue.rest != 0;
}

} // namespace sinter
