// Formulas as text. Read as hostile: a depth and a length that nothing real has are no formula.
#include "ir/sizes/Formula.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace sinter {

//===- Writing ------------------------------------------------------------===//

static std::string textOf(const Formula::Atom &atom) {
  using Kind = Formula::Atom::Kind;
  if (atom.kind == Kind::Symbol)
    return "s" + std::to_string(atom.number);
  std::string text = atom.kind == Kind::Quotient ? "floordiv(" : atom.kind == Kind::Minimum ? "min(" : "max(";
  for (size_t i = 0; i < atom.operands.size(); ++i)
    text += (i == 0 ? "" : ", ") + atom.operands[i].text();
  return text + ")";
}

std::string Formula::text() const {
  if (!valid)
    return "invalid";
  // The constant is the first term, and is written last.
  std::vector<Term> terms = sum;
  if (!terms.empty() && terms[0].factors.empty())
    std::ranges::rotate(terms, terms.begin() + 1);
  std::string text;
  for (const Term &term : terms) {
    std::string factors;
    for (const AtomRef &factor : term.factors) {
      factors += factors.empty() ? "" : "*";
      factors += textOf(*factor);
    }
    bool isUnit = !factors.empty() && (term.coefficient == 1 || term.coefficient == -1);
    text += text.empty() || term.coefficient < 0 ? "" : "+";
    text += isUnit ? (term.coefficient < 0 ? "-" : "") : std::to_string(term.coefficient);
    text += isUnit || factors.empty() ? "" : "*";
    text += factors;
  }
  return text.empty() ? "0" : text;
}

//===- Reading ------------------------------------------------------------===//

namespace {
class Parser {
public:
  explicit Parser(std::string_view text) : rest(text) {}

  std::optional<Formula> whole() {
    Formula formula = sum(0);
    skipSpace();
    return isWrong || !rest.empty() || !formula.isValid() ? std::nullopt : std::optional(formula);
  }

private:
  static constexpr int deepest = 64; // of parentheses

  void skipSpace() { rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size())); }
  bool take(std::string_view token) {
    skipSpace();
    if (!rest.starts_with(token))
      return false;
    rest.remove_prefix(token.size());
    return true;
  }
  Formula wrong() {
    isWrong = true;
    return 0;
  }

  Formula sum(int depth) {
    if (depth > deepest)
      return wrong();
    Formula total = take("-") ? Formula() - product(depth) : product(depth);
    while (!isWrong) {
      if (take("+"))
        total = total + product(depth);
      else if (take("-"))
        total = total - product(depth);
      else
        break;
    }
    return total;
  }

  Formula product(int depth) {
    Formula total = factor(depth);
    while (!isWrong && take("*"))
      total = total * factor(depth);
    return total;
  }

  Formula factor(int depth) {
    using Operation = Formula (*)(const Formula &, const Formula &);
    constexpr std::pair<std::string_view, Operation> pairs[] = {
        {"floordiv(", floorDivide}, {"ceildiv(", ceilDivide}, {"mod(", modulo}};
    for (auto [name, operation] : pairs)
      if (take(name)) {
        std::vector<Formula> operands = list(depth + 1);
        return operands.size() == 2 ? operation(operands[0], operands[1]) : wrong();
      }
    for (auto [name, operation] : {std::pair<std::string_view, Operation>{"min(", minimum}, {"max(", maximum}})
      if (take(name)) {
        std::vector<Formula> operands = list(depth + 1);
        if (operands.empty())
          return wrong();
        Formula result = operands[0];
        for (const Formula &operand : operands)
          result = operation(result, operand);
        return result;
      }
    if (take("(")) {
      Formula inner = sum(depth + 1);
      return take(")") ? inner : wrong();
    }
    if (take("s"))
      return symbol();
    skipSpace();
    int64_t value = 0;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc() || end == rest.data() || rest.front() == '-')
      return wrong();
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    return value;
  }

  Formula symbol() {
    unsigned number = 0;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc() || end == rest.data())
      return wrong();
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    return Formula::symbol(number);
  }

  /// Reads operands up to the closing parenthesis, and takes that, too; empty on an error.
  std::vector<Formula> list(int depth) {
    std::vector<Formula> operands;
    do {
      operands.push_back(sum(depth));
      if (isWrong)
        return {};
    } while (take(","));
    if (!take(")")) {
      isWrong = true;
      return {};
    }
    return operands;
  }

  std::string_view rest;
  bool isWrong = false;
};
} // namespace

std::optional<Formula> Formula::parse(std::string_view text) { return Parser(text).whole(); }

} // namespace sinter
