// Views: shape, fold, reference, op by op.
#include "ir/ops/View.h"
#include "ir/Reference.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

#define GET_OP_CLASSES
#include "ir/ops/View.cpp.inc"

/// The product of dimensions, dynamic if one of them is; 0 wins over both.
static int64_t productOf(ArrayRef<int64_t> dims) {
  if (llvm::is_contained(dims, 0))
    return 0;
  int64_t product = 1;
  for (int64_t dim : dims)
    if (ShapedType::isDynamic(dim) || __builtin_mul_overflow(product, dim, &product))
      return ShapedType::kDynamic;
  return product;
}

//===- nn.identity -------------------------------------------------------===//

LogicalResult IdentityOp::inferShapes(SmallVectorImpl<Type> &types) {
  types.push_back(getX().getType());
  return success();
}

OpFoldResult IdentityOp::fold(FoldAdaptor) { return getX().getType() == getType() ? getX() : Value(); }

LogicalResult IdentityOp::evaluate(Evaluation &io) { return evaluateView(*this, io); }

std::optional<ChannelFlow> IdentityOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  return flowThroughView(getX(), getResult(), from, to);
}

//===- nn.reshape --------------------------------------------------------===//

LogicalResult ReshapeOp::inferFrom(IntsOf ints, SmallVectorImpl<Type> &types) {
  Type element = elementTypeOf(getX());
  std::optional<Dims> target = ints(getShape());
  if (!target) {
    std::optional<int64_t> rank = vectorLength(getShape());
    if (rank && *rank <= maxRank)
      return pushShape(*this, Dims(*rank, ShapedType::kDynamic), element, types);
    types.push_back(tensorType(std::nullopt, element));
    return success();
  }
  RankedTensorType x = rankedType(getX());
  std::optional<size_t> rest;
  for (auto [i, dim] : llvm::enumerate(*target)) {
    if (dim < -1)
      return emitOpError("cannot make a dimension of size ") << dim;
    if (dim == -1) {
      if (rest)
        return emitOpError("has more than one -1 in its shape; at most one dimension can be computed");
      rest = i;
      dim = ShapedType::kDynamic;
    } else if (dim == 0 && !getAllowzero()) {
      if (x && i >= static_cast<size_t>(x.getRank()))
        return emitOpError("copies dimension ") << i << " of an operand of rank " << x.getRank();
      dim = x ? x.getDimSize(i) : ShapedType::kDynamic;
    }
  }
  if (x && x.hasStaticShape()) {
    Dims known = *target;
    if (rest)
      known[*rest] = 1;
    int64_t have = productOf(x.getShape()), want = productOf(known);
    if (want == ShapedType::kDynamic && !llvm::is_contained(known, ShapedType::kDynamic))
      return emitOpError("makes a shape of more elements than can be counted out of ") << have;
    if (rest && (want == 0 || have % want != 0))
      return emitOpError("cannot compute the dimension -1: ") << have << " elements do not divide by " << want;
    if (rest)
      (*target)[*rest] = have / want;
    else if (have != want)
      return emitOpError("makes a shape of ") << want << " elements out of " << have;
  }
  return pushShape(*this, *target, element, types);
}

LogicalResult ReshapeOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  return evaluateView(*this, io);
}

std::optional<ChannelFlow> ReshapeOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  return flowThroughView(getX(), getResult(), from, to);
}

//===- nn.flatten --------------------------------------------------------===//

LogicalResult FlattenOp::inferShapes(SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(getX());
  if (!x)
    return pushShape(*this, {ShapedType::kDynamic, ShapedType::kDynamic}, elementTypeOf(getX()), types);
  int64_t axis = getAxis(), rank = x.getRank();
  if (axis < -rank || axis > rank)
    return emitOpError("axis ") << axis << " is outside [-" << rank << ", " << rank << "]";
  axis = axis < 0 ? axis + rank : axis;
  ArrayRef<int64_t> dims = x.getShape();
  return pushShape(*this, {productOf(dims.take_front(axis)), productOf(dims.drop_front(axis))}, x.getElementType(),
                   types);
}

LogicalResult FlattenOp::evaluate(Evaluation &io) { return evaluateView(*this, io); }

std::optional<ChannelFlow> FlattenOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  return flowThroughView(getX(), getResult(), from, to);
}

//===- nn.squeeze --------------------------------------------------------===//

LogicalResult SqueezeOp::inferFrom(IntsOf ints, SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(getX());
  Type element = elementTypeOf(getX());
  std::optional<Dims> given = getAxes() ? ints(getAxes()) : Dims();
  // Without axes, a dynamic dimension may or may not vanish.
  if (!x || !given || (!getAxes() && !x.hasStaticShape())) {
    types.push_back(tensorType(std::nullopt, element));
    return success();
  }
  FailureOr<Dims> axes = resolveAxes(*this, *given, x.getRank());
  if (failed(axes))
    return failure();
  Dims shape;
  for (auto [i, dim] : llvm::enumerate(x.getShape())) {
    if (!getAxes() ? dim == 1 : llvm::is_contained(*axes, static_cast<int64_t>(i))) {
      if (dim != 1 && !ShapedType::isDynamic(dim))
        return emitOpError("cannot drop dimension ") << i << " of size " << dim << "; only size 1 can be dropped";
      continue;
    }
    shape.push_back(dim);
  }
  return pushShape(*this, shape, element, types);
}

LogicalResult SqueezeOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  return evaluateView(*this, io);
}

std::optional<ChannelFlow> SqueezeOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  return flowThroughView(getX(), getResult(), from, to);
}

//===- nn.unsqueeze ------------------------------------------------------===//

LogicalResult UnsqueezeOp::inferFrom(IntsOf ints, SmallVectorImpl<Type> &types) {
  RankedTensorType x = rankedType(getX());
  Type element = elementTypeOf(getX());
  std::optional<Dims> given = ints(getAxes());
  std::optional<int64_t> count = given ? static_cast<int64_t>(given->size()) : vectorLength(getAxes());
  if (!x || !count || (!given && *count > maxRank)) {
    types.push_back(tensorType(std::nullopt, element));
    return success();
  }
  int64_t rank = x.getRank() + *count;
  if (!given || rank > maxRank)
    return pushShape(*this, Dims(rank, ShapedType::kDynamic), element, types);
  FailureOr<Dims> axes = resolveAxes(*this, *given, rank);
  if (failed(axes))
    return failure();
  Dims shape;
  ArrayRef<int64_t> left = x.getShape();
  for (int64_t i = 0; i < rank; ++i) {
    bool inserted = llvm::is_contained(*axes, i);
    shape.push_back(inserted ? 1 : left.front());
    left = left.drop_front(inserted ? 0 : 1);
  }
  return pushShape(*this, shape, element, types);
}

LogicalResult UnsqueezeOp::evaluate(Evaluation &io) {
  if (failed(checkResultTypes(*this, io)))
    return failure();
  return evaluateView(*this, io);
}

std::optional<ChannelFlow> UnsqueezeOp::channelFlow(unsigned, int64_t from, unsigned, int64_t to) {
  return flowThroughView(getX(), getResult(), from, to);
}
