// Walks up from the value; each op changes offset and strides, and the first that no strides express ends the walk.
#include "ir/analysis/StridedView.h"
#include "ir/Layout.h"
#include "ir/Ops.h"
#include "ir/StridedCopy.h"

using namespace mlir;

namespace sinter::nn {

/// The strides of the same elements under another shape; nothing if none give them in that order.
static std::optional<Dims> reshaped(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides, ArrayRef<int64_t> target) {
  Dims result(target.size(), 0);
  size_t i = 0, j = 0;
  while (i < shape.size() && j < target.size()) {
    // Dimensions from either side until they have as many elements.
    size_t firstOld = i, firstNew = j;
    int64_t old = shape[i++], now = target[j++];
    while (old != now)
      if (old < now && i < shape.size())
        old *= shape[i++];
      else if (now < old && j < target.size())
        now *= target[j++];
      else
        return std::nullopt;
    // The old ones must run on into each other; those of size 1 stand anywhere.
    int64_t stride = 0, extent = 0;
    for (size_t d = i; d-- > firstOld;) {
      if (shape[d] == 1)
        continue;
      if (extent != 0 && strides[d] != extent)
        return std::nullopt;
      if (extent == 0)
        stride = strides[d];
      extent = strides[d] * shape[d];
    }
    for (size_t d = j; d-- > firstNew;) {
      result[d] = stride;
      stride *= target[d];
    }
  }
  auto isOne = [](int64_t size) { return size == 1; };
  if (!llvm::all_of(shape.drop_front(i), isOne) || !llvm::all_of(target.drop_front(j), isOne))
    return std::nullopt;
  return result;
}

/// The view through an op that copies the elements of its first operand; nothing if it is no plain choice of them.
static std::optional<StridedView> throughMovement(Operation *op, unsigned result, Block *block) {
  ArrayRef<int64_t> from = rankedType(op->getOperand(0)).getShape(), to = rankedType(op->getResult(result)).getShape();
  SmallVector<StridedCopy> copies;
  if (failed(cast<MovementOpInterface>(op).appendCopies(constantInts, copies)))
    return std::nullopt;
  const StridedCopy *copy = llvm::find_if(copies, [&](const StridedCopy &c) { return c.result == result; });
  if (copy == copies.end() || ArrayRef(copy->shape) != to || copy->dstOffset != 0 ||
      copy->dstStrides != rowMajorStrides(to) || from.size() != to.size() ||
      llvm::count_if(copies, [&](const StridedCopy &c) { return c.result == result; }) != 1)
    return std::nullopt;
  StridedView view = stridedView(op->getOperand(0), block);
  Dims dense = rowMajorStrides(from), strides;
  int64_t rest = copy->srcOffset;
  for (size_t d = 0; d < from.size(); ++d) {
    if (dense[d] == 0 || copy->srcStrides[d] % dense[d] != 0)
      return std::nullopt;
    view.offset += rest / dense[d] * view.strides[d];
    rest %= dense[d];
    strides.push_back(view.strides[d] * (copy->srcStrides[d] / dense[d]));
  }
  view.strides = strides;
  return view;
}

StridedView stridedView(Value v, Block *block) {
  assert(rankedType(v).hasStaticShape() && "strides are those of a static shape");
  StridedView plain{v, 0, rowMajorStrides(rankedType(v).getShape()), {}};
  Operation *op = v.getDefiningOp();
  if (!op || op->getBlock() != block || layoutOf(v.getType()) || llvm::is_contained(rankedType(v).getShape(), 0) ||
      op->getNumOperands() == 0 || layoutOf(op->getOperand(0).getType()))
    return plain;
  std::optional<StridedView> view;
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    view = stridedView(transpose.getX(), block);
    Dims strides;
    for (int64_t d : transpose.permutation(rankedType(v).getRank()))
      strides.push_back(view->strides[static_cast<size_t>(d)]);
    view->strides = strides;
  } else if (isa<ReshapeOp, FlattenOp, SqueezeOp, UnsqueezeOp>(op)) {
    view = stridedView(op->getOperand(0), block);
    std::optional<Dims> strides =
        reshaped(rankedType(op->getOperand(0)).getShape(), view->strides, rankedType(v).getShape());
    if (!strides)
      return plain;
    view->strides = *strides;
  } else if (isa<SliceOp, SplitOp>(op)) {
    view = throughMovement(op, cast<OpResult>(v).getResultNumber(), block);
  }
  if (!view)
    return plain;
  view->ops.push_back(op);
  return *view;
}

} // namespace sinter::nn
