// See the header.
#include "ir/Affine.h"
#include "ir/Diagnostics.h"
#include "ir/NN.h"
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

bool ChannelAffine::isIdentity() const {
  constexpr double halfUnit = 0x1p-25;
  return isScaleOnly() && llvm::all_of(scale, [](double s) { return std::fabs(s - 1) < halfUnit; });
}

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

std::optional<ChannelAffine> ChannelAffine::along(int64_t onAxis, int64_t channels) const {
  if (isUniform()) {
    auto n = static_cast<size_t>(channels);
    return ChannelAffine{std::vector<double>(n, scale[0]), std::vector<double>(n, shift[0]), onAxis,
                         cancellation};
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

//===- Passing through ops ------------------------------------------------===//

static AffineVerdict cannotPass(Operation *op) {
  return AffineVerdict::no("OP_BLOCKS_AFFINE", "no per-channel affine passes through " + describe(op));
}

/// Whether an affine keeps its meaning where elements are compared and padding takes part.
static AffineVerdict suits(Operation *op, const ChannelFlow &flow, const ChannelAffine &affine) {
  if (flow.isOrdered && !affine.isPositive())
    return AffineVerdict::no("NEGATIVE_SCALE",
                             describe(op) + " compares values, and a scale is not positive");
  if (flow.besides && !affine.fixes(*flow.besides))
    return AffineVerdict::no("ZERO_PAD_SHIFT", describe(op) + " also reads the constant " +
                                                   std::to_string(*flow.besides) +
                                                   ", which the affine would move");
  return AffineVerdict::yes();
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

/// The affine on one operand that stands for `affine` on the result; `covered` collects the result's channels
/// that it accounts for.
static AffineVerdict passToOperand(ChannelFlowOpInterface op, unsigned operand, unsigned result,
                                   const ChannelAffine &affine, std::vector<bool> &covered,
                                   ChannelAffine &out) {
  AffineVerdict verdict = cannotPass(op);
  RankedTensorType x = rankedType(op->getOperand(operand));
  for (int64_t from = 0; from < x.getRank(); ++from) {
    std::optional<ChannelFlow> flow = op.channelFlow(operand, from, result, affine.axis);
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
      verdict =
          AffineVerdict::no("CHANNELS_MIXED", describe(op) + " gives one channel before it several after it");
      continue;
    }
    for (auto [c, r] : flow->pairs)
      covered[static_cast<size_t>(r)] = true;
    // Padding along the axis makes channels of its own; `suits` has checked that the affine keeps their
    // value.
    if (flow->besides)
      covered.assign(covered.size(), true);
    channels.affine.cancellation = affine.cancellation;
    out = channels.affine.simplified();
    return AffineVerdict::yes();
  }
  return verdict;
}

AffineVerdict passToOperands(Operation *op, unsigned result, const ChannelAffine &affine,
                             OperandAffines &operands) {
  auto flow = dyn_cast<ChannelFlowOpInterface>(op);
  if (!flow) {
    if (auto interface = dyn_cast<AffineOpInterface>(op))
      return interface.passToOperands(affine, operands);
    return cannotPass(op);
  }
  RankedTensorType y = rankedType(op->getResult(result));
  AffineVerdict verdict = cannotPass(op);
  for (int64_t axis : axesOf(affine, y.getRank())) {
    std::optional<ChannelAffine> mine = affine.along(axis, y.getDimSize(axis));
    if (!mine)
      continue;
    operands.assign(op->getNumOperands(), std::nullopt);
    std::vector<bool> covered(mine->scale.size(), false);
    for (unsigned i = 0; i < flow.dataOperands(); ++i)
      if (verdict = passToOperand(flow, i, result, *mine, covered, operands[i].emplace()); !verdict)
        break;
    if (verdict && !llvm::is_contained(covered, false))
      return verdict;
    verdict = verdict ? cannotPass(op) : verdict;
  }
  return verdict;
}

/// The affine on one result that stands for `affine`, along its own axis, on an operand.
static AffineVerdict passToResult(ChannelFlowOpInterface op, unsigned operand, const ChannelAffine &affine,
                                  unsigned result, ChannelAffine &out) {
  AffineVerdict verdict = cannotPass(op);
  RankedTensorType y = rankedType(op->getResult(result));
  for (int64_t to = 0; to < y.getRank(); ++to) {
    std::optional<ChannelFlow> flow = op.channelFlow(operand, affine.axis, result, to);
    if (!flow)
      continue;
    if (flow->isShared) {
      verdict =
          AffineVerdict::no("CHANNELS_MIXED", describe(op) + " puts other values into the same channels");
      continue;
    }
    if (verdict = suits(op, *flow, affine); !verdict)
      return verdict;
    Channels channels(y.getDimSize(to), to);
    bool agree = llvm::all_of(flow->pairs, [&](std::pair<int64_t, int64_t> pair) {
      auto c = static_cast<size_t>(pair.first);
      return channels.set(pair.second, affine.scale[c], affine.shift[c]);
    });
    if (agree) {
      channels.affine.cancellation = affine.cancellation;
      out = channels.affine.simplified();
      return AffineVerdict::yes();
    }
    verdict = AffineVerdict::no("CHANNELS_MIXED", describe(op) + " puts several channels into one");
  }
  return verdict;
}

AffineVerdict passToResults(Operation *op, unsigned operand, const ChannelAffine &affine,
                            SmallVectorImpl<ChannelAffine> &results) {
  results.assign(op->getNumResults(), {});
  auto flow = dyn_cast<ChannelFlowOpInterface>(op);
  if (!flow) {
    if (auto interface = dyn_cast<AffineOpInterface>(op))
      return interface.passToResult(operand, affine, results[0]);
    return cannotPass(op);
  }
  if (operand >= flow.dataOperands())
    return cannotPass(op);
  RankedTensorType x = rankedType(op->getOperand(operand));
  AffineVerdict verdict = cannotPass(op);
  for (int64_t axis : axesOf(affine, x.getRank())) {
    std::optional<ChannelAffine> mine = affine.along(axis, x.getDimSize(axis));
    if (!mine)
      continue;
    for (unsigned r = 0; r < op->getNumResults(); ++r)
      if (verdict = passToResult(flow, operand, *mine, r, results[r]); !verdict)
        break;
    if (verdict)
      return verdict;
  }
  return verdict;
}

} // namespace sinter::nn
