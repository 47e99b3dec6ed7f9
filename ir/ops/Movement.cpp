// Data movement: verify, shape, copies, reference, op by op. nn.pad is in MovementPad.cpp, the ops that cut
// or repeat in MovementCut.cpp.
#include "ir/ops/Movement.h"
#include "ir/Reference.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/Movement.cpp.inc"

/// The copy that writes a dense row-major result of `shape` once, reading with `strides`.
static StridedCopy denseCopy(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides) {
  return {0, 0, Dims(shape), 0, 0, Dims(strides), rowMajorStrides(shape)};
}

/// Reads x as dense `grouped`, whose dimensions `order` then permutes: what block rearrangements are.
static StridedCopy permuteGroups(ArrayRef<int64_t> grouped, ArrayRef<int64_t> order) {
  Dims from = rowMajorStrides(grouped), shape, strides;
  for (int64_t axis : order) {
    shape.push_back(grouped[axis]);
    strides.push_back(from[axis]);
  }
  return denseCopy(shape, strides);
}

//===- nn.transpose ------------------------------------------------------===//

LogicalResult TransposeOp::verify() {
  if (!getPerm())
    return success();
  int64_t rank = getPerm()->size();
  if (rank > maxRank)
    return emitOpError("permutes ") << rank << " dimensions; the limit is " << maxRank;
  Dims sorted(*getPerm());
  llvm::sort(sorted);
  for (auto [i, axis] : llvm::enumerate(sorted))
    if (axis != static_cast<int64_t>(i))
      return emitOpError("perm is not a permutation of 0 to ") << rank - 1;
  return success();
}

Dims TransposeOp::permutation(int64_t rank) {
  if (getPerm())
    return Dims(*getPerm());
  Dims reversed(rank);
  for (int64_t i = 0; i < rank; ++i)
    reversed[i] = rank - 1 - i;
  return reversed;
}

LogicalResult TransposeOp::inferFrom(IntsOf, SmallVectorImpl<Type> &types) {
  if (failed(verify())) // an import infers first
    return failure();
  RankedTensorType x = rankedType(getX());
  if (!x) {
    std::optional<Dims> shape;
    if (getPerm())
      shape = Dims(getPerm()->size(), ShapedType::kDynamic);
    types.push_back(tensorType(shape, elementTypeOf(getX())));
    return success();
  }
  Dims perm = permutation(x.getRank()), shape;
  if (static_cast<int64_t>(perm.size()) != x.getRank())
    return emitOpError("permutes ") << perm.size() << " dimensions of an operand of rank " << x.getRank();
  for (int64_t axis : perm)
    shape.push_back(x.getDimSize(axis));
  return pushShape(*this, shape, x.getElementType(), types);
}

LogicalResult TransposeOp::appendCopies(IntsOf, SmallVectorImpl<StridedCopy> &copies) {
  RankedTensorType x = rankedType(getX());
  copies.push_back(permuteGroups(x.getShape(), permutation(x.getRank())));
  return success();
}

LogicalResult TransposeOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  return evaluateCopies(*this, io);
}

//===- nn.concat ---------------------------------------------------------===//

/// Types are inferred before an op is verified.
static LogicalResult expectParts(ConcatOp op) {
  return op.getInputs().empty() ? op.emitOpError("joins nothing; it needs at least one operand")
                                : LogicalResult(success());
}

LogicalResult ConcatOp::verify() {
  if (failed(expectParts(*this)))
    return failure();
  Type element = elementTypeOf(getInputs().front());
  for (Value input : getInputs())
    if (elementTypeOf(input) != element)
      return emitOpError("joins different element types: ") << element << " and " << elementTypeOf(input);
  return success();
}

LogicalResult ConcatOp::inferFrom(IntsOf, SmallVectorImpl<Type> &types) {
  if (failed(expectParts(*this)))
    return failure();
  std::optional<Dims> shape;
  int64_t axis = 0, sum = 0;
  for (Value input : getInputs()) {
    RankedTensorType type = rankedType(input);
    if (!type) {
      sum = ShapedType::kDynamic;
      continue;
    }
    if (!shape) {
      FailureOr<int64_t> found = resolveAxis(*this, getAxis(), type.getRank());
      if (failed(found))
        return failure();
      axis = *found;
      shape = Dims(type.getRank(), ShapedType::kDynamic);
    }
    if (type.getRank() != static_cast<int64_t>(shape->size()))
      return emitOpError("joins tensors of different ranks: ") << type << " is not of rank " << shape->size();
    for (int64_t i = 0; i < type.getRank(); ++i) {
      int64_t dim = type.getDimSize(i);
      if (i == axis) {
        if (ShapedType::isDynamic(dim) || ShapedType::isDynamic(sum))
          sum = ShapedType::kDynamic;
        else if (__builtin_add_overflow(sum, dim, &sum))
          return emitOpError("makes a tensor of more elements than can be counted");
        continue;
      }
      int64_t &known = (*shape)[i];
      if (!ShapedType::isDynamic(dim) && !ShapedType::isDynamic(known) && dim != known)
        return emitOpError("joins tensors that differ in dimension ") << i << ": " << known << " and " << dim;
      if (!ShapedType::isDynamic(dim))
        known = dim;
    }
  }
  Type element = elementTypeOf(getInputs().front());
  if (!shape) {
    types.push_back(tensorType(std::nullopt, element));
    return success();
  }
  (*shape)[axis] = sum;
  return pushShape(*this, *shape, element, types);
}

LogicalResult ConcatOp::appendCopies(IntsOf, SmallVectorImpl<StridedCopy> &copies) {
  RankedTensorType first = rankedType(getInputs().front());
  std::optional<int64_t> axis = normaliseAxis(getAxis(), first.getRank());
  SmallVector<Type> types;
  if (!axis || failed(inferFrom(constantInts, types)))
    return failure();
  Dims strides = rowMajorStrides(cast<RankedTensorType>(types.front()).getShape());
  int64_t at = 0;
  for (auto [i, input] : llvm::enumerate(getInputs())) {
    Dims shape(rankedType(input).getShape());
    int64_t size = shape[*axis];
    copies.push_back({static_cast<unsigned>(i), 0, shape, 0, at * strides[*axis], rowMajorStrides(shape), strides});
    at += size;
  }
  return success();
}

unsigned ConcatOp::dataOperands() { return getNumOperands(); }

LogicalResult ConcatOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  return evaluateCopies(*this, io);
}

//===- nn.depth_to_space -------------------------------------------------===//

/// A block size whose square can be counted with.
static LogicalResult verifyBlock(Operation *op, int64_t block) {
  if (block < 1 || block > (int64_t(1) << 20))
    return op->emitOpError("has block size ") << block << "; it must be in 1 to 2^20";
  return success();
}

static FailureOr<RankedTensorType> imageType(Operation *op) {
  RankedTensorType x = rankedType(op->getOperand(0));
  if (x && x.getRank() != 4)
    return op->emitOpError("needs an operand of rank 4 (NCHW), not ") << x;
  return x;
}

/// dim / by, dynamic if dim is; an error at the op where it does not divide.
static FailureOr<int64_t> divide(Operation *op, int64_t dim, int64_t by, StringRef what) {
  if (ShapedType::isDynamic(dim))
    return dim;
  if (dim % by != 0)
    return op->emitOpError(what) << " " << dim << " does not divide by " << by;
  return dim / by;
}

static FailureOr<int64_t> multiply(Operation *op, int64_t dim, int64_t by) {
  if (!ShapedType::isDynamic(dim) && __builtin_mul_overflow(dim, by, &dim))
    return op->emitOpError("makes a tensor of more elements than can be counted");
  return dim;
}

LogicalResult DepthToSpaceOp::verify() { return verifyBlock(*this, getBlocksize()); }

LogicalResult DepthToSpaceOp::inferFrom(IntsOf, SmallVectorImpl<Type> &types) {
  if (failed(verify()))
    return failure();
  FailureOr<RankedTensorType> x = imageType(*this);
  if (failed(x))
    return failure();
  int64_t b = getBlocksize();
  if (!*x)
    return pushShape(*this, Dims(4, ShapedType::kDynamic), elementTypeOf(getX()), types);
  FailureOr<int64_t> c = divide(*this, x->getDimSize(1), b * b, "channel count");
  FailureOr<int64_t> h = multiply(*this, x->getDimSize(2), b), w = multiply(*this, x->getDimSize(3), b);
  if (failed(c) || failed(h) || failed(w))
    return failure();
  return pushShape(*this, {x->getDimSize(0), *c, *h, *w}, x->getElementType(), types);
}

LogicalResult DepthToSpaceOp::appendCopies(IntsOf, SmallVectorImpl<StridedCopy> &copies) {
  ArrayRef<int64_t> x = rankedType(getX()).getShape();
  int64_t b = getBlocksize(), c = x[1] / (b * b);
  if (getMode() == DepthToSpaceMode::BlockFirst)
    copies.push_back(permuteGroups({x[0], b, b, c, x[2], x[3]}, {0, 3, 4, 1, 5, 2}));
  else
    copies.push_back(permuteGroups({x[0], c, b, b, x[2], x[3]}, {0, 1, 4, 2, 5, 3}));
  return success();
}

LogicalResult DepthToSpaceOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  return evaluateCopies(*this, io);
}

//===- nn.space_to_depth -------------------------------------------------===//

LogicalResult SpaceToDepthOp::verify() { return verifyBlock(*this, getBlocksize()); }

LogicalResult SpaceToDepthOp::inferFrom(IntsOf, SmallVectorImpl<Type> &types) {
  if (failed(verify()))
    return failure();
  FailureOr<RankedTensorType> x = imageType(*this);
  if (failed(x))
    return failure();
  int64_t b = getBlocksize();
  if (!*x)
    return pushShape(*this, Dims(4, ShapedType::kDynamic), elementTypeOf(getX()), types);
  FailureOr<int64_t> c = multiply(*this, x->getDimSize(1), b * b);
  FailureOr<int64_t> h = divide(*this, x->getDimSize(2), b, "height");
  FailureOr<int64_t> w = divide(*this, x->getDimSize(3), b, "width");
  if (failed(c) || failed(h) || failed(w))
    return failure();
  return pushShape(*this, {x->getDimSize(0), *c, *h, *w}, x->getElementType(), types);
}

LogicalResult SpaceToDepthOp::appendCopies(IntsOf, SmallVectorImpl<StridedCopy> &copies) {
  ArrayRef<int64_t> x = rankedType(getX()).getShape();
  int64_t b = getBlocksize();
  copies.push_back(permuteGroups({x[0], x[1], x[2] / b, b, x[3] / b, b}, {0, 3, 5, 1, 2, 4}));
  return success();
}

LogicalResult SpaceToDepthOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  return evaluateCopies(*this, io);
}

//===- nn.reorder -------------------------------------------------------===//

LogicalResult ReorderOp::inferShapes(SmallVectorImpl<Type> &types) {
  // Which layout is the result's own; only the shape follows from the operand.
  auto x = dyn_cast<RankedTensorType>(getX().getType());
  BlockedAttr layout = layoutOf(getType());
  types.push_back(x ? Type(withLayout(x, layout)) : getX().getType());
  return success();
}

LogicalResult ReorderOp::evaluate(Evaluation &io) { return evaluateView(*this, io); }

//===- nn.trilu ----------------------------------------------------------===//

LogicalResult TriluOp::verify() {
  RankedTensorType x = rankedType(getX());
  if (x && x.getRank() < 2)
    return emitOpError("needs matrices; its operand is ") << x;
  return success();
}

LogicalResult TriluOp::inferShapes(SmallVectorImpl<Type> &types) {
  RankedTensorType k = getK() ? rankedType(getK()) : RankedTensorType();
  if (k && k.hasStaticShape() && k.getNumElements() != 1)
    return emitOpError("needs one k, not ") << k.getNumElements();
  types.push_back(getX().getType());
  return success();
}

LogicalResult TriluOp::evaluate(Evaluation &io) {
  const Tensor &x = io.operand(0u);
  Tensor &y = io.result();
  if (x.shape() != y.shape() || x.type() != y.type() || x.rank() < 2)
    return emitOpError("has a result type that differs from its operand's");
  int64_t rows = x.shape()[x.rank() - 2], columns = x.shape()[x.rank() - 1], k = 0;
  if (const Tensor *diagonal = io.operand(getK())) {
    if (diagonal->size() != 1)
      return emitOpError("needs one k, not ") << diagonal->size();
    // Beyond the matrix every k means the same; clamped, row + k cannot overflow.
    k = std::clamp(toInts(*diagonal)[0], -rows, columns);
  }
  size_t width = sizeOf(x.type());
  for (int64_t i = 0; i < x.size(); ++i) {
    int64_t row = i / columns % rows, column = i % columns;
    if (getUpper() ? column >= row + k : column <= row + k)
      std::memcpy(y.data() + i * width, x.data() + i * width, width);
  }
  return success();
}
