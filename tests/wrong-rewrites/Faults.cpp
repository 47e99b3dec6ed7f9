// Linked into a `sinter` of the tests alone: faults that were in Sinter or could be, one at a time, by the environment
// variable SINTER_FAULT. A name adds a pass that has it; "disturb:RULE" makes the constants of a rule's rewrites wrong
// by a few times what roundings may do. The check of rewrites knows none of them.
#include "ir/Ops.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Pipeline.h"
#include "passes/Rewrite.h"
#include "llvm/ADT/SmallPtrSet.h"
#include <cstdlib>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

namespace {

Value constantOf(OpBuilder &b, Location loc, const Shape &shape, std::vector<double> values, DType type = DType::F32) {
  Tensor tensor(type, shape);
  storeDoubles(tensor, values);
  return ConstantOp::create(b, loc, tensor);
}

/// The only number of a constant operand.
std::optional<double> scalarOf(Value value) {
  std::optional<Tensor> tensor = constantTensor(value);
  return tensor && tensor->size() == 1 ? std::optional(toDoubles(*tensor)[0]) : std::nullopt;
}

//===- An affine on one result reaches its siblings -------------------------===//

template <typename View> void siblings(Operation *op) {
  Operation *maker = isa<View>(op) ? op->getOperand(0).getDefiningOp() : nullptr;
  std::optional<Tensor> w =
      maker && isa<ConvOp, MatmulOp, GemmOp>(maker) ? constantTensor(maker->getOperand(1)) : std::nullopt;
  if (!w)
    return;
  rewrite(op, "fault-siblings", [&] {
    OpBuilder b(maker);
    std::vector<double> values = toDoubles(*w);
    for (double &value : values)
      value *= 2;
    maker->setOperand(1, constantOf(b, maker->getLoc(), w->shape(), values));
    b.setInsertionPointAfter(op);
    Value half = constantOf(b, op->getLoc(), {}, {0.5});
    Value y = MulOp::create(b, op->getLoc(), op->getResult(0).getType(), op->getResult(0), half);
    op->getResult(0).replaceAllUsesExcept(y, y.getDefiningOp());
  });
}

//===- Cancellation ----------------------------------------------------------===//

/// (x - c) W = x W - c W.
void cancelInMatmul(Operation *op) {
  auto product = dyn_cast<MatmulOp>(op);
  auto sub = product ? product.getA().getDefiningOp<SubOp>() : SubOp();
  std::optional<double> c = sub ? scalarOf(sub.getB()) : std::nullopt;
  std::optional<Tensor> w = product ? constantTensor(product.getB()) : std::nullopt;
  if (!c || !w || w->rank() != 2)
    return;
  rewrite(op, "fault-cancel", [&] {
    OpBuilder b(op);
    b.setInsertionPointAfter(op);
    std::vector<double> values = toDoubles(*w), sums(static_cast<size_t>(w->shape()[1]));
    for (size_t i = 0; i < values.size(); ++i)
      sums[i % sums.size()] += *c * values[i];
    op->setOperand(0, sub.getA());
    Value shift = constantOf(b, op->getLoc(), {w->shape()[1]}, sums);
    Value y = SubOp::create(b, op->getLoc(), product.getType(), product, shift);
    product.getResult().replaceAllUsesExcept(y, y.getDefiningOp());
  });
}

/// The fault of cancellation for an unpadded convolution, into its bias.
void cancelInConv(Operation *op) {
  auto conv = dyn_cast<ConvOp>(op);
  auto sub = conv ? conv.getX().getDefiningOp<SubOp>() : SubOp();
  std::optional<double> c = sub ? scalarOf(sub.getB()) : std::nullopt;
  std::optional<Tensor> w = conv ? constantTensor(conv.getW()) : std::nullopt;
  if (!c || !w || conv.getB())
    return;
  rewrite(op, "fault-cancel", [&] {
    OpBuilder b(op);
    std::vector<double> values = toDoubles(*w), sums(static_cast<size_t>(w->shape()[0]));
    for (size_t i = 0; i < values.size(); ++i)
      sums[i / (values.size() / sums.size())] -= *c * values[i];
    op->setOperands({sub.getA(), conv.getW(), constantOf(b, op->getLoc(), {w->shape()[0]}, sums)});
  });
}

/// (x - c) s = s x - c s.
void cancelByComposing(Operation *op) {
  auto mul = dyn_cast<MulOp>(op);
  auto sub = mul ? mul.getA().getDefiningOp<SubOp>() : SubOp();
  std::optional<double> c = sub ? scalarOf(sub.getB()) : std::nullopt, s = mul ? scalarOf(mul.getB()) : std::nullopt;
  if (!c || !s)
    return;
  rewrite(op, "fault-cancel", [&] {
    OpBuilder b(op);
    DType type = *toDType(elementTypeOf(mul.getY()));
    Value y =
        ChannelAffineOp::create(b, op->getLoc(), mul.getType(), sub.getA(), constantOf(b, op->getLoc(), {}, {*s}, type),
                                constantOf(b, op->getLoc(), {}, {-*c * *s}, type));
    mul.replaceAllUsesWith(y);
  });
}

//===- Activations that are needed ------------------------------------------===//

template <typename Op> void drop(Operation *op) {
  if (isa<Op>(op))
    rewrite(op, "fault-drop", [&] { op->getResult(0).replaceAllUsesWith(op->getOperand(0)); });
}

/// A Clip whose upper bound is taken to hold: the lower one is left.
void dropUpperBound(Operation *op) {
  if (auto clip = dyn_cast<ClipOp>(op); clip && clip.getUpper())
    rewrite(op, "fault-drop", [&] { clip.getUpperMutable().clear(); });
}

void reluOfAbs(Operation *op) {
  if (isa<ReluOp>(op) && op->getOperand(0).getDefiningOp<AbsOp>())
    drop<ReluOp>(op);
}

/// Bounds of 64 bits through double.
void roundBounds(Operation *op) {
  auto clip = dyn_cast<ClipOp>(op);
  if (!clip || !clip.getUpper() || !elementTypeOf(clip.getX()).isInteger(64))
    return;
  rewrite(op, "fault-round-bound", [&] {
    OpBuilder b(op);
    Tensor bound(DType::I64, {});
    storeInts(bound, std::array{static_cast<int64_t>(*scalarOf(clip.getUpper()))});
    clip.getUpperMutable().assign(ConstantOp::create(b, op->getLoc(), bound));
  });
}

//===- Ranges of constants -----------------------------------------------------===//

void flush(Operation *op) {
  auto mul = dyn_cast<MulOp>(op);
  std::optional<double> c = mul ? scalarOf(mul.getB()) : std::nullopt;
  if (c && std::abs(*c) < 1e-30)
    rewrite(op, "fault-flush", [&] {
      OpBuilder b(op);
      op->setOperand(1, constantOf(b, op->getLoc(), {}, {0}));
    });
}

/// sqrt(sum (c x)^2) for c sqrt(sum x^2), c > 0: the squares overflow.
void overflowInSquares(Operation *op) {
  auto mul = dyn_cast<MulOp>(op);
  auto norm = mul ? mul.getA().getDefiningOp<ReduceL2Op>() : ReduceL2Op();
  std::optional<double> c = mul ? scalarOf(mul.getB()) : std::nullopt;
  if (!norm || !c)
    return;
  rewrite(op, "fault-overflow", [&] {
    OpBuilder b(norm);
    Value x = MulOp::create(b, op->getLoc(), norm.getX().getType(), norm.getX(), mul.getB());
    norm->setOperand(0, x);
    mul.replaceAllUsesWith(norm->getResult(0));
  });
}

void dropInfiniteBound(Operation *op) {
  if (isa<MinOp>(op) && op->getNumOperands() == 2 && scalarOf(op->getOperand(1)) == -INFINITY)
    drop<MinOp>(op);
}

void dropPair(Operation *op) {
  if (auto quantize = dyn_cast<QuantizeOp>(op))
    if (auto inner = quantize.getX().getDefiningOp<DequantizeOp>())
      rewrite(op, "fault-pair", [&] { quantize.replaceAllUsesWith(inner.getX()); });
}

struct Fault {
  StringRef name;
  void (*apply)(Operation *op);
};
constexpr Fault faults[] = {{"siblings-split", siblings<SplitOp>},
                            {"siblings-slice", siblings<SliceOp>},
                            {"siblings-gather", siblings<GatherOp>},
                            {"cancel-matmul", cancelInMatmul},
                            {"cancel-conv", cancelInConv},
                            {"cancel-compose", cancelByComposing},
                            {"drop-relu", drop<ReluOp>},
                            {"drop-abs", drop<AbsOp>},
                            {"drop-upper", dropUpperBound},
                            {"relu-of-abs", reluOfAbs},
                            {"round-bound", roundBounds},
                            {"drop-clip", drop<ClipOp>},
                            {"flush", flush},
                            {"overflow-squares", overflowInSquares},
                            {"infinite-bound", dropInfiniteBound},
                            {"pair", dropPair}};

struct FaultPass : PassWrapper<FaultPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FaultPass)
  explicit FaultPass(void (*apply)(Operation *)) : apply(apply) {}
  StringRef getArgument() const override { return "test-fault"; }

  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : ops)
      apply(op);
  }

private:
  void (*apply)(Operation *);
};

/// Makes the largest number of every float constant that a rule's rewrite makes wrong: by 40 n u, n numbers to a row,
/// which is four times what the roundings of a sum of n products may do, with those of the constants.
void disturb(Operation *op, StringRef rule, llvm::function_ref<void()> change) {
  Operation *scope = op;
  while (scope->getParentOp())
    scope = scope->getParentOp();
  // Nothing reads yet what a rule makes before it asks.
  llvm::SmallPtrSet<Operation *, 32> before;
  scope->walk([&](ConstantOp constant) {
    if (!constant->use_empty())
      before.insert(constant);
  });
  change();
  if (StringRef(std::getenv("SINTER_FAULT")) != ("disturb:" + rule).str())
    return;
  scope->walk([&](ConstantOp constant) {
    std::optional<Tensor> tensor = constantTensor(constant);
    if (before.contains(constant) || !tensor || tensor->type() != DType::F32 || tensor->size() == 0)
      return;
    std::vector<double> values = toDoubles(*tensor);
    auto n = static_cast<double>(tensor->size()) / static_cast<double>(tensor->rank() > 0 ? tensor->shape()[0] : 1);
    auto largest =
        std::max_element(values.begin(), values.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
    *largest *= 1 + 40 * n * 0x1p-24;
    Tensor wrong(DType::F32, tensor->shape());
    storeDoubles(wrong, values);
    constant.setValueAttr(makeElements(wrong, constant.getContext()));
  });
}

} // namespace

void addFaults(OpPassManager &passes) {
  const char *wanted = std::getenv("SINTER_FAULT");
  for (const Fault &fault : faults)
    if (wanted && fault.name == wanted)
      passes.addPass(std::make_unique<FaultPass>(fault.apply));
}

[[maybe_unused]] static const bool isDisturbed = [] {
  if (const char *wanted = std::getenv("SINTER_FAULT"); wanted && StringRef(wanted).starts_with("disturb:"))
    aroundRewrite = disturb;
  return true;
}();
