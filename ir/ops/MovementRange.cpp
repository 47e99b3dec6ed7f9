// Value ranges of ops that move elements: the operand's, with the axis tracked.
#include "ir/RangeRules.h"
#include "ir/ops/Movement.h"
#include "ir/ops/View.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

/// The range whose index i along the axis is x's index from[i].
static TensorRange picked(const TensorRange &x, int64_t axis, ArrayRef<int64_t> from) {
  TensorRange y{axis, {}, x.mayBeNaN};
  for (int64_t channel : from)
    y.channels.push_back(x.at(channel));
  return from.empty() ? x.collapsed() : y;
}

//===- Views -------------------------------------------------------------===//

template <typename Op> static TensorRange viewRange(Op op, const TensorRange &x) {
  return reshaped(x, rankedType(op.getX()).getShape(), rankedType(op.getY()).getShape());
}

void IdentityOp::inferRange(Ranges x, RangeResults y) { y[0] = x[0]; }
void ReshapeOp::inferRange(Ranges x, RangeResults y) { y[0] = viewRange(*this, x[0]); }
void FlattenOp::inferRange(Ranges x, RangeResults y) { y[0] = viewRange(*this, x[0]); }
void SqueezeOp::inferRange(Ranges x, RangeResults y) { y[0] = viewRange(*this, x[0]); }
void UnsqueezeOp::inferRange(Ranges x, RangeResults y) { y[0] = viewRange(*this, x[0]); }

void ReorderOp::inferRange(Ranges x, RangeResults y) { y[0] = x[0]; }

//===- Rearranged --------------------------------------------------------===//

void TransposeOp::inferRange(Ranges x, RangeResults y) {
  Dims perm = permutation(rankedType(getX()).getRank());
  y[0] = x[0].isUniform() ? x[0] : withAxis(x[0], llvm::find(perm, x[0].axis) - perm.begin());
}

void DepthToSpaceOp::inferRange(Ranges operands, RangeResults y) {
  const TensorRange &x = operands[0];
  if (x.axis != 1) {
    y[0] = x.axis > 1 ? x.collapsed() : x;
    return;
  }
  int64_t block = getBlocksize() * getBlocksize(), channels = rankedType(getY()).getDimSize(1);
  bool blockFirst = getMode() == DepthToSpaceMode::BlockFirst;
  y[0] = TensorRange{1, {}, x.mayBeNaN};
  for (int64_t c = 0; c < channels; ++c) {
    Interval all = x.at(blockFirst ? c : c * block);
    for (int64_t k = 1; k < block; ++k)
      all = all.hull(x.at(blockFirst ? k * channels + c : c * block + k));
    y[0].channels.push_back(all);
  }
}

void SpaceToDepthOp::inferRange(Ranges operands, RangeResults y) {
  const TensorRange &x = operands[0];
  if (x.axis != 1) {
    y[0] = x.axis > 1 ? x.collapsed() : x;
    return;
  }
  Dims from;
  for (int64_t c = 0; c < rankedType(getY()).getDimSize(1); ++c)
    from.push_back(c % rankedType(getX()).getDimSize(1));
  y[0] = picked(x, 1, from);
}

//===- Joined, cut, repeated ---------------------------------------------===//

void ConcatOp::inferRange(Ranges operands, RangeResults y) {
  RankedTensorType type = rankedType(getY());
  int64_t axis = *normaliseAxis(getAxis(), type.getRank());
  // Empty parts have no elements.
  SmallVector<TensorRange> parts;
  SmallVector<int64_t> sizes;
  bool alongOther = false;
  for (auto [range, input] : llvm::zip_equal(operands, getInputs()))
    if (rankedType(input).getNumElements() > 0) {
      parts.push_back(range);
      sizes.push_back(rankedType(input).getDimSize(axis));
      alongOther |= !range.isUniform() && range.axis != axis;
    }
  if (parts.empty())
    return;
  constexpr int64_t maxChannels = int64_t(1) << 20;
  if (alongOther || type.getDimSize(axis) > maxChannels) {
    for (TensorRange &part : parts)
      part = collapsedAlong(part, axis);
    y[0] = combine(parts, [](ArrayRef<Interval> v) {
      Interval all = v[0];
      for (Interval part : v)
        all = all.hull(part);
      return all;
    });
    return;
  }
  y[0] = TensorRange{axis, {}, false};
  for (auto [part, size] : llvm::zip_equal(parts, sizes)) {
    y[0].mayBeNaN |= part.mayBeNaN;
    llvm::append_range(y[0].channels, part.along(axis, static_cast<size_t>(size)));
  }
  if (llvm::all_equal(y[0].channels))
    y[0] = y[0].collapsed();
}

/// The range of a part that `copy` reads of x: along the axis it starts and steps where the copy does.
static TensorRange cutRange(const TensorRange &x, RankedTensorType type, const StridedCopy &copy) {
  if (x.isUniform())
    return x;
  int64_t stride = rowMajorStrides(type.getShape())[static_cast<size_t>(x.axis)], dim = type.getDimSize(x.axis);
  int64_t first = copy.srcOffset / stride % dim, step = copy.srcStrides[static_cast<size_t>(x.axis)] / stride;
  Dims from;
  for (int64_t i = 0; i < copy.shape[static_cast<size_t>(x.axis)]; ++i)
    from.push_back(first + i * step);
  return picked(x, x.axis, from);
}

void SplitOp::inferRange(Ranges x, RangeResults y) {
  SmallVector<StridedCopy> copies;
  if (rankedType(getX()).getNumElements() == 0 || failed(appendCopies(constantInts, copies)))
    return;
  for (auto [copy, part] : llvm::zip_equal(copies, y))
    part = cutRange(x[0], rankedType(getX()), copy);
}

void SliceOp::inferRange(Ranges operands, RangeResults y) {
  y[0] = operands[0].collapsed();
  bool isConstant =
      llvm::all_of(getOperands().drop_front(), [](Value value) { return constantInts(value).has_value(); });
  SmallVector<StridedCopy> copies;
  if (isConstant && rankedType(getY()).getNumElements() > 0 && succeeded(appendCopies(constantInts, copies)))
    y[0] = cutRange(operands[0], rankedType(getX()), copies.front());
}

void ExpandOp::inferRange(Ranges x, RangeResults y) {
  y[0] = broadcastTo(x[0], rankedType(getX()), rankedType(getY()));
}

void TileOp::inferRange(Ranges x, RangeResults y) {
  y[0] = x[0];
  if (x[0].isUniform())
    return;
  Dims from;
  for (int64_t i = 0; i < rankedType(getY()).getDimSize(x[0].axis); ++i)
    from.push_back(i % rankedType(getX()).getDimSize(x[0].axis));
  y[0] = picked(x[0], x[0].axis, from);
}

//===- nn.pad, nn.trilu --------------------------------------------------===//

void PadOp::inferRange(Ranges operands, RangeResults y) {
  const TensorRange &x = operands[0];
  TensorRange value = TensorRange::uniform({0, 0}, false);
  if (getValue())
    value = operands[2].collapsed();
  bool isConstant = constantInts(getPads()) && (!getAxes() || constantInts(getAxes()));
  FailureOr<IndexTables> tables = failure();
  if (isConstant && rankedType(getX()).getNumElements() > 0 && rankedType(getY()).getNumElements() > 0)
    tables = sourceTables(constantInts);
  if (failed(tables)) {
    y[0] = getMode() == PadMode::Constant ? TensorRange::join(x.collapsed(), value) : x.collapsed();
    return;
  }
  // Padding along another dimension meets every index of the axis.
  Dims strides = rowMajorStrides(rankedType(getX()).getShape());
  bool fillsAll = false;
  for (auto [d, offsets] : llvm::enumerate(tables->offsets))
    fillsAll |= static_cast<int64_t>(d) != x.axis && llvm::is_contained(offsets, -1);
  y[0] = x;
  bool fills = fillsAll;
  if (!x.isUniform()) {
    y[0].channels.clear();
    for (int64_t offset : tables->offsets[static_cast<size_t>(x.axis)]) {
      fills |= offset < 0;
      y[0].channels.push_back(offset < 0 ? value.hull() : x.at(offset / strides[static_cast<size_t>(x.axis)]));
    }
  }
  if (fillsAll)
    y[0] = y[0].map([&](Interval v) { return v.hull(value.hull()); });
  y[0].mayBeNaN |= fills && value.mayBeNaN;
}

void TriluOp::inferRange(Ranges x, RangeResults y) {
  y[0] = x[0].map([](Interval v) { return v.hull({0, 0}); });
}
