// Legality first: digits that cancel, products that overflow; then the walk of one affine through an op, channel-wise.
#include "ir/Affine.h"
#include "ir/Diagnostics.h"
#include "ir/NN.h"
#include "ir/Range.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <cmath>

using namespace mlir;

namespace sinter::nn {

//===- ChannelAffine ------------------------------------------------------===//

ChannelAffine ChannelAffine::identity(int64_t channels, int64_t axis) {
  auto n = static_cast<size_t>(channels);
  return {std::vector<double>(n, 1), std::vector<double>(n, 0), axis};
}

bool ChannelAffine::isFinite() const {
  auto finite = [](double x) { return std::isfinite(x); };
  return llvm::all_of(scale, finite) && llvm::all_of(shift, finite);
}

bool ChannelAffine::isIdentity() const { return isScaleOnly() && isShiftOnly(); }

bool ChannelAffine::isShiftOnly() const {
  return llvm::all_of(scale, [](double s) { return s == 1; });
}

bool ChannelAffine::isScaleOnly() const {
  return llvm::all_of(shift, [](double t) { return t == 0; });
}

bool ChannelAffine::isPositive() const {
  return llvm::all_of(scale, [](double s) { return s > 0; });
}

bool ChannelAffine::fixes(double x) const {
  for (auto [s, t] : llvm::zip_equal(scale, shift))
    if (s * x + t != x)
      return false;
  return true;
}

/// More channels than any affine of a model has.
static constexpr int64_t maxChannels = int64_t(1) << 22;

std::optional<ChannelAffine> ChannelAffine::along(int64_t onAxis, int64_t channels) const {
  assert(scale.size() == shift.size() && "an affine has a shift for each scale");
  assert((!isUniform() || this->channels() == 1) && "an affine without an axis has one scale");
  if (channels > maxChannels)
    return std::nullopt;
  if (isUniform()) {
    auto n = static_cast<size_t>(channels);
    return ChannelAffine{std::vector<double>(n, scale[0]), std::vector<double>(n, shift[0]), onAxis, cancellation};
  }
  if (axis != onAxis || channels != this->channels())
    return std::nullopt;
  return *this;
}

ChannelAffine ChannelAffine::simplified() const {
  if (scale.empty() || !llvm::all_equal(scale) || !llvm::all_equal(shift))
    return *this;
  return {{scale[0]}, {shift[0]}, -1, cancellation};
}

std::optional<ChannelAffine> ChannelAffine::after(const ChannelAffine &first) const {
  int64_t onAxis = isUniform() ? first.axis : axis, n = isUniform() ? first.channels() : channels();
  std::optional<ChannelAffine> inner = first.along(onAxis, n), outer = along(onAxis, n);
  if (!inner || !outer)
    return std::nullopt;
  ChannelAffine both = *outer;
  for (size_t c = 0; c < both.scale.size(); ++c) {
    both.scale[c] *= inner->scale[c];
    both.shift[c] += outer->scale[c] * inner->shift[c];
  }
  both.cancellation = std::max(cancellation, first.cancellation);
  return both;
}

/// A number as sentences show it.
static std::string shown(double x) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.6g", x);
  return text;
}

//===- Cancellation -------------------------------------------------------===//

Legality keepsDigits(const ChannelAffine &affine, Type element) {
  // Bits that may be lost: 4 of 24; of the few that short types have, one.
  double limit = element.isF64() ? 0x1p33 : element.isF32() ? 0x1p4 : 0x1p1;
  if (affine.isScaleOnly() || affine.cancellation <= limit)
    return Legality::yes();
  return Legality::no("LARGE_SHIFT", "its shift is " + shown(affine.cancellation) +
                                         " times the spread of what it gives, and up to " + shown(limit) +
                                         " may move: where they cancel, x - c is exact and W*x - W*c is not");
}

//===- Overflow -----------------------------------------------------------===//

Legality suitsProduct(const ChannelAffine &affine, Type element, Direction direction) {
  double smallest = 0x1p-20, largest = 0x1p20;
  if (element.isF16()) {
    smallest = direction == Direction::Up ? 0x1p-4 : 1;
    largest = direction == Direction::Up ? 1 : 0x1p4;
  }
  for (double s : affine.scale) {
    // (0*a)*b is 0, and 0*(a*b) is NaN where a*b overflows; the other way round, 0 stays 0.
    if (s == 0 && direction == Direction::Up)
      continue;
    if (!(std::fabs(s) >= smallest && std::fabs(s) <= largest))
      return Legality::no("MAY_OVERFLOW", "a scale of " + shown(s) +
                                              " moves past a product of computed values only between " +
                                              shown(smallest) + " and " + shown(largest) +
                                              ": beyond, they may leave the range of their type");
  }
  return Legality::yes();
}

//===- Passing through ops ------------------------------------------------===//

static Legality cannotPass(Operation *op) {
  return Legality::no("OP_BLOCKS_AFFINE", "no per-channel affine passes through " + describe(op));
}

/// Whether sums of the operand x overflow no sooner once the affine, one on the result (up) or on x (down),
/// is on the other side of the op: for all finite values, or for those that x is known to have.
static Legality staysFinite(Operation *op, Value x, const ChannelAffine &affine, Direction direction,
                            LargestOf largest) {
  Type element = elementTypeOf(x);
  constexpr double oneRounding = 1 + 0x1p-24;
  const double limit = limitsOf(element).hi,
               sumLimit = element.isF64() ? limit : limitsOf(Float32Type::get(op->getContext())).hi,
               terms = static_cast<double>(std::max<int64_t>(rankedType(x).getNumElements(), 1));
  // `now`: the largest magnitude that the op adds up before the move.
  auto suffices = [&](double now, double s, double t) {
    double moved = direction == Direction::Up ? std::fabs(s) * now + std::fabs(t)
                   : s == 0                   ? limit
                                              : std::min((now + std::fabs(t)) / std::fabs(s), limit);
    return moved <= now * oneRounding || (moved <= limit && moved * terms <= sumLimit);
  };
  std::optional<double> known;
  for (auto [s, t] : llvm::zip_equal(affine.scale, affine.shift)) {
    if (suffices(limit, s, t))
      continue;
    if (!known)
      known = std::min(largest(x), limit);
    if (!suffices(*known, s, t))
      return Legality::no("MAY_OVERFLOW", describe(op) + " adds up values that may overflow sooner with the scale " +
                                              shown(s) + " on its other side");
  }
  return Legality::yes();
}

/// Whether an affine keeps its meaning where elements are compared or added up and padding takes part.
static Legality suits(Operation *op, const ChannelFlow &flow, const ChannelAffine &affine) {
  if (flow.isOrdered && !affine.isPositive())
    return Legality::no("NEGATIVE_SCALE", describe(op) + " compares values, and a scale is not positive");
  if (flow.besides && !affine.fixes(*flow.besides))
    return Legality::no("ZERO_PAD_SHIFT", describe(op) + " also reads the constant " + std::to_string(*flow.besides) +
                                              ", which the affine would move");
  return Legality::yes();
}

namespace {
/// Scales and shifts of channels that become known one by one.
class Channels {
public:
  Channels(int64_t count, int64_t axis) : affine(ChannelAffine::identity(count, axis)), known(count, false) {}

  /// False where the channel is known to be another.
  bool set(int64_t channel, double scale, double shift) {
    auto c = static_cast<size_t>(channel);
    if (known[c])
      return affine.scale[c] == scale && affine.shift[c] == shift;
    known[c] = true;
    affine.scale[c] = scale;
    affine.shift[c] = shift;
    return true;
  }

  ChannelAffine affine; ///< the identity where nothing is known
  std::vector<bool> known;
};
} // namespace

/// The axes that an affine on a tensor of this rank may be taken to run along, the likeliest first.
static Dims axesOf(const ChannelAffine &affine, int64_t rank) {
  if (!affine.isUniform())
    return {affine.axis};
  Dims axes;
  for (int64_t axis = 0; axis < rank; ++axis)
    axes.push_back((axis + 1) % rank);
  return axes;
}

/// Whether an affine leaves a channel as it is.
static bool keeps(const ChannelAffine &affine, int64_t channel) {
  auto c = static_cast<size_t>(channel);
  return affine.scale[c] == 1 && affine.shift[c] == 0;
}

/// The affine on one operand that stands for `affine` on the result; `covered` collects the result's channels
/// that it accounts for.
static Legality passToOperand(ChannelFlowOpInterface op, unsigned operand, unsigned result, const ChannelAffine &affine,
                              LargestOf largest, std::vector<bool> &covered, ChannelAffine &out) {
  Legality verdict = cannotPass(op);
  RankedTensorType x = rankedType(op->getOperand(operand));
  for (int64_t from = 0; from < x.getRank(); ++from) {
    std::optional<ChannelFlow> flow = flowOf(op, operand, from, result, affine.axis);
    if (!flow)
      continue;
    if (verdict = suits(op, *flow, affine); !verdict)
      return verdict;
    Channels channels(x.getDimSize(from), from);
    bool agree = llvm::all_of(flow->pairs, [&](std::pair<int64_t, int64_t> pair) {
      auto r = static_cast<size_t>(pair.second);
      return channels.set(pair.first, affine.scale[r], affine.shift[r]);
    });
    if (!agree) {
      verdict = Legality::no("CHANNELS_MIXED", describe(op) + " gives one channel before it several after it");
      continue;
    }
    if (llvm::any_of(flow->elsewhere, [&](int64_t c) { return !keeps(channels.affine, c); })) {
      verdict = Legality::no("SIBLING_RESULT",
                             "the same channels reach another result of " + describe(op) + ", which has to stay");
      continue;
    }
    if (flow->isSum && largest)
      if (verdict = staysFinite(op, op->getOperand(operand), affine, Direction::Up, largest); !verdict)
        return verdict;
    for (auto [c, r] : flow->pairs)
      covered[static_cast<size_t>(r)] = true;
    // Padding along the axis makes channels of its own; `suits` has checked that the affine keeps their
    // value.
    if (flow->besides)
      covered.assign(covered.size(), true);
    channels.affine.cancellation = affine.cancellation;
    out = channels.affine.simplified();
    return Legality::yes();
  }
  return verdict;
}

Legality passToOperands(Operation *op, unsigned result, const ChannelAffine &affine, LargestOf largest,
                        OperandAffines &operands) {
  auto flow = dyn_cast<ChannelFlowOpInterface>(op);
  if (!flow) {
    // Its answers are those of ops with one result.
    if (auto interface = dyn_cast<AffineOpInterface>(op); interface && op->getNumResults() == 1)
      return interface.passToOperands(affine, operands);
    return cannotPass(op);
  }
  RankedTensorType y = rankedType(op->getResult(result));
  Legality verdict = cannotPass(op);
  for (int64_t axis : axesOf(affine, y.getRank())) {
    std::optional<ChannelAffine> mine = affine.along(axis, y.getDimSize(axis));
    if (!mine)
      continue;
    operands.assign(op->getNumOperands(), std::nullopt);
    std::vector<bool> covered(mine->scale.size(), false);
    for (unsigned i = 0; i < flow.dataOperands(); ++i)
      if (verdict = passToOperand(flow, i, result, *mine, largest, covered, operands[i].emplace()); !verdict)
        break;
    if (verdict && !llvm::is_contained(covered, false))
      return verdict;
    verdict = verdict ? cannotPass(op) : verdict;
  }
  return verdict;
}

/// The affine on one result that stands for `affine`, along its own axis, on an operand.
static Legality passToResult(ChannelFlowOpInterface op, unsigned operand, const ChannelAffine &affine,
                             LargestOf largest, unsigned result, ChannelAffine &out) {
  Legality verdict = cannotPass(op);
  RankedTensorType y = rankedType(op->getResult(result));
  for (int64_t to = 0; to < y.getRank(); ++to) {
    std::optional<ChannelFlow> flow = flowOf(op, operand, affine.axis, result, to);
    if (!flow)
      continue;
    if (flow->isShared) {
      verdict = Legality::no("CHANNELS_MIXED", describe(op) + " puts other values into the same channels");
      continue;
    }
    if (verdict = suits(op, *flow, affine); !verdict)
      return verdict;
    if (flow->isSum && largest)
      if (verdict = staysFinite(op, op->getOperand(operand), affine, Direction::Down, largest); !verdict)
        return verdict;
    Channels channels(y.getDimSize(to), to);
    bool agree = llvm::all_of(flow->pairs, [&](std::pair<int64_t, int64_t> pair) {
      auto c = static_cast<size_t>(pair.first);
      return channels.set(pair.second, affine.scale[c], affine.shift[c]);
    });
    if (agree) {
      channels.affine.cancellation = affine.cancellation;
      out = channels.affine.simplified();
      return Legality::yes();
    }
    verdict = Legality::no("CHANNELS_MIXED", describe(op) + " puts several channels into one");
  }
  return verdict;
}

Legality passToResults(Operation *op, unsigned operand, const ChannelAffine &affine, LargestOf largest,
                       SmallVectorImpl<ChannelAffine> &results) {
  results.assign(op->getNumResults(), {});
  auto flow = dyn_cast<ChannelFlowOpInterface>(op);
  if (!flow) {
    if (auto interface = dyn_cast<AffineOpInterface>(op); interface && op->getNumResults() == 1)
      return interface.passToResult(operand, affine, results[0]);
    return cannotPass(op);
  }
  if (operand >= flow.dataOperands())
    return cannotPass(op);
  RankedTensorType x = rankedType(op->getOperand(operand));
  Legality verdict = cannotPass(op);
  for (int64_t axis : axesOf(affine, x.getRank())) {
    std::optional<ChannelAffine> mine = affine.along(axis, x.getDimSize(axis));
    if (!mine)
      continue;
    for (unsigned r = 0; r < op->getNumResults(); ++r)
      if (verdict = passToResult(flow, operand, *mine, largest, r, results[r]); !verdict)
        break;
    if (verdict)
      return verdict;
  }
  return verdict;
}

} // namespace sinter::nn
