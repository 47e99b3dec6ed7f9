// Copies connect channels by offsets modulo strides; views by groups of dimensions with equal products.
#include "ir/ChannelFlow.h"
#include "ir/Limits.h"
#include "ir/NN.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace sinter::nn {

ChannelFlow ChannelFlow::straight(int64_t n) {
  ChannelFlow flow;
  for (int64_t c = 0; c < n; ++c)
    flow.pairs.push_back({c, c});
  return flow;
}

ChannelFlow ChannelFlow::straight(int64_t n, double besides) {
  ChannelFlow flow = straight(n);
  flow.besides = besides;
  return flow;
}

ChannelFlow ChannelFlow::ordered() && {
  isOrdered = true;
  return std::move(*this);
}

ChannelFlow ChannelFlow::summed() && {
  isSum = true;
  return std::move(*this);
}

std::optional<ChannelFlow> flowOf(ChannelFlowOpInterface op, unsigned operand, int64_t from, unsigned result,
                                  int64_t to) {
  return hasLongAxis(op) ? std::nullopt : op.channelFlow(operand, from, result, to);
}

std::optional<ChannelFlow> flowAlongSameAxis(Value x, int64_t from, int64_t to) {
  if (from != to)
    return std::nullopt;
  return ChannelFlow::straight(rankedType(x).getDimSize(from));
}

//===- Copies -------------------------------------------------------------===//

/// One axis of a dense row-major tensor, by offsets: index = offset / stride % size.
namespace {
struct AxisOfOffsets {
  int64_t stride, size;

  AxisOfOffsets(ArrayRef<int64_t> shape, int64_t axis) : stride(rowMajorStrides(shape)[axis]), size(shape[axis]) {}
  int64_t index(int64_t offset) const { return offset / stride % size; }
  /// Whether steps of this many elements move along the axis. Copies are boxes: a dimension moves along one
  /// axis, and never carries into the next.
  bool isMovedBy(int64_t step) const { return std::abs(step) >= stride && std::abs(step) < stride * size; }
};
} // namespace

/// Calls f(operand channel, result channel) for the channels that one copy connects.
template <typename F>
static void visitChannels(const StridedCopy &copy, const AxisOfOffsets &source, const AxisOfOffsets &target, F f) {
  Dims shape, sourceSteps, targetSteps;
  for (auto [size, sourceStep, targetStep] : llvm::zip_equal(copy.shape, copy.srcStrides, copy.dstStrides)) {
    if (size == 0)
      return;
    if (size == 1 || !(source.isMovedBy(sourceStep) || target.isMovedBy(targetStep)))
      continue;
    shape.push_back(size);
    sourceSteps.push_back(sourceStep);
    targetSteps.push_back(targetStep);
  }
  Dims index(shape.size(), 0);
  do
    f(source.index(copy.srcOffset + offsetOf(index, sourceSteps)),
      target.index(copy.dstOffset + offsetOf(index, targetSteps)));
  while (nextIndex(index, shape));
}

std::optional<ChannelFlow> flowThroughCopies(Operation *op, unsigned operand, int64_t from, unsigned result,
                                             int64_t to) {
  SmallVector<StridedCopy> copies;
  RankedTensorType y = rankedType(op->getResult(result));
  if (y.getNumElements() == 0 || failed(cast<MovementOpInterface>(op).appendCopies(constantInts, copies)))
    return std::nullopt;
  AxisOfOffsets source(rankedType(op->getOperand(operand)).getShape(), from), target(y.getShape(), to);
  ChannelFlow flow;
  DenseSet<std::pair<int64_t, int64_t>> seen;
  DenseSet<int64_t> mine, elsewhere;
  for (const StridedCopy &copy : copies) {
    if (copy.operand != operand)
      continue;
    if (copy.result == result) {
      visitChannels(copy, source, target, [&](int64_t c, int64_t r) {
        if (seen.insert({c, r}).second)
          flow.pairs.push_back({c, r});
        mine.insert(r);
      });
    } else if (Value other = op->getResult(copy.result); !other.use_empty()) {
      visitChannels(copy, source, AxisOfOffsets(rankedType(other).getShape(), 0), [&](int64_t c, int64_t) {
        if (elsewhere.insert(c).second)
          flow.elsewhere.push_back(c);
      });
    }
  }
  for (const StridedCopy &copy : copies)
    if (copy.operand != operand && copy.result == result)
      visitChannels(copy, AxisOfOffsets(rankedType(op->getOperand(copy.operand)).getShape(), 0), target,
                    [&](int64_t, int64_t r) { flow.isShared |= mine.contains(r); });
  return flow;
}

//===- Views --------------------------------------------------------------===//

namespace {
/// The dimensions [begin, end) of one side of a view.
struct DimGroup {
  size_t begin = 0, end = 0;
  bool contains(int64_t axis) const { return axis >= static_cast<int64_t>(begin) && axis < static_cast<int64_t>(end); }
};
} // namespace

/// Cuts two shapes of equal element count into the shortest groups of neighbouring dimensions with equal
/// products; calls f(group of a, group of b) until it returns true.
template <typename F> static void visitGroups(ArrayRef<int64_t> a, ArrayRef<int64_t> b, F f) {
  DimGroup left, right;
  while (left.end < a.size() || right.end < b.size()) {
    left.begin = left.end;
    right.begin = right.end;
    int64_t m = left.end < a.size() ? a[left.end++] : 1, n = right.end < b.size() ? b[right.end++] : 1;
    while (m != n && (m < n ? left.end < a.size() : right.end < b.size()))
      m < n ? m *= a[left.end++] : n *= b[right.end++];
    // Trailing ones belong to the last group.
    if (left.end < a.size() &&
        llvm::all_of(a.drop_front(left.end), [](int64_t d) { return d == 1; }) && right.end == b.size())
      left.end = a.size();
    if (right.end < b.size() &&
        llvm::all_of(b.drop_front(right.end), [](int64_t d) { return d == 1; }) && left.end == a.size())
      right.end = b.size();
    if (f(left, right))
      return;
  }
}

std::optional<ChannelFlow> flowThroughView(Value x, Value y, int64_t from, int64_t to) {
  ArrayRef<int64_t> a = rankedType(x).getShape(), b = rankedType(y).getShape();
  if (llvm::is_contained(a, 0) || llvm::is_contained(b, 0))
    return std::nullopt;
  assert(elementCount(a) == elementCount(b) && "a view has as many elements as its operand");
  constexpr int64_t maxPositions = int64_t(1) << 22;
  std::optional<ChannelFlow> flow;
  visitGroups(a, b, [&](DimGroup left, DimGroup right) {
    if (!left.contains(from))
      return false;
    if (!right.contains(to))
      return true;
    ArrayRef<int64_t> mine = a.slice(left.begin, left.end - left.begin),
                      theirs = b.slice(right.begin, right.end - right.begin);
    int64_t positions = *elementCount(mine);
    AxisOfOffsets source(mine, from - static_cast<int64_t>(left.begin)),
        target(theirs, to - static_cast<int64_t>(right.begin));
    if (positions > maxPositions)
      return true;
    flow.emplace();
    DenseSet<std::pair<int64_t, int64_t>> seen;
    // Both indices stand still for as long as the smaller stride.
    int64_t step = std::gcd(source.stride, target.stride);
    for (int64_t at = 0; at < positions; at += step)
      if (std::pair pair(source.index(at), target.index(at)); seen.insert(pair).second)
        flow->pairs.push_back(pair);
    return true;
  });
  return flow;
}

} // namespace sinter::nn
