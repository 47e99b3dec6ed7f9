// Toom (The Complexity of a Scheme of Functional Elements Realizing the Multiplication of Integers, 1963) and Cook
// (thesis, 1966); as matrices: Winograd, Arithmetic Complexity of Computations, 1980. Errors grow with the number of
// points, and depend on which: Barabasz, Anderson, Soodhalter and Gregg, Error Analysis and Improving the Accuracy of
// Winograd Convolution for Deep Neural Networks, arXiv 1803.10986.
#include "codegen/kernels/conv/CookToom.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>

using namespace mlir;

namespace sinter::codegen {
namespace {

using Values = SmallVector<Value>;

/// Points whose errors are small among those with few binary digits (scripts/winograd_points.py). Their powers and the
/// polynomials below are exact.
constexpr double two[] = {1}, four[] = {.75, 1.5}, six[] = {.625, 1, 2}, eight[] = {.5, 1, 1.5, 2.5};

ArrayRef<double> pairsOf(int64_t extent) {
  switch (extent) {
  case 4:
    return two;
  case 6:
    return four;
  case 8:
    return six;
  case 10:
    return eight;
  default:
    return {};
  }
}

/// The product of (t - p^2) over all pairs but one: the coefficients of its powers, ascending. The last is 1.
SmallVector<double> squares(ArrayRef<double> pairs, size_t without) {
  SmallVector<double> product{1};
  for (auto [i, p] : llvm::enumerate(pairs)) {
    if (i == without)
      continue;
    product.push_back(product.back());
    for (size_t k = product.size() - 2; k > 0; --k)
      product[k] = product[k - 1] - p * p * product[k];
    product[0] *= -p * p;
  }
  return product;
}
constexpr size_t none = -1;

/// The sum of f * value over pairs of the two, one instruction each.
Value weightedSum(KernelEmitter &e, ArrayRef<std::pair<double, Value>> terms) {
  // A term with the factor 1 starts the sum, so that it costs nothing.
  const auto *first = llvm::find_if(terms, [](const auto &term) { return term.first == 1; });
  if (first == terms.end())
    first = terms.begin();
  Type type = first->second.getType();
  Value sum = first->first == 1 ? first->second
                                : arith::MulFOp::create(e.b, e.number(type, first->first), first->second).getResult();
  for (const auto &term : terms)
    if (&term != first)
      sum = term.first == 1 ? arith::AddFOp::create(e.b, sum, term.second).getResult()
                            : vector::FMAOp::create(e.b, e.number(type, term.first), term.second, sum).getResult();
  return sum;
}

} // namespace

std::optional<CookToom> CookToom::of(int64_t extent, int64_t taps) {
  ArrayRef<double> pairs = pairsOf(extent);
  if (pairs.empty() || taps < 2 || extent - taps + 1 < 2)
    return std::nullopt;
  return CookToom(pairs, taps);
}

std::vector<SmallVector<double>> CookToom::weightTransform() const {
  if (isTrivial())
    return {{1}};
  auto row = [&](double point, double divisor) {
    SmallVector<double> powers;
    for (int64_t k = 0; k < taps; ++k)
      powers.push_back(std::pow(point, k) / divisor);
    return powers;
  };
  // The derivative of the product over all finite points, t * prod(t^2 - p^2), divides the value at each.
  std::vector<SmallVector<double>> rows{row(0, squares(pairs, none)[0])};
  for (auto [i, p] : llvm::enumerate(pairs)) {
    double others = 0;
    for (auto [k, c] : llvm::enumerate(squares(pairs, i)))
      others += c * std::pow(p * p, k);
    for (double point : {p, -p})
      rows.push_back(row(point, 2 * p * p * others));
  }
  rows.emplace_back(taps, 0.0).back() = 1 / std::pow(scale(), outputs() - 1);
  return rows;
}

Values CookToom::transformInput(KernelEmitter &e, ArrayRef<Value> d) const {
  if (isTrivial())
    return {d[0]};
  // Every second input from d[from] on, weighted by the coefficients of a polynomial in t^2.
  auto weighted = [&](ArrayRef<double> coefficients, size_t from) {
    SmallVector<std::pair<double, Value>> terms;
    for (auto [k, c] : llvm::enumerate(coefficients))
      terms.push_back({c, d[from + 2 * k]});
    return weightedSum(e, terms);
  };
  SmallVector<double> all = squares(pairs, none);
  Values result{weighted(all, 0)};
  for (auto [i, p] : llvm::enumerate(pairs)) {
    // t (t + p) prod(t^2 - q^2), and the same with -p.
    SmallVector<double> others = squares(pairs, i);
    Value even = weighted(others, 2), odd = weighted(others, 1);
    result.push_back(weightedSum(e, {{1, even}, {p, odd}}));
    result.push_back(p == 1 ? arith::SubFOp::create(e.b, even, odd).getResult()
                            : weightedSum(e, {{1, even}, {-p, odd}}));
  }
  result.push_back(weighted(all, 1));
  return result;
}

Values CookToom::transformOutput(KernelEmitter &e, ArrayRef<Value> m) const {
  if (isTrivial())
    return {m[0]};
  Values sums, differences;
  for (size_t i = 1; i + 1 < m.size(); i += 2) {
    sums.push_back(arith::AddFOp::create(e.b, m[i], m[i + 1]));
    differences.push_back(arith::SubFOp::create(e.b, m[i], m[i + 1]));
  }
  // With a point that is 1, or made so, a term of every output costs no multiplication.
  Values result;
  for (int64_t i = 0; i < outputs(); ++i) {
    SmallVector<std::pair<double, Value>> terms;
    if (i == 0)
      terms.push_back({1, m.front()});
    for (auto [p, value] : llvm::zip_equal(pairs, i % 2 ? differences : sums))
      terms.push_back({std::pow(p / scale(), i), value});
    if (i + 1 == outputs())
      terms.push_back({1, m.back()});
    result.push_back(weightedSum(e, terms));
  }
  return result;
}

double CookToom::scale() const { return isTrivial() || llvm::is_contained(pairs, 1) ? 1 : pairs.front(); }

int64_t CookToom::inputInstructions() const {
  auto count = static_cast<int64_t>(pairs.size());
  return isTrivial() ? 0 : 2 * count + count * (2 * (count - 1) + 2);
}

int64_t CookToom::outputInstructions() const {
  auto count = static_cast<int64_t>(pairs.size());
  return isTrivial() ? 0 : 2 * count + count * outputs();
}

} // namespace sinter::codegen
