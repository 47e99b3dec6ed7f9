// Matches from the last product upwards: softmax, elementwise chain, first product, then the views of Q, K and V.
#include "ir/analysis/Attention.h"
#include "ir/Layout.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

static ArrayRef<int64_t> shapeOf(Value v) { return rankedType(v).getShape(); }

/// Q without the constant that it is multiplied with or divided by; that of a quotient must be exact.
static Value withoutFactor(Value v, Attention &a) {
  Operation *op = v.getDefiningOp();
  if (!isa_and_nonnull<MulOp, DivOp>(op) || op->getBlock() != a.product->getBlock() || !op->hasOneUse())
    return v;
  std::optional<double> left = constantScalar(op->getOperand(0)), right = constantScalar(op->getOperand(1));
  Value rest = op->getOperand(left ? 1 : 0);
  int exponent;
  bool isPower = right && std::fabs(std::frexp(*right, &exponent)) == 0.5;
  if ((isa<DivOp>(op) ? !isPower || left : !left && !right) || rest.getType() != v.getType())
    return v;
  a.scale = isa<DivOp>(op) ? 1 / *right : left ? *left : *right;
  a.ops.push_back(op);
  return rest;
}

/// Follows elementwise ops up from the softmax to the product of Q and K.
static bool findScores(Value v, Attention &a, size_t depth = 0) {
  Operation *op = v.getDefiningOp();
  if (!op || op->getBlock() != a.product->getBlock() || !op->hasOneUse() || depth > 8)
    return false;
  if (auto matmul = dyn_cast<MatmulOp>(op)) {
    a.scores = matmul;
    return true;
  }
  if (!isa<ElementwiseOpInterface>(op) || op->getNumResults() != 1)
    return false;
  for (Value operand : op->getOperands())
    if (operand.getType() == v.getType() && findScores(operand, a, depth + 1)) {
      a.chain.push_back(op);
      return true;
    }
  return false;
}

unsigned pathOperand(const Attention &a, size_t link) {
  MatmulOp scores = a.scores;
  Operation *before = link == 0 ? scores.getOperation() : a.chain[link - 1];
  return static_cast<unsigned>(llvm::find(a.chain[link]->getOperands(), before->getResult(0)) -
                               a.chain[link]->operand_begin());
}

/// Whether the operand broadcasts from the right, as numpy has it; a BatchNorm's parameters lie along axis 1.
static bool alignsRight(Operation *op, unsigned number) {
  int64_t first = rankedType(op->getResult(0)).getRank() - rankedType(op->getOperand(number)).getRank();
  SmallVector<int64_t> dims = cast<ElementwiseOpInterface>(op).resultDims(number);
  return llvm::all_of(llvm::enumerate(dims),
                      [&](auto it) { return it.value() == first + static_cast<int64_t>(it.index()); });
}

/// Masks that run along the queries are transposed first: worth it if all heads share them, or at compile time.
static bool takesOperand(Value operand, Value scores) {
  RankedTensorType type = rankedType(operand);
  int64_t rank = type.getRank();
  bool alongQueries = rank >= 2 && type.getDimSize(rank - 2) != 1;
  return !layoutOf(operand.getType()) && (!alongQueries || operand.getDefiningOp<ConstantOp>() ||
                                          type.getNumElements() * 4 <= rankedType(scores).getNumElements());
}

std::optional<Attention> matchAttention(MatmulOp product) {
  Attention a;
  a.product = product;
  Block *block = product->getBlock();
  a.softmax = product.getA().getDefiningOp<SoftmaxOp>();
  int64_t rank = rankedType(product.getY()).getRank();
  if (!a.softmax || a.softmax->getBlock() != block || !a.softmax->hasOneUse() || rank < 2 ||
      !elementTypeOf(product.getY()).isF32())
    return std::nullopt;
  int64_t axis = a.softmax.getAxis();
  if ((axis < 0 ? axis + rank : axis) != rank - 1 || !findScores(a.softmax.getX(), a))
    return std::nullopt;
  Value scores = a.scores.getY();
  for (size_t link = 0; link < a.chain.size(); ++link)
    for (auto [i, operand] : llvm::enumerate(a.chain[link]->getOperands()))
      if (i != pathOperand(a, link) &&
          (llvm::is_contained(a.chain, operand.getDefiningOp()) || !takesOperand(operand, scores) ||
           !alignsRight(a.chain[link], static_cast<unsigned>(i))))
        return std::nullopt;
  Value q = withoutFactor(a.scores.getA(), a), k = a.scores.getB(), v = product.getB();
  auto batchOf = [&](Value value) { return shapeOf(value).drop_back(2); };
  for (Value value : {q, k, v, scores, Value(product.getY())})
    if (rankedType(value).getRank() != rank || batchOf(value) != batchOf(q) || layoutOf(value.getType()))
      return std::nullopt;
  a.batch = Dims(batchOf(q));
  a.batches = *elementCount(a.batch);
  a.queries = shapeOf(scores)[rank - 2], a.keys = shapeOf(scores)[rank - 1];
  a.depth = shapeOf(q)[rank - 1], a.width = shapeOf(v)[rank - 1];
  // Queries fill vectors, and so do the rows of V; the scores of a block of queries fit a thread's stack.
  if (a.batches == 0 || a.queries < 12 || a.width % 16 != 0 || a.width == 0 || a.width > 512 || a.depth == 0 ||
      a.depth > 512 || a.keys == 0 || a.keys > 2048)
    return std::nullopt;
  a.q = stridedView(q, block), a.k = stridedView(k, block), a.v = stridedView(v, block);
  if (a.v.strides.back() != 1)
    a.v = {v, 0, rowMajorStrides(shapeOf(v)), {}};
  a.result = product.getY();
  SmallVector<Operation *> rest;
  if (product->hasOneUse())
    if (auto transpose = dyn_cast<TransposeOp>(*product->user_begin()); transpose && transpose->getBlock() == block)
      if (transpose.permutation(rank).back() == rank - 1) {
        a.result = transpose.getY();
        rest.push_back(transpose);
      }
  rest.append({a.scores, a.softmax, product});
  for (const SmallVector<Operation *> &more : {rest, a.chain, a.q.ops, a.k.ops, a.v.ops})
    a.ops.append(more.begin(), more.end());
  llvm::sort(a.ops, [](Operation *x, Operation *y) { return x->isBeforeInBlock(y); });
  a.ops.erase(llvm::unique(a.ops), a.ops.end());
  return a;
}

std::optional<Attention> attentionOf(KernelOp kernel) {
  MatmulOp last;
  unsigned products = 0;
  for (auto product : kernel.getBody().front().getOps<MatmulOp>())
    last = product, ++products;
  if (products != 2)
    return std::nullopt;
  std::optional<Attention> attention = matchAttention(last);
  bool isWhole = attention && attention->ops.size() + 1 == kernel.getBody().front().getOperations().size() &&
                 kernel.getNumResults() == 1 &&
                 kernel.getBody().front().getTerminator()->getOperand(0) == attention->result;
  return isWhole ? attention : std::nullopt;
}

} // namespace sinter::nn
