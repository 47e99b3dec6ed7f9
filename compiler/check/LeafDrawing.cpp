// A leaf copies the elements that a leaf of the same number has drawn already, and draws the missing ones.
#include "compiler/check/LeafDrawing.h"
#include "compiler/check/Cone.h"
#include "ir/Ops.h"

using namespace mlir;

namespace sinter::codegen {

static void copy(Points &from, unsigned at, Points &to, unsigned slot) {
  if (to.isFloat)
    std::copy_n(from.value(at), lanes, to.value(slot));
  else
    std::copy_n(from.whole(at), lanes, to.whole(slot));
}

static bool copyFrom(ArrayRef<Points *> others, Points &points, unsigned slot) {
  for (Points *other : others) {
    // Both versions mostly ask for the same elements in the same order.
    bool isSame = slot < other->size() && other->elements[slot] == points.elements[slot];
    if (std::optional<unsigned> at = isSame ? std::optional(slot) : other->find(points.elements[slot])) {
      copy(*other, *at, points, slot);
      return true;
    }
  }
  return false;
}

void LeafDrawing::draw(Value leaf, Points &points, bool isBounded) {
  ValueNumber number = numbering.of(leaf);
  SmallVector<Points *, 2> &others = drawn[number];
  LeafDraw how = describe(leaf, points, isBounded);
  if (others.empty()) {
    how.fill(points);
  } else {
    Points missing(points.type, nn::rankedType(leaf).getNumElements());
    SmallVector<unsigned> places;
    for (unsigned slot = 0; slot < points.size(); ++slot)
      if (!copyFrom(others, points, slot)) {
        unsigned at = missing.demand(points.elements[slot]);
        missing.centre[at] = points.centre[slot], missing.spread[at] = points.spread[slot];
        missing.weight[at] = points.weight[slot];
        places.push_back(slot);
      }
    missing.allocate();
    describe(leaf, missing, isBounded).fill(missing);
    for (auto [at, slot] : llvm::enumerate(places))
      copy(missing, static_cast<unsigned>(at), points, slot);
  }
  others.push_back(&points);
}

static void setChannels(Value leaf, const Points &points, LeafDraw &how) {
  if (how.range.isUniform())
    return;
  ArrayRef<int64_t> shape = nn::rankedType(leaf).getShape();
  auto axis = static_cast<size_t>(how.range.axis);
  int64_t stride = nn::rowMajorStrides(shape)[axis];
  for (int64_t element : points.elements)
    how.channel.push_back(element / stride % shape[axis]);
}

LeafDraw LeafDrawing::describe(Value leaf, const Points &points, bool isBounded) {
  LeafDraw how;
  how.number = numbering.of(leaf);
  how.hugeScale = hugeScale;
  how.assumeFinite = before->getParentOp()->hasAttr(nn::assumeFiniteAttr);
  how.range = nn::TensorRange::unknown(leaf.getType());
  auto argument = dyn_cast<BlockArgument>(leaf);
  if (argument) {
    if (auto declared = before.getArgAttrOfType<DenseF64ArrayAttr>(argument.getArgNumber(), nn::inputRangeAttr)) {
      how.range = nn::TensorRange::uniform({declared[0], declared[1]}, false);
      how.isDeclared = true;
    }
  } else if (isBounded) {
    how.range = rangeOf(leaf);
    setChannels(leaf, points, how);
  }
  return how;
}

nn::TensorRange LeafDrawing::rangeOf(Value leaf) {
  if (!ranges)
    ranges.emplace(before);
  if (oldValues.empty())
    for (Operation *op : computingOps(before))
      for (Value value : op->getResults())
        oldValues.try_emplace(numbering.of(value), value);
  Value old = oldValues.lookup(numbering.of(leaf));
  return old ? ranges->rangeOf(old) : nn::TensorRange::unknown(leaf.getType());
}

} // namespace sinter::codegen
