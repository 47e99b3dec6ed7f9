// nn-recognise-gelu: GELUs that a model spells in primitives become nn.gelu (Hendrycks and Gimpel, arXiv:1606.08415):
// x * (1 + erf(x/sqrt(2))) / 2, and x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))) / 2, in whatever order factors
// stand.
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "passes/InnerValues.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/Rewrite.h"
#include "passes/Unused.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <array>
#include <cmath>

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_RECOGNISEGELU
#include "passes/Passes.h.inc"

namespace {

constexpr double sqrtHalf = 0.7071067811865476, sqrtTwoOverPi = 0.7978845608028654;

/// Whether two constants differ by what rounding to f32, once or twice, explains.
bool isClose(double a, double b) { return std::fabs(a - b) <= 4e-7 * std::fabs(b); }

std::string digits(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.7g", value);
  return text;
}

/// c[0] + c[1] x + c[2] x^2 + c[3] x^3
using Cubic = std::array<double, 4>;

std::optional<Cubic> product(const Cubic &a, const Cubic &b) {
  Cubic result{};
  for (size_t i = 0; i < 4; ++i)
    for (size_t j = 0; j < 4; ++j)
      if (i + j < 4)
        result[i + j] += a[i] * b[j];
      else if (a[i] * b[j] != 0)
        return std::nullopt;
  return result;
}

/// v as a polynomial in x; its ops are added to `ops`.
std::optional<Cubic> cubicOf(Value v, Value x, SmallVectorImpl<Operation *> &ops, int depth = 0) {
  if (v == x)
    return Cubic{0, 1, 0, 0};
  if (std::optional<double> number = constantScalar(v))
    return Cubic{*number, 0, 0, 0};
  Operation *op = v.getDefiningOp();
  if (depth > 8 || !isa_and_nonnull<AddOp, SubOp, MulOp, DivOp, PowOp>(op) || v.getType() != x.getType())
    return std::nullopt;
  std::optional<Cubic> a = cubicOf(op->getOperand(0), x, ops, depth + 1),
                       b = cubicOf(op->getOperand(1), x, ops, depth + 1);
  if (!a || !b)
    return std::nullopt;
  ops.push_back(op);
  if (isa<MulOp>(op))
    return product(*a, *b);
  bool isNumber = (*b)[1] == 0 && (*b)[2] == 0 && (*b)[3] == 0;
  if (isa<DivOp>(op))
    return isNumber && (*b)[0] != 0 ? product(*a, {1 / (*b)[0], 0, 0, 0}) : std::nullopt;
  if (isa<PowOp>(op)) {
    std::optional<Cubic> square = product(*a, *a);
    if (!isNumber || !square)
      return std::nullopt;
    return (*b)[0] == 2 ? square : (*b)[0] == 3 ? product(*square, *a) : std::nullopt;
  }
  for (size_t i = 0; i < 4; ++i)
    (*a)[i] += isa<AddOp>(op) ? (*b)[i] : -(*b)[i];
  return a;
}

class GeluMatcher {
public:
  /// Whether `op` is a GELU whose inner values nothing else reads. What has no curve does not look like one: that no
  /// has no words.
  Legality match(Operation *op);
  void replace();
  /// The Erf or Tanh that is a factor; null where there is none.
  Operation *curveFound() const { return curve; }

private:
  void collectFactors(Value v);
  bool takeCurve(Value v);
  Legality checkFactors(Operation *op, ArrayRef<Value> others);
  Legality checkArgument();

  SmallVector<Operation *> ops;
  SmallVector<Value> factors;
  double number = 1;            ///< product of the factors that are constants
  Operation *curve = nullptr;   ///< the Erf or Tanh
  double offset = 0, slope = 1; ///< of the factor offset + slope * curve
  Value x;
};

void GeluMatcher::collectFactors(Value v) {
  if (std::optional<double> constant = constantScalar(v)) {
    number *= *constant;
    return;
  }
  Operation *op = v.getDefiningOp();
  // A GELU has a handful of factors; longer chains of products are none, and not walked from each of their ops.
  constexpr size_t most = 16;
  bool isInner = op && (op == ops.front() || (op->hasOneUse() && ops.size() < most));
  if (isInner && isa<MulOp>(op)) {
    if (op != ops.front())
      ops.push_back(op);
    collectFactors(op->getOperand(0));
    collectFactors(op->getOperand(1));
  } else if (auto divisor = isInner && isa<DivOp>(op) ? constantScalar(op->getOperand(1)) : std::nullopt) {
    if (op != ops.front())
      ops.push_back(op);
    number /= *divisor;
    collectFactors(op->getOperand(0));
  } else {
    factors.push_back(v);
  }
}

/// Whether v is offset + slope * Erf or Tanh.
bool GeluMatcher::takeCurve(Value v) {
  auto sum = v.getDefiningOp<AddOp>();
  if (curve || !sum)
    return false;
  for (unsigned number : {0u, 1u}) {
    std::optional<double> constant = constantScalar(sum->getOperand(number));
    Operation *inner = sum->getOperand(1 - number).getDefiningOp();
    if (!constant || !inner)
      continue;
    SmallVector<Operation *> taken{sum};
    double factor = 1;
    if (auto scaled = dyn_cast<MulOp>(inner)) {
      std::optional<double> a = constantScalar(scaled.getA()), b = constantScalar(scaled.getB());
      if (!a && !b)
        continue;
      factor = a ? *a : *b;
      taken.push_back(scaled);
      inner = (a ? scaled.getB() : scaled.getA()).getDefiningOp();
    }
    if (!isa_and_nonnull<ErfOp, TanhOp>(inner))
      continue;
    taken.push_back(inner);
    ops.append(taken);
    curve = inner, offset = *constant, slope = factor;
    return true;
  }
  return false;
}

Legality GeluMatcher::match(Operation *op) {
  if (!isa<MulOp, DivOp>(op) || !isa<FloatType>(elementTypeOf(op->getResult(0))))
    return Legality::noCandidate();
  ops.push_back(op);
  collectFactors(op->getResult(0));
  SmallVector<Value> others;
  for (Value factor : factors)
    if (!takeCurve(factor))
      others.push_back(factor);
  if (!curve)
    return Legality::noCandidate();
  if (Legality factorsFit = checkFactors(op, others); !factorsFit)
    return factorsFit;
  if (Legality argumentFits = checkArgument(); !argumentFits)
    return argumentFits;
  return readInsideAlone(ops, op);
}

/// The product is x * (1/2 + 1/2 * curve), in f32.
Legality GeluMatcher::checkFactors(Operation *op, ArrayRef<Value> others) {
  Type element = elementTypeOf(op->getResult(0));
  if (!element.isF32())
    return Legality::no("F32_ONLY",
                        "it looks like a GELU of " + typeText(element) + ", and those of f32 alone are known");
  if (others.size() != 1)
    return Legality::no("OTHER_FORM", "a GELU is a product of numbers, one value and the sum with " + describe(curve) +
                                          ", and this one has " + llvm::Twine(others.size()) + " values");
  x = others[0];
  if (x.getType() != op->getResult(0).getType())
    return Legality::no("OTHER_FORM", "its operands are broadcast to another shape");
  if (!isClose(number * offset, 0.5) || !isClose(number * slope, 0.5))
    return Legality::no("OTHER_CONSTANTS", "it multiplies by " + digits(number * offset) + " + " +
                                               digits(number * slope) + " * " + operatorName(curve) +
                                               ", and a GELU by 0.5 + 0.5 * " + operatorName(curve));
  return Legality::yes();
}

/// The curve's argument is the one polynomial in x that GELU has for it.
Legality GeluMatcher::checkArgument() {
  std::optional<Cubic> argument = cubicOf(curve->getOperand(0), x, ops);
  if (!argument)
    return Legality::no("OTHER_FORM", "what " + describe(curve) +
                                          " reads is no polynomial with constant coefficients in the value that the "
                                          "product multiplies");
  auto [constant, linear, square, cube] = *argument;
  bool isErf = isa<ErfOp>(curve), isOdd = constant == 0 && square == 0;
  bool fits = isErf ? isClose(linear, sqrtHalf) && cube == 0
                    : isClose(linear, sqrtTwoOverPi) && isClose(cube, 0.044715 * sqrtTwoOverPi);
  if (isOdd && fits)
    return Legality::yes();
  return Legality::no("OTHER_CONSTANTS", describe(curve) + " is of " + digits(constant) + " + " + digits(linear) +
                                             " x + " + digits(square) + " x^2 + " + digits(cube) +
                                             " x^3, and a GELU's is of " +
                                             (isErf ? "0.7071068 x" : "0.7978846 x + 0.03567741 x^3"));
}

void GeluMatcher::replace() {
  Operation *last = ops.front();
  OpBuilder builder(last);
  llvm::sort(ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  ops.erase(llvm::unique(ops), ops.end());
  Location loc =
      FusedLoc::get(builder.getContext(), llvm::map_to_vector(ops, [](Operation *op) { return op->getLoc(); }));
  Value y = GeluOp::create(builder, loc, x.getType(), x,
                           isa<ErfOp>(curve) ? GeluApproximation::None : GeluApproximation::Tanh);
  last->getResult(0).replaceAllUsesWith(y);
}

struct RecogniseGeluPass : impl::RecogniseGeluBase<RecogniseGeluPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Block &body = function.getBody().front();
      // By curve, as every product behind one may look like a GELU: what the last of them lacks is told.
      llvm::MapVector<Operation *, std::pair<Operation *, Legality>> missed;
      for (Operation &op : llvm::make_early_inc_range(body.without_terminator())) {
        GeluMatcher matcher;
        Legality isGelu = matcher.match(&op);
        if (Operation *curve = matcher.curveFound()) {
          bool isDone = isGelu && rewrite(&op, "recognise-gelu", [&] { matcher.replace(); });
          if (isDone)
            missed.erase(curve);
          else
            missed[curve] = {&op, isGelu};
        }
      }
      for (const auto &[curve, last] : missed)
        remarkMissed(last.first, getArgument(), last.second);
      eraseUnused(body);
    }
  }
};

} // namespace
} // namespace sinter::nn
