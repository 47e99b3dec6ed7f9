// Ops that pick what was detected: verify, shape, reference, range.
#include "ir/ops/Detection.h"
#include "ir/RangeRules.h"
#include "ir/Reference.h"
#include <array>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Detection.cpp.inc"

//===- nn.non_max_suppression --------------------------------------------===//

LogicalResult NonMaxSuppressionOp::verify() {
  if (static_cast<int64_t>(getMaxOutput()) < 0)
    return emitOpError("cannot give ") << static_cast<int64_t>(getMaxOutput()) << " boxes per class";
  return success();
}

int64_t NonMaxSuppressionOp::maxPerClass() {
  return std::min(static_cast<int64_t>(getMaxOutput()), rankedType(getBoxes()).getDimSize(1));
}

double NonMaxSuppressionOp::comparisons() { return elementsOf(getScores()) * dimOf(getBoxes(), 1); }

float NonMaxSuppressionOp::minScore() {
  return getScoreThreshold() ? getScoreThreshold()->convertToFloat() : -std::numeric_limits<float>::infinity();
}

LogicalResult NonMaxSuppressionOp::inferShapes(SmallVectorImpl<Type> &types) {
  RankedTensorType boxes = rankedType(getBoxes()), scores = rankedType(getScores());
  auto contradicts = [](int64_t a, int64_t b) {
    return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b;
  };
  if ((boxes && boxes.getRank() != 3) || (scores && scores.getRank() != 3))
    return emitOpError("needs boxes [images, boxes, 4] and scores [images, classes, boxes]");
  if (boxes && scores &&
      (contradicts(boxes.getDimSize(2), 4) || contradicts(boxes.getDimSize(0), scores.getDimSize(0)) ||
       contradicts(boxes.getDimSize(1), scores.getDimSize(2))))
    return emitOpError("has boxes ") << boxes << " and scores " << scores << ", which do not fit";
  int64_t rows = ShapedType::kDynamic;
  if (boxes && scores && boxes.hasStaticShape() && scores.hasStaticShape()) {
    __int128 most = __int128(maxPerClass()) * scores.getDimSize(0) * scores.getDimSize(1);
    if (most > std::numeric_limits<int32_t>::max())
      return emitOpError("may select more boxes than can be counted; lower max_output");
    rows = static_cast<int64_t>(most);
  }
  Type integer = IntegerType::get(getContext(), 64);
  return success(succeeded(pushShape(*this, {rows, 3}, integer, types)) &&
                 succeeded(pushShape(*this, {}, integer, types)));
}

namespace {
struct Box {
  float top, left, bottom, right;
  float area() const { return (bottom - top) * (right - left); }
};
} // namespace

static Box boxAt(ArrayRef<float> v, bool center) {
  if (center)
    return {v[1] - v[3] / 2, v[0] - v[2] / 2, v[1] + v[3] / 2, v[0] + v[2] / 2};
  return {std::min(v[0], v[2]), std::min(v[1], v[3]), std::max(v[0], v[2]), std::max(v[1], v[3])};
}

/// Whether the intersection over the union exceeds the threshold; boxes without area overlap nothing.
static bool overlap(const Box &a, const Box &b, float threshold) {
  float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  if (!(height > 0) || !(width > 0) || !(a.area() > 0) || !(b.area() > 0))
    return false;
  float both = height * width;
  return both / (a.area() + b.area() - both) > threshold;
}

LogicalResult NonMaxSuppressionOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  const Tensor &boxes = io.operand(0u), &scores = io.operand(1u);
  int64_t images = scores.shape()[0], classes = scores.shape()[1], count = scores.shape()[2], found = 0;
  ArrayRef<float> coordinates(boxes.as<float>().data(), boxes.size());
  auto rows = io.result(0).as<int64_t>();
  for (int64_t line = 0; line < images * classes; ++line) {
    int64_t image = line / classes;
    // bounded: elements of the scores.
    std::vector<float> left(scores.as<float>().begin() + line * count, scores.as<float>().begin() + (line + 1) * count);
    auto box = [&](int64_t i) { return boxAt(coordinates.slice((image * count + i) * 4, 4), getCenter()); };
    for (int64_t taken = 0; taken < maxPerClass(); ++taken) {
      int64_t best = -1;
      float most = minScore();
      for (int64_t i = 0; i < count; ++i)
        if (left[i] > most) {
          most = left[i];
          best = i;
        }
      if (best < 0)
        break;
      for (auto [to, value] : llvm::enumerate(std::array{image, line % classes, best}))
        rows[found * 3 + static_cast<int64_t>(to)] = value;
      ++found;
      Box chosen = box(best);
      for (int64_t i = 0; i < count; ++i)
        if (i == best || overlap(chosen, box(i), getIouThreshold().convertToFloat()))
          left[i] = -std::numeric_limits<float>::infinity();
    }
  }
  std::fill(rows.begin() + found * 3, rows.end(), 0);
  io.result(1).as<int64_t>()[0] = found;
  return success();
}

void NonMaxSuppressionOp::inferRange(Ranges, RangeResults y) {
  RankedTensorType scores = rankedType(getScores());
  double most = 0;
  for (int64_t dim : scores.getShape())
    most = std::max(most, static_cast<double>(dim));
  y[0] = TensorRange::uniform({0, most}, false);
  y[1] = TensorRange::uniform({0, static_cast<double>(rankedType(getSelected()).getDimSize(0))}, false);
}
