// Puts formulas together from their parts, in normal form; shared by the sources of Formula.
#pragma once

#include "ir/sizes/Formula.h"

namespace sinter {

/// a / b rounded down, for a positive b.
constexpr int64_t floorQuotient(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

struct FormulaBuilder {
  /// The formula that is one atom. Invalid if an operand is, or it is too deep.
  static Formula ofAtom(Formula::Atom atom);
  /// The sum of terms, which need neither be in order nor differ; the factors of each are in order.
  static Formula ofTerms(std::vector<Formula::Term> terms);
  static std::optional<Formula::Term> product(const Formula::Term &a, const Formula::Term &b);
  /// A quotient, minimum or maximum of these operands.
  static Formula apply(Formula::Atom::Kind kind, const std::vector<Formula> &operands);
};

} // namespace sinter
