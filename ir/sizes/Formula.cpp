// Sums and products of formulas, their order and their values. Quotients, minima and maxima: Quotient.cpp,
// Extremum.cpp.
#include "ir/sizes/FormulaBuilder.h"

#include <algorithm>

namespace sinter {

//===- Order --------------------------------------------------------------===//

static std::strong_ordering compareFactors(const std::vector<Formula::AtomRef> &a,
                                           const std::vector<Formula::AtomRef> &b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end(),
                                                [](const Formula::AtomRef &x, const Formula::AtomRef &y) {
                                                  return x == y ? std::strong_ordering::equal : *x <=> *y;
                                                });
}

std::strong_ordering operator<=>(const Formula::Atom &a, const Formula::Atom &b) {
  if (auto order = a.kind <=> b.kind; order != 0)
    return order;
  if (auto order = a.number <=> b.number; order != 0)
    return order;
  return std::lexicographical_compare_three_way(a.operands.begin(), a.operands.end(), b.operands.begin(),
                                                b.operands.end());
}

std::strong_ordering operator<=>(const Formula &a, const Formula &b) {
  if (auto order = a.valid <=> b.valid; order != 0)
    return order;
  return std::lexicographical_compare_three_way(a.sum.begin(), a.sum.end(), b.sum.begin(), b.sum.end(),
                                                [](const Formula::Term &x, const Formula::Term &y) {
                                                  auto order = compareFactors(x.factors, y.factors);
                                                  return order != 0 ? order : x.coefficient <=> y.coefficient;
                                                });
}

//===- Construction -------------------------------------------------------===//

Formula::Formula(int64_t constant) { *this = FormulaBuilder::ofTerms({{{}, constant}}); }

Formula Formula::invalid() {
  Formula formula;
  formula.valid = false;
  return formula;
}

Formula Formula::symbol(unsigned number) { return FormulaBuilder::ofAtom({Atom::Kind::Symbol, number, {}}); }

Formula FormulaBuilder::ofAtom(Formula::Atom atom) {
  for (const Formula &operand : atom.operands) {
    if (!operand.isValid())
      return Formula::invalid();
    for (const Formula::Term &term : operand.terms())
      for (const Formula::AtomRef &factor : term.factors)
        atom.depth = std::max(atom.depth, factor->depth + 1);
    atom.nodes += operand.nodes();
  }
  if (atom.depth > Formula::maxDepth || atom.nodes > Formula::maxNodes)
    return Formula::invalid();
  Formula formula;
  formula.sum.push_back({{std::make_shared<const Formula::Atom>(std::move(atom))}, 1});
  return formula;
}

Formula FormulaBuilder::ofTerms(std::vector<Formula::Term> terms) {
  std::ranges::sort(
      terms, [](const Formula::Term &x, const Formula::Term &y) { return compareFactors(x.factors, y.factors) < 0; });
  Formula formula;
  for (Formula::Term &term : terms) {
    if (!formula.sum.empty() && compareFactors(formula.sum.back().factors, term.factors) == 0) {
      int64_t &coefficient = formula.sum.back().coefficient;
      if (__builtin_add_overflow(coefficient, term.coefficient, &coefficient))
        return Formula::invalid();
    } else {
      formula.sum.push_back(std::move(term));
    }
  }
  std::erase_if(formula.sum, [](const Formula::Term &term) { return term.coefficient == 0; });
  // -2^63 has no opposite, and no text that reads back.
  if (std::ranges::any_of(formula.sum, [](const Formula::Term &term) { return term.coefficient == INT64_MIN; }))
    return Formula::invalid();
  return formula.sum.size() <= Formula::maxTerms && formula.nodes() <= Formula::maxNodes ? formula : Formula::invalid();
}

std::optional<Formula::Term> FormulaBuilder::product(const Formula::Term &a, const Formula::Term &b) {
  Formula::Term term{a.factors, 0};
  if (__builtin_mul_overflow(a.coefficient, b.coefficient, &term.coefficient))
    return std::nullopt;
  term.factors.insert(term.factors.end(), b.factors.begin(), b.factors.end());
  std::ranges::sort(term.factors, [](const Formula::AtomRef &x, const Formula::AtomRef &y) { return (*x <=> *y) < 0; });
  return term.factors.size() <= Formula::maxTerms ? std::optional(std::move(term)) : std::nullopt;
}

//===- Arithmetic ---------------------------------------------------------===//

Formula operator+(const Formula &a, const Formula &b) {
  if (!a.valid || !b.valid)
    return Formula::invalid();
  std::vector<Formula::Term> terms = a.sum;
  terms.insert(terms.end(), b.sum.begin(), b.sum.end());
  return FormulaBuilder::ofTerms(std::move(terms));
}

Formula operator*(const Formula &a, const Formula &b) {
  if (!a.valid || !b.valid || a.sum.size() * b.sum.size() > Formula::maxTerms)
    return Formula::invalid();
  std::vector<Formula::Term> terms;
  for (const Formula::Term &x : a.sum)
    for (const Formula::Term &y : b.sum) {
      std::optional<Formula::Term> term = FormulaBuilder::product(x, y);
      if (!term)
        return Formula::invalid();
      terms.push_back(std::move(*term));
    }
  return FormulaBuilder::ofTerms(std::move(terms));
}

Formula operator-(const Formula &a, const Formula &b) { return a + Formula(-1) * b; }

std::optional<int64_t> Formula::constant() const {
  if (!valid || sum.size() > 1 || (sum.size() == 1 && !sum[0].factors.empty()))
    return std::nullopt;
  return sum.empty() ? 0 : sum[0].coefficient;
}

//===- Values -------------------------------------------------------------===//

static std::optional<int64_t> valueOf(const Formula::Atom &atom, std::span<const int64_t> values) {
  using Kind = Formula::Atom::Kind;
  if (atom.kind == Kind::Symbol)
    return atom.number < values.size() ? std::optional(values[atom.number]) : std::nullopt;
  std::vector<int64_t> operands;
  for (const Formula &operand : atom.operands) {
    std::optional<int64_t> value = operand.evaluate(values);
    if (!value)
      return std::nullopt;
    operands.push_back(*value);
  }
  if (atom.kind == Kind::Quotient)
    return operands[1] > 0 ? std::optional(floorQuotient(operands[0], operands[1])) : std::nullopt;
  return atom.kind == Kind::Minimum ? std::ranges::min(operands) : std::ranges::max(operands);
}

std::optional<int64_t> Formula::evaluate(std::span<const int64_t> values) const {
  if (!valid)
    return std::nullopt;
  int64_t total = 0;
  for (const Term &term : sum) {
    int64_t product = term.coefficient;
    for (const AtomRef &factor : term.factors) {
      std::optional<int64_t> value = valueOf(*factor, values);
      if (!value || __builtin_mul_overflow(product, *value, &product))
        return std::nullopt;
    }
    if (__builtin_add_overflow(total, product, &total))
      return std::nullopt;
  }
  return total;
}

Formula Formula::replaced(unsigned symbol, const Formula &value) const {
  if (!valid)
    return *this;
  Formula total;
  for (const Term &term : sum) {
    Formula product = term.coefficient;
    for (const AtomRef &factor : term.factors) {
      if (factor->kind == Atom::Kind::Symbol) {
        product = product * (factor->number == symbol ? value : Formula::symbol(factor->number));
        continue;
      }
      std::vector<Formula> operands;
      for (const Formula &operand : factor->operands)
        operands.push_back(operand.replaced(symbol, value));
      product = product * FormulaBuilder::apply(factor->kind, operands);
    }
    total = total + product;
  }
  return total;
}

Formula FormulaBuilder::apply(Formula::Atom::Kind kind, const std::vector<Formula> &operands) {
  using Kind = Formula::Atom::Kind;
  if (kind == Kind::Quotient)
    return floorDivide(operands[0], operands[1]);
  Formula result = operands[0];
  for (const Formula &operand : std::span(operands).subspan(1))
    result = kind == Kind::Minimum ? minimum(result, operand) : maximum(result, operand);
  return result;
}

size_t Formula::nodes() const {
  size_t count = 0;
  for (const Term &term : sum)
    for (const AtomRef &factor : term.factors)
      count += factor->nodes;
  return count;
}

std::set<unsigned> Formula::symbols() const {
  std::set<unsigned> found;
  for (const Term &term : sum)
    for (const AtomRef &factor : term.factors) {
      if (factor->kind == Atom::Kind::Symbol)
        found.insert(factor->number);
      for (const Formula &operand : factor->operands)
        found.merge(operand.symbols());
    }
  return found;
}

} // namespace sinter
