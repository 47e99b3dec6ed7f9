// An element may differ by the sum of both error bounds, and the new bound may exceed the old by a fixed factor only.
#include "compiler/check/Judgement.h"
#include "compiler/check/Leaves.h"
#include "ir/Ops.h"
#include "ir/ops/Bits.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace sinter::codegen {

namespace {

/// The new form's error may be larger than the old one's by this where digits cancel: what an affine that is
/// allowed to move can cancel (docs/algebra.md, Cancellation), with a margin.
double maxGrowthOf(DType type) { return type == DType::F64 ? 0x1p41 : type == DType::F32 ? 0x1p12 : 0x1p6; }

std::string number(double x) {
  char text[32];
  snprintf(text, sizeof text, "%.9g", x);
  return text;
}

/// Equal for what is only moved or selected; else but for roundings. What overflowed on the way and is spared
/// that by a fold has the value that it would have had.
bool agree(double x, double y, double ex, double ey, bool wasOverflown, bool isResult) {
  if (std::isnan(x) || std::isnan(y))
    return (std::isnan(x) && std::isnan(y)) || (wasOverflown && std::isnan(x)) || ex >= unbounded || ey >= unbounded;
  double allowed = ex + ey;
  if (std::isinf(x) || std::isinf(y))
    return x == y || allowed >= unbounded || (wasOverflown && std::isinf(x));
  if (allowed == 0)
    return x == y && (isResult || x != 0 || std::signbit(x) == std::signbit(y));
  return std::fabs(x - y) <= allowed;
}

/// Whether a last bit of an operand may move the result by a whole step.
bool isStep(Operation *op) {
  if (isa<nn::ModOp, nn::FloorOp, nn::CeilOp, nn::RoundOp, nn::SignOp, nn::ThresholdedReluOp, nn::ShrinkOp,
          nn::BitCastOp>(op))
    return true;
  // Comparisons, quantisations, casts, positions of the largest element.
  auto isFloat = [](Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); };
  return !isa<nn::ConstantOp>(op) && llvm::any_of(op->getOperandTypes(), isFloat) &&
         !llvm::all_of(op->getResultTypes(), isFloat);
}

double unitOf(Cone &cone) {
  double unit = 0;
  for (Operation *op : cone.ops())
    if (!isa<nn::ConstantOp>(op))
      for (Type type : op->getResultTypes())
        unit = std::max(unit, Rounding::of(*nn::toDType(cast<ShapedType>(type).getElementType())).unit);
  return unit;
}

/// A pass that computes in a shorter type says so in the types; then errors grow as units do.
double unitGrowth(Cone &old, Cone &now) {
  double a = unitOf(old), b = unitOf(now);
  return a > 0 && b > a ? b / a : 1;
}

} // namespace

Difference Judgement::difference(bool isResult) {
  Difference result;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    if (old.undefined[lane])
      continue;
    std::string why = now.undefined[lane] ? "an index that was within its tensor no longer is" : "";
    // They were asked for first, in this order.
    for (unsigned i = 0; why.empty() && i < elements.size(); ++i)
      why = a.isFloat ? floatDifference(i, lane, isResult) : wholeDifference(i, lane);
    if (why.empty())
      continue;
    result.lanes.set(lane);
    result.why = std::move(why);
  }
  return result;
}

std::string Judgement::wholeDifference(unsigned i, unsigned lane) {
  double allowed = a.error(i)[lane] + b.error(i)[lane];
  int64_t x = a.whole(i)[lane], y = b.whole(i)[lane];
  // Differences of 64 bits do not pass through double before they are taken.
  uint64_t distance =
      x > y ? static_cast<uint64_t>(x) - static_cast<uint64_t>(y) : static_cast<uint64_t>(y) - static_cast<uint64_t>(x);
  if (x == y || static_cast<double>(distance) <= allowed)
    return "";
  return llvm::formatv("element {0} was {1} and became {2}", elements[i], x, y);
}

std::string Judgement::floatDifference(unsigned i, unsigned lane, bool isResult) {
  double x = a.value(i)[lane], y = b.value(i)[lane], ex = a.error(i)[lane], ey = b.error(i)[lane];
  if (agree(x, y, ex, ey, old.overflown[lane], isResult))
    return "";
  return llvm::formatv("element {0} was {1} and became {2}, beyond roundings ({3})", elements[i], number(x), number(y),
                       number(ex + ey));
}

double Judgement::maxGrowth() const { return maxGrowthOf(a.type) * unitGrowth(old, now); }

Growth Judgement::growth() {
  Growth result;
  // A value that is spared an overflow may round in any way.
  if (!a.isFloat || old.undefined[offsetLane] || old.overflown[offsetLane])
    return result;
  double most = maxGrowth();
  for (unsigned i = 0; i < elements.size(); ++i) {
    double x = a.value(i)[offsetLane], y = b.value(i)[offsetLane];
    double ex = a.error(i)[offsetLane], ey = b.error(i)[offsetLane];
    double allowed = most * std::max(ex, a.rounding.own(std::fabs(x)));
    if (!std::isfinite(x) || !std::isfinite(y) || ex >= unbounded || ey >= unbounded || ey <= allowed)
      continue;
    if (result.places.empty())
      result.why = llvm::formatv("element {0}, {1}, was exact to {2} and is now to {3}", elements[i], number(x),
                                 number(ex), number(ey));
    // Roundings of constants show in what is lost, but far within its bound.
    result.isOfOneValue &= std::fabs(x - y) <= std::max(allowed, ey / 2);
    result.places.push_back(i);
  }
  return result;
}

bool Judgement::losesAsMuch(const Growth &growth) {
  return llvm::all_of(growth.places, [&](unsigned i) {
    double worse = a.error(i)[offsetLane];
    return worse < unbounded && b.error(i)[offsetLane] <= worse;
  });
}

bool Judgement::mayStep() const { return llvm::any_of(old.ops(), isStep) && llvm::any_of(now.ops(), isStep); }

std::string Judgement::overflow() {
  return (now.overflown & ~old.overflown & ~old.undefined).none()
             ? ""
             : "a value on the way overflows that did not, for inputs that are finite";
}

} // namespace sinter::codegen
