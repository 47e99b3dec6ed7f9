// Single elements of elementwise ops: the op's own reference on vectors of points, in double. Errors come from
// evaluating again with each operand moved by its error, so a step (a quantisation, a comparison) shows as wide as it
// is.
#include "compiler/check/Rules.h"
#include "ir/Ops.h"
#include "ir/ops/Bits.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sinter::codegen::rules {

namespace {

/// The element of an operand that meets an element of the result.
class Broadcast {
public:
  Broadcast(Operation *op, unsigned operand) {
    ArrayRef<int64_t> result = nn::rankedType(op->getResult(0)).getShape(),
                      shape = nn::rankedType(op->getOperand(operand)).getShape();
    auto interface = cast<nn::ElementwiseOpInterface>(op);
    nn::Dims strides = nn::rowMajorStrides(result), own = nn::rowMajorStrides(shape);
    for (auto [d, target] : llvm::enumerate(interface.resultDims(operand)))
      if (shape[d] != 1)
        terms.push_back({strides[static_cast<size_t>(target)], result[static_cast<size_t>(target)], own[d]});
  }
  int64_t of(int64_t element) const {
    int64_t at = 0;
    for (const Term &term : terms)
      at += element / term.stride % term.size * term.own;
    return at;
  }

private:
  struct Term {
    int64_t stride, size, own;
  };
  SmallVector<Term, 5> terms;
};

/// Ops whose result is one of their operands, a bound, or exact by nature.
bool isExact(Operation *op) {
  if (isa<nn::ReluOp, nn::ClipOp, nn::MaxOp, nn::MinOp, nn::AbsOp, nn::NegOp, nn::SignOp, nn::CeilOp, nn::FloorOp,
          nn::RoundOp, nn::WhereOp, nn::SelectOp, nn::ThresholdedReluOp, nn::BitCastOp>(op))
    return true;
  if (!isa<FloatType>(nn::elementTypeOf(op->getResult(0))))
    return true;
  auto cast = dyn_cast<nn::CastOp>(op);
  if (!cast)
    return false;
  Rounding from = Rounding::of(*nn::toDType(nn::elementTypeOf(cast.getX()))),
           to = Rounding::of(*nn::toDType(cast.getTo()));
  return isa<FloatType>(nn::elementTypeOf(cast.getX())) && to.unit <= from.unit;
}

/// Common ops as functions of doubles, for speed; null for others. What the op's reference computes.
double (*scalarOf(Operation *op))(double, double) {
  using Scalar = double (*)(double, double);
  return llvm::TypeSwitch<Operation *, Scalar>(op)
      .Case([](nn::AddOp) { return [](double a, double b) { return a + b; }; })
      .Case([](nn::SubOp) { return [](double a, double b) { return a - b; }; })
      .Case([](nn::MulOp) { return [](double a, double b) { return a * b; }; })
      .Case([](nn::DivOp) { return [](double a, double b) { return a / b; }; })
      .Case([](nn::PowOp) { return [](double a, double b) { return b == 2 ? a * a : std::pow(a, b); }; })
      .Case([](nn::ReluOp) { return [](double a, double) { return a < 0 ? 0 : a; }; })
      .Case([](nn::NegOp) { return [](double a, double) { return -a; }; })
      .Case([](nn::AbsOp) { return [](double a, double) { return std::fabs(a); }; })
      .Case([](nn::SqrtOp) { return [](double a, double) { return std::sqrt(a); }; })
      .Default(Scalar());
}

/// How far an operand's error moves a result from y.
double movedBy(double y, double up, double down) {
  if (up == y && down == y)
    return 0;
  if (std::isfinite(up) && std::isfinite(down) && std::isfinite(y))
    return std::max(std::fabs(up - y), std::fabs(down - y));
  return std::isnan(y) && std::isnan(up) && std::isnan(down) ? 0 : unbounded;
}

class Elementwise {
public:
  Elementwise(Operation *op, Cone &cone) : op(op), made(cone.points(op->getResult(0))), cone(cone) {
    for (unsigned k = 0; k < op->getNumOperands(); ++k) {
      Broadcast broadcast(op, k);
      operands.push_back(&cone.points(op->getOperand(k)));
      SmallVector<unsigned> &at = slots.emplace_back();
      for (int64_t element : made.elements)
        at.push_back(cone.demand(op->getOperand(k), broadcast.of(element)));
    }
    passHints();
  }

  void run() {
    if (auto scalar = scalarOf(op); scalar && made.isFloat && !isSmallFloat(made.type) &&
                                    llvm::all_of(operands, [](Points *x) { return x->isFloat; }))
      return runScalar(scalar);
    size_t count = made.size() * lanes;
    // Once as it is, and twice for each operand that has an error.
    SmallVector<unsigned> inexact;
    for (unsigned k = 0; k < operands.size(); ++k)
      if (hasError(k))
        inexact.push_back(k);
    size_t copies = 1 + 2 * inexact.size();
    SmallVector<Tensor> arguments;
    for (unsigned k = 0; k < operands.size(); ++k)
      arguments.push_back(gather(k, copies, inexact));
    bool isBits = isa<nn::BitCastOp>(op);
    bool keepsType = !made.isFloat || isBits || isSmallFloat(made.type);
    SmallVector<Tensor, 1> results{Tensor(keepsType ? made.type : DType::F64, {static_cast<int64_t>(count * copies)})};
    if (!evaluate(arguments, results)) {
      cone.undefined.set();
      return;
    }
    if (made.isFloat)
      takeFloats(toDoubles(results[0]), count, inexact.size());
    else
      takeWholes(toInts(results[0]), count, inexact.size());
  }

private:
  void runScalar(double (*f)(double, double)) {
    bool exact = isExact(op);
    double none[lanes] = {};
    for (unsigned slot = 0; slot < made.size(); ++slot) {
      bool isBinary = operands.size() > 1;
      unsigned atA = slots[0][slot], atB = isBinary ? slots[1][slot] : 0;
      const double *a = operands[0]->value(atA), *ea = operands[0]->error(atA);
      const double *b = isBinary ? operands[1]->value(atB) : none, *eb = isBinary ? operands[1]->error(atB) : none;
      for (unsigned lane = 0; lane < lanes; ++lane) {
        double x = a[lane], z = b[lane], y = f(x, z), error = 0;
        if (double e = std::min(ea[lane], unbounded); e != 0)
          error += movedBy(y, f(x + e, z), f(x - e, z));
        if (double e = std::min(eb[lane], unbounded); e != 0)
          error += movedBy(y, f(x, z + e), f(x, z - e));
        if (!exact && std::isfinite(y))
          error += made.rounding.own(std::fabs(y));
        made.value(slot)[lane] = y, made.error(slot)[lane] = error;
      }
    }
  }

  /// Where digits cancel in x + c: near -c. Scales on the way move that.
  void passHints() {
    if (operands.empty())
      return;
    SmallVector<std::optional<Tensor>> constants;
    for (Value operand : op->getOperands())
      constants.push_back(cone.constant(operand));
    for (unsigned slot = 0; slot < made.size(); ++slot)
      for (unsigned k = 0; k < operands.size(); ++k) {
        Points &x = *operands[k];
        unsigned at = slots[k][slot];
        x.weight[at] += made.weight[slot];
        if (!x.isFloat)
          continue;
        double factor = 1, centre = made.centre[slot], spread = made.spread[slot];
        auto constantAt = [&](unsigned other) -> std::optional<double> {
          if (!constants[other])
            return std::nullopt;
          return floatAt(*constants[other], operands[other]->elements[slots[other][slot]]);
        };
        if (isa<nn::AddOp, nn::SubOp>(op)) {
          if (std::optional<double> c = constantAt(1 - k)) {
            double sign = isa<nn::SubOp>(op) ? -1 : 1;
            double near = isa<nn::SubOp>(op) && k == 1 ? *c - centre : centre - sign * *c;
            if (std::fabs(near) > std::fabs(centre))
              centre = near, spread = std::max(spread, 1.0);
          }
        } else if (isa<nn::MulOp>(op)) {
          factor = constantAt(1 - k).value_or(0);
        } else if (isa<nn::DivOp>(op) && k == 0) {
          factor = 1 / constantAt(1).value_or(0);
        } else if (isa<nn::BatchNormOp>(op) && k == 0) {
          auto mean = constantAt(3), variance = constantAt(4);
          if (mean && variance) {
            double deviation = std::sqrt(*variance + cast<nn::BatchNormOp>(op).getEpsilon().convertToDouble());
            centre = *mean, spread = deviation;
          }
        } else if (isa<nn::ChannelAffineOp>(op) && k == 0) {
          auto s = constantAt(1), t = constantAt(2);
          if (s && t && *s != 0) {
            double inner = (spread == 0 ? 0 : centre) - *t;
            centre = inner / *s, spread = (spread == 0 ? 1 : spread) / std::fabs(*s);
          }
        } else if (isa<nn::QuantizeOp>(op) && k == 0) {
          // Steps within the type's range.
          if (auto s = constantAt(1))
            centre = 0, spread = 100 * std::fabs(*s);
        } else if (op->getNumOperands() > 1 && k > 0) {
          continue;
        }
        if (spread == 0 || factor == 0 || !std::isfinite(factor))
          continue;
        x.centre[at] = centre / factor;
        x.spread[at] = spread / std::fabs(factor);
      }
  }

  bool hasError(unsigned k) {
    for (unsigned slot : slots[k])
      for (unsigned lane = 0; lane < lanes; ++lane)
        if (operands[k]->error(slot)[lane] != 0)
          return true;
    return false;
  }

  /// An overflown value is computed on as if it were finite, but a step (a quantisation, a comparison) reads infinity.
  double stepped(double x, const Rounding &rounding) const {
    return !made.isFloat && std::fabs(x) > rounding.largest ? std::copysign(INFINITY, x) : x;
  }

  Tensor gather(unsigned k, size_t copies, ArrayRef<unsigned> inexact) {
    Points &points = *operands[k];
    size_t count = made.size() * lanes;
    bool isBits = isa<nn::BitCastOp>(op);
    Tensor tensor(points.isFloat && !isBits ? DType::F64 : points.type, {static_cast<int64_t>(count * copies)});
    std::vector<double> floats;
    std::vector<int64_t> wholes;
    for (size_t copy = 0; copy < copies; ++copy) {
      bool isMoved = copy > 0 && inexact[(copy - 1) / 2] == k;
      double sign = copy % 2 ? 1 : -1;
      for (unsigned slot : slots[k])
        for (unsigned lane = 0; lane < lanes; ++lane) {
          double error = isMoved ? sign * std::min(points.error(slot)[lane], points.isFloat ? unbounded : 0x1p53) : 0;
          if (points.isFloat)
            floats.push_back(stepped(points.value(slot)[lane] + error, points.rounding));
          else
            wholes.push_back(points.whole(slot)[lane] + static_cast<int64_t>(error));
        }
    }
    if (points.isFloat)
      storeDoubles(tensor, floats);
    else
      storeInts(tensor, wholes);
    return tensor;
  }

  bool evaluate(ArrayRef<Tensor> arguments, MutableArrayRef<Tensor> results) {
    if (auto norm = dyn_cast<nn::BatchNormOp>(op)) {
      std::vector<double> v[5], y;
      for (unsigned k = 0; k < 5; ++k)
        v[k] = toDoubles(arguments[k]);
      double epsilon = norm.getEpsilon().convertToDouble();
      for (size_t i = 0; i < v[0].size(); ++i)
        y.push_back((v[0][i] - v[3][i]) / std::sqrt(v[4][i] + epsilon) * v[1][i] + v[2][i]);
      storeDoubles(results[0], y);
      return true;
    }
    if (auto clip = dyn_cast<nn::ClipOp>(op))
      return made.isFloat ? clamp<double>(clip, toDoubles(arguments[0]), arguments, results[0])
                          : clamp<int64_t>(clip, toInts(arguments[0]), arguments, results[0]);
    if (isa<nn::SelectOp>(op)) {
      std::vector<int64_t> condition = toInts(arguments[0]);
      size_t size = sizeOf(results[0].type());
      for (size_t i = 0; i < condition.size(); ++i)
        std::memcpy(results[0].data() + i * size, arguments[condition[i] ? 1 : 2].data() + i * size, size);
      return true;
    }
    ScopedDiagnosticHandler quiet(op->getContext(), [](Diagnostic &) { return success(); });
    nn::Evaluation io(op, arguments, results);
    return succeeded(cast<nn::ReferenceOpInterface>(op).evaluate(io));
  }

  template <typename T> bool clamp(nn::ClipOp clip, std::vector<T> x, ArrayRef<Tensor> arguments, Tensor &result) {
    auto bound = [&](unsigned i) {
      if constexpr (std::is_same_v<T, double>)
        return toDoubles(arguments[i]);
      else
        return toInts(arguments[i]);
    };
    bool isUnsigned64 = result.type() == DType::U64;
    auto less = [&](T a, T b) {
      if constexpr (std::is_same_v<T, int64_t>)
        return isUnsigned64 ? static_cast<uint64_t>(a) < static_cast<uint64_t>(b) : a < b;
      return a < b;
    };
    std::vector<T> lower, upper;
    if (clip.getLower())
      lower = bound(1);
    if (clip.getUpper())
      upper = bound(clip.getLower() ? 2 : 1);
    for (size_t i = 0; i < x.size(); ++i) {
      if (!lower.empty() && (less(x[i], lower[i]) || lower[i] != lower[i]))
        x[i] = lower[i];
      if (!upper.empty() && (less(upper[i], x[i]) || upper[i] != upper[i]))
        x[i] = upper[i];
    }
    if constexpr (std::is_same_v<T, double>)
      storeDoubles(result, x);
    else
      storeInts(result, x);
    return true;
  }

  /// The magnitudes that the op rounds: its result, and the products of an affine before they are added.
  double magnitude(double y, unsigned slot, unsigned lane) {
    auto of = [&](unsigned k) { return operands[k]->value(slots[k][slot])[lane]; };
    double size = std::fabs(y);
    int exponent;
    bool isShift = isa<nn::ChannelAffineOp>(op) && std::fabs(std::frexp(of(1), &exponent)) == 0.5; // exact, as -1 is
    if (isa<nn::ChannelAffineOp>(op) && !isShift)
      size += std::fabs(of(0) * of(1));
    if (isa<nn::BatchNormOp>(op))
      size += std::fabs(y - of(2));
    return size;
  }

  void takeFloats(const std::vector<double> &all, size_t count, size_t inexact) {
    bool exact = isExact(op);
    for (unsigned slot = 0; slot < made.size(); ++slot)
      for (unsigned lane = 0; lane < lanes; ++lane) {
        size_t i = slot * size_t(lanes) + lane;
        double y = all[i], error = 0;
        made.value(slot)[lane] = y;
        if (!std::isfinite(y) && inexact == 0)
          continue;
        for (size_t k = 0; k < inexact; ++k) {
          double up = all[(1 + 2 * k) * count + i], down = all[(2 + 2 * k) * count + i];
          error += movedBy(y, up, down);
        }
        if (!exact && std::isfinite(y))
          error += made.rounding.own(magnitude(y, slot, lane));
        made.error(slot)[lane] = error;
      }
  }

  void takeWholes(const std::vector<int64_t> &all, size_t count, size_t inexact) {
    for (unsigned slot = 0; slot < made.size(); ++slot)
      for (unsigned lane = 0; lane < lanes; ++lane) {
        size_t i = slot * size_t(lanes) + lane;
        int64_t y = all[i];
        made.whole(slot)[lane] = y;
        double error = 0;
        for (size_t k = 0; k < 2 * inexact; ++k)
          error = std::max(error, std::fabs(static_cast<double>(all[(1 + k) * count + i]) - static_cast<double>(y)));
        made.error(slot)[lane] = error;
      }
  }

  Operation *op;
  Points &made;
  Cone &cone;
  SmallVector<Points *> operands;
  SmallVector<SmallVector<unsigned>> slots;
};

} // namespace

Cone::Step elementwise(Operation *op, Cone &cone) {
  if (!isa<nn::ElementwiseOpInterface, nn::SelectOp>(op) || op->getNumResults() != 1)
    return {};
  auto rule = std::make_shared<Elementwise>(op, cone);
  return [rule] { rule->run(); };
}

} // namespace sinter::codegen::rules
