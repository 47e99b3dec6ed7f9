// A generator with a fixed seed chooses places, so that every comparison of a type takes the same elements.
#include "compiler/check/Sample.h"
#include "ir/Ops.h"

using namespace mlir;

namespace sinter::codegen {

namespace {

class Chooser {
public:
  Chooser(ArrayRef<int64_t> shape, int64_t maxChannels)
      : shape(shape), maxChannels(maxChannels), strides(nn::rowMajorStrides(shape)) {
    for (size_t d = 0; d < shape.size(); ++d)
      base.push_back(inside(d));
  }

  int64_t random(int64_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int64_t>((state >> 33) % static_cast<uint64_t>(n));
  }
  int64_t place(llvm::function_ref<int64_t(size_t)> at) {
    nn::Dims index;
    for (size_t d = 0; d < shape.size(); ++d)
      index.push_back(at(d));
    return nn::offsetOf(index, strides);
  }
  int64_t inside(size_t d) { return random(shape[d]); }

  /// One place, through which the lists of channels go: they share its row and its window.
  int64_t basePlace() const { return nn::offsetOf(base, strides); }

  SmallVector<int64_t> along(size_t axis) {
    SmallVector<int64_t> elements;
    nn::Dims index = base;
    int64_t step = std::max<int64_t>(1, shape[axis] / maxChannels);
    for (int64_t c = 0; c < shape[axis]; c += step) {
      index[axis] = std::min(shape[axis] - 1, c + (step > 1 ? random(step) : 0));
      elements.push_back(nn::offsetOf(index, strides));
    }
    if (elements.size() > 2) {
      std::swap(elements[1], elements.back());
      for (size_t i = elements.size() - 1; i > 2; --i)
        std::swap(elements[i], elements[2 + static_cast<size_t>(random(static_cast<int64_t>(i - 1)))]);
    }
    return elements;
  }

private:
  uint64_t state = 12345;
  ArrayRef<int64_t> shape;
  int64_t maxChannels;
  nn::Dims strides, base;
};

} // namespace

Sample Sample::of(RankedTensorType type, int64_t maxChannels) {
  Sample sample;
  ArrayRef<int64_t> shape = type.getShape();
  if (type.getNumElements() == 0)
    return sample;
  Chooser choose(shape, maxChannels);
  auto inside = [&](size_t d) { return choose.inside(d); };
  sample.corners.push_back(choose.basePlace());
  sample.corners.push_back(0);
  sample.corners.push_back(type.getNumElements() - 1);
  for (size_t edge = 0; edge < shape.size(); ++edge)
    for (int64_t at : {int64_t(0), shape[edge] - 1})
      sample.places.push_back(choose.place([&](size_t d) { return d == edge ? at : choose.inside(d); }));
  for (int i = 0; i < 4; ++i)
    sample.places.push_back(choose.place(inside));
  // Alternately from both ends: a beginning has edges of all kinds and places inside.
  for (size_t i = 1; i < sample.places.size() / 2; i += 2)
    std::swap(sample.places[i], sample.places[sample.places.size() - 1 - i]);
  if (shape.size() == 1)
    sample.channels.push_back(choose.along(0));
  if (shape.size() > 1)
    sample.channels.push_back(choose.along(1));
  if (shape.size() == 3)
    sample.channels.push_back(choose.along(shape.size() - 1));
  return sample;
}

SmallVector<int64_t> spread(RankedTensorType type, int64_t maxElements) {
  int64_t count = type.getNumElements(), taken = std::min(count, maxElements);
  SmallVector<int64_t> elements;
  for (int64_t i = 0; i < taken; ++i)
    elements.push_back(i * count / taken);
  return elements;
}

} // namespace sinter::codegen
