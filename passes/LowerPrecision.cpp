// nn-lower-precision: products of f32 become products of bf16, added in f32, and what they read is stored as bf16.
#include "passes/Passes.h"
#include "passes/QuantisedValues.h"
#include "passes/Remarks.h"
#include "passes/Rewrite.h"
#include "passes/Unused.h"
#include <cmath>

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_LOWERPRECISION
#include "passes/Passes.h.inc"

namespace {

struct LowerPrecisionPass : impl::LowerPrecisionBase<LowerPrecisionPass> {
  using LowerPrecisionBase::LowerPrecisionBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Block &body = function.getBody().front();
      narrowed.clear();
      SmallVector<Operation *> products;
      for (Operation &op : body)
        if (isa<ContractionOpInterface>(op) && elementTypeOf(op.getResult(0)).isF32() &&
            rankedType(op.getResult(0)).getNumElements() > 0)
          products.push_back(&op);
      for (Operation *op : products)
        remarkMissed(op, getArgument(), lower(op));
      for (auto [wide, narrow] : narrowed)
        readNarrow(wide, narrow);
      eraseUnused(body);
    }
  }

private:
  Legality lower(Operation *op) {
    if (auto conv = dyn_cast<ConvOp>(op))
      return lower(conv);
    if (auto gemm = dyn_cast<GemmOp>(op))
      return lower(gemm);
    if (auto matmul = dyn_cast<MatmulOp>(op))
      return lower(matmul);
    return Legality::no("NO_KERNEL", "no kernel of its kind multiplies bf16");
  }

  static Legality computedWeight() { return Legality::no("NON_CONST_PARAM", "its weight is computed at run time"); }
  static Legality computedBias() { return Legality::no("NON_CONST_PARAM", "its bias is computed at run time"); }

  /// x as bf16, made where x is.
  Value narrow(Value x) {
    Value &result = narrowed[x];
    if (!result) {
      OpBuilder b(x.getContext());
      b.setInsertionPointAfterValue(x);
      result = castTo(b, x.getLoc(), x, b.getBF16Type());
    }
    return result;
  }

  /// The sums of bf16 products as f32, a bias per channel added.
  static Value widened(OpBuilder &b, Location loc, Value y, const std::vector<double> &bias) {
    Value wide = castTo(b, loc, y, b.getF32Type());
    if (bias.empty())
      return wide;
    Shape shape(static_cast<size_t>(rankedType(y).getRank()), 1);
    shape[1] = rankedType(y).getDimSize(1);
    return AddOp::create(b, loc, wide.getType(), wide, constant(b, loc, DType::F32, shape, bias));
  }

  Legality lower(ConvOp op) {
    std::optional<Tensor> w = constantTensor(op.getW()), bias = constantTensor(op.getB());
    int64_t inputs = rankedType(op.getW()).getDimSize(1);
    GroupLayout groups = groupLayout(op, block);
    bool isDense = groups == GroupLayout::One || groups == GroupLayout::Whole;
    if (!w)
      return computedWeight();
    if (op.getB() && !bias)
      return computedBias();
    if (!isDense)
      return Legality::no("GROUPS_CUT_BLOCKS",
                          "its groups share blocks of " + llvm::Twine(block.getValue()) + " channels");
    // Images of few channels are read as planes, which are faster.
    if (2 * inputs < block)
      return Legality::no("FEW_CHANNELS", "it reads " + llvm::Twine(inputs) + " channels, which is faster in f32");
    if (rankedType(op.getY()).getRank() > 5)
      return Legality::no("RANK_TOO_HIGH", "it has more than three spatial dimensions");
    rewrite(op, "lower-precision", [&] {
      OpBuilder b(op);
      Location loc = op.getLoc();
      auto type = RankedTensorType::get(rankedType(op.getY()).getShape(), b.getBF16Type());
      Value weights = constant(b, op.getW().getLoc(), DType::BF16, Shape(w->shape()), toDoubles(*w));
      Value y = ConvOp::create(b, loc, type, narrow(op.getX()), weights, Value(), op.getStridesAttr(),
                               op.getDilationsAttr(), op.getPadsAttr(), op.getAutoPadAttr(), op.getGroupAttr());
      op.replaceAllUsesWith(widened(b, loc, y, bias ? toDoubles(*bias) : std::vector<double>()));
      op.erase();
    });
    return Legality::yes();
  }

  Legality lower(GemmOp op) {
    std::optional<Tensor> w = constantTensor(op.getB()), c = constantTensor(op.getC());
    if (!w)
      return computedWeight();
    if (op.getTransA())
      return Legality::no("TRANSPOSED_INPUT", "its input is transposed (transA)");
    if (op.getC() && !c)
      return computedBias();
    std::vector<double> values = toDoubles(*w), shift = c ? toDoubles(*c) : std::vector<double>();
    int64_t n = w->shape()[op.getTransB() ? 0 : 1], k = w->shape()[op.getTransB() ? 1 : 0];
    if (!op.getTransB())
      values = transposed(values, k, n);
    if (shift.size() == 1)
      shift.assign(static_cast<size_t>(n), shift[0]);
    if (!shift.empty() && (static_cast<int64_t>(shift.size()) != n || (c->size() != 1 && c->shape().back() != n)))
      return Legality::no("BIAS_SHAPE", "its bias is not one value for each column");
    for (double &value : values)
      value *= op.getAlpha().convertToFloat();
    for (double &value : shift)
      value *= op.getBeta().convertToFloat();
    return multiply(op, op.getA(), values, n, k, shift);
  }

  Legality lower(MatmulOp op) {
    std::optional<Tensor> w = constantTensor(op.getB());
    if (!w)
      return computedWeight();
    if (w->shape().size() != 2)
      return Legality::no("WEIGHT_NOT_MATRIX", "its second operand is no single matrix");
    int64_t k = w->shape()[0], n = w->shape()[1];
    return multiply(op, op.getA(), transposed(toDoubles(*w), k, n), n, k, {});
  }

  /// x [..., K] times weights [N, K].
  Legality multiply(Operation *op, Value x, const std::vector<double> &weights, int64_t n, int64_t k,
                    const std::vector<double> &bias) {
    if (k == 0)
      return Legality::no("EMPTY_TENSOR", "its weight has no elements");
    rewrite(op, "lower-precision", [&] {
      OpBuilder b(op);
      Location loc = op->getLoc();
      Value columns = columnsOf(b, loc, narrow(x), k), w = constant(b, loc, DType::BF16, {n, k, 1}, weights);
      auto type = RankedTensorType::get({1, n, rankedType(columns).getDimSize(2)}, b.getBF16Type());
      Value y = ConvOp::create(b, loc, type, columns, w, Value(), DenseI64ArrayAttr(), DenseI64ArrayAttr(),
                               DenseI64ArrayAttr());
      Value sums = widened(b, loc, y, bias);
      op->replaceAllUsesWith(ValueRange(rowsOf(b, loc, sums, rankedType(op->getResult(0)).getShape())));
      op->erase();
    });
    return Legality::yes();
  }

  /// Whoever else reads the value reads what is stored.
  static void readNarrow(Value wide, Value narrow) {
    Operation *cast = narrow.getDefiningOp();
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : wide.getUses())
      if (use.getOwner() != cast && isa<ElementwiseOpInterface>(use.getOwner()))
        uses.push_back(&use);
    if (uses.empty())
      return;
    OpBuilder b(cast);
    b.setInsertionPointAfter(cast);
    Value again = castTo(b, cast->getLoc(), narrow, b.getF32Type());
    for (OpOperand *use : uses)
      use->set(again);
  }

  llvm::MapVector<Value, Value> narrowed;
};

} // namespace
} // namespace sinter::nn
