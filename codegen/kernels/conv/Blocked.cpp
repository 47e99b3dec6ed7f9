// Blocked tensors: reorders, and what each op's layouts must be.
#include "codegen/kernels/conv/Blocked.h"
#include "codegen/kernels/Emitters.h"
#include "ir/Diagnostics.h"
#include "ir/ops/Movement.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

/// Whether an operand of an elementwise op with a blocked result is read along its channels.
static bool followsChannels(ElementwiseOpInterface op, OpOperand &operand, int64_t axis) {
  SmallVector<int64_t> follows = op.resultDims(operand.getOperandNumber());
  auto at = llvm::find(follows, axis);
  return at != follows.end() && rankedType(operand.get()).getDimSize(at - follows.begin()) != 1;
}

std::string checkLayouts(Operation *op, bool takesBlocked, const Target &target) {
  std::string name = operatorName(op);
  auto problemOf = [&](Value value) -> std::string {
    BlockedAttr layout = layoutOf(value.getType());
    bool fits = !layout || (layout.getAxis() == 1 && rankedType(value).getRank() >= 3 &&
                            layout.getSize() == target.lanes(32) && canBeBlocked(elementTypeOf(value)));
    return fits ? "" : name + " has a layout that vectors of the target do not fit";
  };
  bool any = false;
  for (Value value : llvm::concat<Value>(op->getOperands(), op->getResults())) {
    if (std::string problem = problemOf(value); !problem.empty())
      return problem;
    any |= static_cast<bool>(layoutOf(value.getType()));
  }
  if (!any)
    return "";
  auto elementwise = dyn_cast<ElementwiseOpInterface>(op);
  if (!elementwise)
    return takesBlocked ? "" : name + " takes no blocked tensors";
  BlockedAttr layout = layoutOf(op->getResult(0).getType());
  for (OpOperand &operand : op->getOpOperands()) {
    bool isBlocked = static_cast<bool>(layoutOf(operand.get().getType()));
    bool wanted = layout && !constantTensor(operand.get()) && followsChannels(elementwise, operand, 1);
    if (isBlocked != wanted)
      return name + " mixes layouts";
  }
  return "";
}

//===- nn.reorder --------------------------------------------------------===//

/// rows[i] lane j becomes rows[j] lane i; as many rows as lanes, a power of two. Each step exchanges blocks of
/// half the size across the diagonal (Eklundh, A Fast Computer Method for Matrix Transposing, 1972).
static void transpose(KernelEmitter &e, SmallVectorImpl<Value> &rows) {
  auto lanes = static_cast<int64_t>(rows.size());
  for (int64_t half = lanes / 2; half > 0; half /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < lanes; ++i) {
      bool second = (i / half) % 2;
      low.push_back(second ? lanes + i - half : i);
      high.push_back(second ? lanes + i : i + half);
    }
    for (int64_t i = 0; i < lanes; ++i) {
      if ((i / half) % 2)
        continue;
      Value a = rows[i], b = rows[i + half];
      rows[i] = vector::ShuffleOp::create(e.b, a, b, low);
      rows[i + half] = vector::ShuffleOp::create(e.b, a, b, high);
    }
  }
}

/// Between [n][channel][pixel] and [n][channel block][pixel][channel].
static LogicalResult emitReorder(KernelEmitter &e, Operation *operation) {
  auto op = cast<ReorderOp>(operation);
  bool toBlocked = static_cast<bool>(layoutOf(op.getY().getType()));
  BlockedAttr layout = layoutOf(toBlocked ? op.getY().getType() : op.getX().getType());
  ArrayRef<int64_t> shape = rankedType(op.getX()).getShape();
  int64_t size = layout ? layout.getSize() : 1, channels = shape[1], pixels = *elementCount(shape.drop_front(2));
  int64_t blocks = llvm::divideCeil(channels, size), chunk = std::min<int64_t>(pixels, 4096);
  int64_t chunks = llvm::divideCeil(pixels, chunk);
  auto lanes = static_cast<unsigned>(size);
  e.iterations(
      shape[0] * blocks * chunks, KernelEmitter::grainFor(4.0 * static_cast<double>(chunk * size)),
      [&](Value iteration) {
        SmallVector<Value> at = e.delinearize(iteration, {shape[0], blocks, chunks});
        Buffer x = e.input(op.getX()), y = e.output(e.outputOf(0));
        Value from = e.mul(at[2], chunk);
        Value to = arith::MinSIOp::create(e.b, e.add(from, e.index(chunk)), e.index(pixels));
        Value blockedAt = e.mul(e.add(e.mul(at[0], blocks), at[1]), pixels * size);
        Value plainAt = e.mul(e.add(e.mul(at[0], channels), e.mul(at[1], size)), pixels);
        // `valid` channels of the block exist.
        auto move = [&](int64_t valid) {
          e.forLanes(from, to, lanes, [&](Value pixel, unsigned wide) {
            Value inBlocks = e.add(blockedAt, e.mul(pixel, size)), inPlanes = e.add(plainAt, pixel);
            auto plane = [&](int64_t c) { return e.add(inPlanes, e.index(c * pixels)); };
            auto column = [&](int64_t p) { return e.add(inBlocks, e.index(p * size)); };
            Value zero = e.splat(e.number(computeType(x.element), 0), wide);
            if (wide == 1) {
              for (int64_t c = 0; c < size; ++c) {
                Value element = e.add(inBlocks, e.index(c));
                if (toBlocked)
                  e.store(y, element, c < valid ? e.load(x, plane(c)) : zero);
                else if (c < valid)
                  e.store(y, plane(c), e.load(x, element));
              }
              return;
            }
            SmallVector<Value> rows;
            for (int64_t i = 0; i < size; ++i)
              rows.push_back(!toBlocked ? e.load(x, column(i), lanes) : i < valid ? e.load(x, plane(i), lanes) : zero);
            transpose(e, rows);
            for (int64_t i = 0; i < (toBlocked ? size : valid); ++i)
              e.store(y, toBlocked ? column(i) : plane(i), rows[i]);
          });
        };
        int64_t rest = channels % size;
        if (rest == 0)
          return move(size);
        Value isLast = arith::CmpIOp::create(e.b, arith::CmpIPredicate::eq, at[1], e.index(blocks - 1));
        e.onlyIf(isLast, [&] { move(rest); });
        Value isWhole = arith::CmpIOp::create(e.b, arith::CmpIPredicate::ne, at[1], e.index(blocks - 1));
        e.onlyIf(isWhole, [&] { move(size); });
      });
  return success();
}

static std::string checkReorder(Operation *operation, const Target &) {
  auto op = cast<ReorderOp>(operation);
  bool from = static_cast<bool>(layoutOf(op.getX().getType())), to = static_cast<bool>(layoutOf(op.getY().getType()));
  return from == to ? "Reorder keeps its layout" : "";
}

//===- nn.concat ----------------------------------------------------------===//

LogicalResult emitBlockedConcat(KernelEmitter &e, Operation *operation) {
  auto op = cast<ConcatOp>(operation);
  Dims result = storageShape(rankedType(op.getY()));
  int64_t rank = rankedType(op.getY()).getRank(), axis = (op.getAxis() + rank) % rank, before = 0;
  int64_t outer = *elementCount(ArrayRef(result).take_front(axis));
  int64_t inner = *elementCount(ArrayRef(result).drop_front(axis + 1));
  for (Value operand : op.getInputs()) {
    int64_t length = storageShape(rankedType(operand))[axis] * inner, chunk = std::min<int64_t>(length, 8192);
    int64_t chunks = llvm::divideCeil(length, chunk);
    e.iterations(outer * chunks, KernelEmitter::grainFor(static_cast<double>(chunk)), [&](Value iteration) {
      SmallVector<Value> at = e.delinearize(iteration, {outer, chunks});
      Buffer x = e.input(operand), y = e.output(e.outputOf(0));
      Value from = e.mul(at[1], chunk);
      Value to = arith::MinSIOp::create(e.b, e.add(from, e.index(chunk)), e.index(length));
      Value source = e.mul(at[0], length), target = e.add(e.mul(at[0], result[axis] * inner), e.index(before));
      e.forLanes(from, to, e.lanes(),
                 [&](Value i, unsigned lanes) { e.store(y, e.add(target, i), e.load(x, e.add(source, i), lanes)); });
    });
    before += length;
  }
  return success();
}

void registerLayoutEmitters(EmitterTable &table) { table.add<ReorderOp>({checkReorder, emitReorder, true}); }

} // namespace sinter::codegen
