// Minima and maxima in normal form: nested ones are one, and of operands that differ by a number one goes.
#include "ir/sizes/FormulaBuilder.h"

#include <algorithm>

namespace sinter {

using Atom = Formula::Atom;

/// The operands of a formula that is this minimum or maximum alone, else the formula.
static std::vector<Formula> operandsOf(const Formula &formula, Atom::Kind kind) {
  const std::vector<Formula::Term> &terms = formula.terms();
  if (terms.size() == 1 && terms[0].coefficient == 1 && terms[0].factors.size() == 1 &&
      terms[0].factors[0]->kind == kind)
    return terms[0].factors[0]->operands;
  return {formula};
}

static Formula extremum(const Formula &a, const Formula &b, Atom::Kind kind) {
  if (!a.isValid() || !b.isValid())
    return Formula::invalid();
  std::vector<Formula> kept = operandsOf(a, kind);
  for (const Formula &operand : operandsOf(b, kind)) {
    bool isNeeded = true;
    std::erase_if(kept, [&](const Formula &other) {
      std::optional<int64_t> difference = (operand - other).constant();
      if (!difference)
        return false;
      bool wins = kind == Atom::Kind::Minimum ? *difference < 0 : *difference > 0;
      isNeeded = isNeeded && wins;
      return wins;
    });
    if (isNeeded)
      kept.push_back(operand);
  }
  if (kept.size() == 1)
    return kept[0];
  if (kept.size() > Formula::maxTerms)
    return Formula::invalid();
  std::ranges::sort(kept);
  return FormulaBuilder::ofAtom({kind, 0, std::move(kept)});
}

Formula minimum(const Formula &a, const Formula &b) { return extremum(a, b, Atom::Kind::Minimum); }
Formula maximum(const Formula &a, const Formula &b) { return extremum(a, b, Atom::Kind::Maximum); }

} // namespace sinter
