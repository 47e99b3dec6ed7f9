// Identities compare an op's bounds with the range of its operand; the sign of a zero is followed to its readers.
#include "passes/ActivationRules.h"
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "ir/ops/Bits.h"
#include "passes/Report.h"
#include "runtime/OptionMark.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"
#include <array>
#include <cmath>

using namespace mlir;

namespace sinter::nn {

static constexpr double infinity = std::numeric_limits<double>::infinity();

//===- Which ops ----------------------------------------------------------===//

/// The only operand of a Max or Min that is not constant; null if there is not exactly one.
static Value onlyVariable(ValueRange operands) {
  Value found;
  for (Value operand : operands) {
    if (operand.getDefiningOp<ConstantOp>())
      continue;
    if (found)
      return {};
    found = operand;
  }
  return found;
}

StringRef activationKind(Operation *op) {
  if (isa<MaxOp, MinOp>(op))
    return !onlyVariable(op->getOperands()) ? "" : isa<MaxOp>(op) ? "Max" : "Min";
  StringRef kind = reportKind(op);
  return kind == "BatchNormalization" ? StringRef() : kind;
}

Value activationOperand(Operation *op) {
  return isa<MaxOp, MinOp>(op) ? onlyVariable(op->getOperands()) : op->getOperand(0);
}

//===- Identities ---------------------------------------------------------===//

/// Does `holds` hold for the intervals of x and of another operand, channel by channel?
static bool forAllChannels(Operation *op, Value other, const RangeAnalysis &ranges,
                           function_ref<bool(Interval x, Interval bound)> holds) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Value x = activationOperand(op);
  TensorRange bound = ranges.rangeOf(other);
  bool all = !bound.mayBeNaN;
  (void)combine({ranges.rangeOf(x), broadcastTo(bound, rankedType(other), type)}, [&](ArrayRef<Interval> v) {
    all &= holds(v[0], v[1]);
    return v[0];
  });
  return all;
}

static bool isAbove(Interval x, Interval bound) { return x.lo >= bound.hi; }
static bool isBelow(Interval x, Interval bound) { return x.hi <= bound.lo; }

/// Does no element of x leave the bounds of a clip, Max or Min?
static bool staysWithin(Operation *op, const RangeAnalysis &ranges) {
  if (auto clip = dyn_cast<ClipOp>(op))
    return (!clip.getLower() || forAllChannels(op, clip.getLower(), ranges, isAbove)) &&
           (!clip.getUpper() || forAllChannels(op, clip.getUpper(), ranges, isBelow));
  Value x = activationOperand(op);
  return llvm::all_of(op->getOperands(), [&](Value other) {
    return other == x || forAllChannels(op, other, ranges, isa<MaxOp>(op) ? isAbove : isBelow);
  });
}

/// The number from which on the activation returns its operand; nothing if there is none.
static std::optional<double> identityFrom(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<double>>(op)
      .Case<ReluOp, PReluOp, EluOp, CeluOp, AbsOp>([](auto) { return 0.0; })
      .Case([](LeakyReluOp leaky) { return leaky.getAlpha().convertToDouble() == 1 ? -infinity : 0.0; })
      .Case([](SeluOp selu) -> std::optional<double> {
        return selu.getGamma().convertToDouble() == 1 ? std::optional(0.0) : std::nullopt;
      })
      .Case([](ThresholdedReluOp relu) {
        // x > alpha: alpha itself becomes 0.
        double alpha = relu.getAlpha().convertToDouble();
        return alpha == 0 ? 0 : std::nextafter(alpha, infinity);
      })
      .Case([](HardSwishOp) { return 3.0; })
      .Default(std::nullopt);
}

//===- Signs of zeros -----------------------------------------------------===//

/// Whether all zeros that an op makes are +0, whatever it reads.
static bool makesPositiveZeros(Operation *op) {
  if (auto product = dyn_cast<MulOp>(op))
    return product.getA() == product.getB();
  if (auto cast = dyn_cast<CastOp>(op))
    return !isa<FloatType>(elementTypeOf(cast.getX()));
  return isa<AbsOp, ExpOp, CoshOp, SigmoidOp, SoftplusOp, SoftmaxOp, ReduceL1Op, ReduceL2Op, ReduceSumSquareOp,
             IsNanOp>(op);
}

bool mayBeNegativeZero(Value value, const RangeAnalysis &ranges) {
  constexpr int maxSteps = 64;
  for (int step = 0; step < maxSteps; ++step) {
    if (!isa<FloatType>(elementTypeOf(value)) || !ranges.rangeOf(value).hull().contains(0))
      return false;
    Operation *op = value.getDefiningOp();
    if (!op)
      return true;
    if (makesPositiveZeros(op))
      return false;
    // These keep the zeros of their first operand.
    if (!copiesFirst(op) && !isa<ReluOp, SqrtOp, MaxPoolOp, CastOp>(op))
      return true;
    value = op->getOperand(0);
  }
  return true;
}

/// Whether the results of an op that reads a zero do not tell its sign.
static bool hidesZeroSign(Operation *op) {
  if (auto cast = dyn_cast<CastOp>(op))
    return !isa<FloatType>(cast.getTo());
  return isa<AbsOp, ExpOp, CosOp, CoshOp, SigmoidOp, SoftplusOp, SoftmaxOp, LogOp, EqualOp, LessOp, LessOrEqualOp,
             GreaterOp, GreaterOrEqualOp, IsNanOp, IsInfOp, QuantizeOp, ArgMaxOp, ArgMinOp, ShapeOp, SizeOp>(op);
}

bool isZeroSignRead(Value value) {
  // Behind so many values it is taken to be read: a walk to the end of a long chain for each of its ops would be
  // quadratic.
  constexpr size_t maxValues = 1024;
  SmallVector<Value> open{value};
  DenseSet<Value> seen{value};
  while (!open.empty()) {
    if (seen.size() > maxValues)
      return true;
    Value next = open.pop_back_val();
    for (OpOperand &use : next.getUses()) {
      Operation *op = use.getOwner();
      // 1/0 is infinite with the sign of the 0, and so is a power of it.
      if (isa<ReciprocalOp, PowOp, BitCastOp>(op) || (isa<DivOp>(op) && use.getOperandNumber() == 1))
        return true;
      if (!hidesZeroSign(op))
        for (Value result : op->getResults())
          if (isa<FloatType>(elementTypeOf(result)) && seen.insert(result).second)
            open.push_back(result);
    }
  }
  return false;
}

bool zeroSignMatters(Operation *op, const RangeAnalysis &ranges) {
  bool makesPositive = llvm::TypeSwitch<Operation *, bool>(op)
                           .Case<AbsOp, SeluOp, MaxOp, MinOp>([](auto) { return true; })
                           .Case([](ThresholdedReluOp relu) { return relu.getAlpha().isZero(); })
                           .Default(false);
  return makesPositive && mayBeNegativeZero(activationOperand(op), ranges) && isZeroSignRead(op->getResult(0));
}

static std::string text(double x) {
  std::string out;
  llvm::raw_string_ostream(out) << llvm::format("%.6g", x);
  return out;
}

static std::string text(Interval x) {
  std::string out;
  llvm::raw_string_ostream(out) << "[" << text(x.lo) << ", " << text(x.hi) << "]";
  return out;
}

/// The op (or input) that makes `value` satisfy `holds`: the first on the way up that reads something which
/// does not, or the last of so many.
static std::string originOf(Value value, const RangeAnalysis &ranges, function_ref<bool(Interval)> holds) {
  constexpr int maxSteps = 256;
  for (int step = 1;; ++step) {
    Operation *op = value.getDefiningOp();
    if (!op)
      return "the declared input range";
    if (step == maxSteps || op->getNumOperands() == 0 || !holds(ranges.rangeOf(op->getOperand(0)).hull()) ||
        op->getOperand(0).getDefiningOp<ConstantOp>())
      return describe(op);
    value = op->getOperand(0);
  }
}

std::optional<Reason> proveIdentity(Operation *op, const RangeAnalysis &ranges) {
  Value x = activationOperand(op);
  if (x.getType() != op->getResult(0).getType())
    return std::nullopt;
  TensorRange range = ranges.rangeOf(x);
  Interval whole = range.hull();
  if (zeroSignMatters(op, ranges))
    return std::nullopt;
  auto because = [&](StringRef code, auto holds) {
    return Reason{code.str(), "its operand lies in " + text(whole) + ", by " + originOf(x, ranges, holds)};
  };
  if (isa<ClipOp, MaxOp, MinOp>(op)) {
    if (!staysWithin(op, ranges))
      return std::nullopt;
    if (whole == Interval())
      return Reason{"WITHIN_BOUNDS", "it has no bounds"};
    return because("WITHIN_BOUNDS", [&](Interval v) { return whole.contains(v); });
  }
  if (auto prelu = dyn_cast<PReluOp>(op)) {
    TensorRange slope = ranges.rangeOf(prelu.getSlope());
    if (slope.hull() == Interval::point(1) && !slope.mayBeNaN)
      return Reason{"SLOPE_ONE", "every slope is 1"};
  }
  std::optional<double> from = identityFrom(op);
  if (from == -infinity)
    return Reason{"SLOPE_ONE", "its slope is 1"};
  // NaN passes through all of these but the thresholded ReLU, which makes it 0.
  if (!from || whole.lo < *from || (isa<ThresholdedReluOp>(op) && range.mayBeNaN))
    return std::nullopt;
  return because("RANGE_NONNEGATIVE", [&](Interval v) { return v.lo >= *from; });
}

//===- Needed -------------------------------------------------------------===//

/// "'conv1' (nn.conv) reaches -3.2 in channel 5"
static std::string reaches(Value x, const TensorRange &range, bool low) {
  size_t worst = 0;
  auto bound = [&](size_t c) { return low ? -range.channels[c].lo : range.channels[c].hi; };
  for (size_t c = 0; c < range.channels.size(); ++c)
    if (bound(c) > bound(worst))
      worst = c;
  double value = low ? range.channels[worst].lo : range.channels[worst].hi;
  Operation *op = x.getDefiningOp();
  std::string what = op ? describe(op) : "a graph input";
  if (std::isinf(value) || std::fabs(value) >= std::numeric_limits<float>::max())
    return "nothing bounds " + what + (low ? " from below" : " from above") + "; " + optionMark("input-range") + " may";
  std::string where = range.axis == 1 ? " in channel " + std::to_string(worst) : "";
  return what + " can reach " + text(value) + where;
}

static std::string reachesNaN(Value x) {
  Operation *op = x.getDefiningOp();
  return (op ? describe(op) : "a graph input") + " may give";
}

Reason whyNeeded(Operation *op, const RangeAnalysis &ranges) {
  Value x = activationOperand(op);
  TensorRange range = ranges.rangeOf(x);
  if (isa<ClipOp, MaxOp, MinOp>(op)) {
    std::optional<Clamp> clamp = clampOf(op);
    bool low = clamp && range.hull().lo < clamp->lo;
    return {"OUT_OF_BOUNDS", reaches(x, range, low)};
  }
  std::optional<double> from = identityFrom(op);
  if (!from)
    return {"CHANGES_VALUES", "it changes nearly every value"};
  if (range.hull().lo >= *from && zeroSignMatters(op, ranges))
    return {"CHANGES_ZEROS", "it makes +0 of -0, and something divides by its result"};
  if (range.hull().lo >= *from && range.mayBeNaN && isa<ThresholdedReluOp>(op))
    return {"CHANGES_NAN", "it makes 0 of NaN, which " + reachesNaN(x)};
  return {"CAN_BE_NEGATIVE", reaches(x, range, true)};
}

std::optional<int64_t> deadChannels(Operation *op, const RangeAnalysis &ranges) {
  std::optional<Clamp> clamp = clampOf(op);
  if (!clamp || clamp->lo == -infinity)
    return std::nullopt;
  RankedTensorType type = rankedType(activationOperand(op));
  TensorRange range = ranges.rangeOf(activationOperand(op));
  if (range.mayBeNaN)
    return 0;
  auto size = static_cast<size_t>(type.getRank() > 1 ? type.getDimSize(1) : 1);
  return llvm::count_if(range.along(1, size), [&](Interval v) { return v.hi <= clamp->lo; });
}

//===- Clamps -------------------------------------------------------------===//

std::optional<Clamp> clampOf(Operation *op) {
  Clamp clamp{-infinity, infinity};
  if (isa<ReluOp>(op))
    return Clamp{0, infinity};
  auto read = [](Value bound, double &to) {
    if (!bound)
      return true;
    std::optional<double> value = constantScalar(bound);
    to = value.value_or(std::nan(""));
    // A double that may stand for several integers is none of them.
    bool isExact = isa<FloatType>(elementTypeOf(bound)) || std::fabs(to) < 0x1p53;
    return !std::isnan(to) && isExact;
  };
  if (auto clip = dyn_cast<ClipOp>(op)) {
    if (!read(clip.getLower(), clamp.lo) || !read(clip.getUpper(), clamp.hi))
      return std::nullopt;
    clamp.lo = std::min(clamp.lo, clamp.hi); // where they cross, the upper one wins
    return clamp;
  }
  Value x = isa<MaxOp, MinOp>(op) ? onlyVariable(op->getOperands()) : Value();
  if (!x || op->getNumOperands() != 2 || x.getType() != op->getResult(0).getType())
    return std::nullopt;
  Value bound = op->getOperand(op->getOperand(0) == x ? 1 : 0);
  return read(bound, isa<MaxOp>(op) ? clamp.lo : clamp.hi) ? std::optional(clamp) : std::nullopt;
}

Value buildClamp(OpBuilder &builder, Location loc, Clamp clamp, Value x) {
  assert(clamp.lo <= clamp.hi && "the bounds of a clamp do not cross, and are no NaN");
  if (clamp.lo == 0 && clamp.hi == infinity)
    return ReluOp::create(builder, loc, x.getType(), x);
  auto bound = [&](double value, double none) -> Value {
    if (value == none)
      return {};
    Tensor tensor(*toDType(elementTypeOf(x)), {});
    storeDoubles(tensor, std::array{value});
    return ConstantOp::create(builder, loc, tensor, "bound");
  };
  Value lower = bound(clamp.lo, -infinity), upper = bound(clamp.hi, infinity);
  return ClipOp::create(builder, loc, x.getType(), x, lower, upper);
}

bool isAbsorbedByClamp(Operation *op, const RangeAnalysis &ranges) {
  // Products of integers wrap: 9 * -1.8e9 is positive.
  if (!isa<FloatType>(elementTypeOf(op->getResult(0))))
    return false;
  return llvm::TypeSwitch<Operation *, bool>(op)
      // alpha = 0 makes 0 * -inf, a NaN that the clamp alone would not see.
      .Case<LeakyReluOp, EluOp, CeluOp>([](auto op) { return op.getAlpha().convertToDouble() > 0; })
      .Case([&](PReluOp prelu) {
        TensorRange slope = ranges.rangeOf(prelu.getSlope());
        return slope.hull().lo > 0 && !slope.mayBeNaN;
      })
      .Default(false);
}

} // namespace sinter::nn
