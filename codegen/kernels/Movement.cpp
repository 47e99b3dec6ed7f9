// Data movement: each op is one region or several of its results, see Regions.h.
#include "ir/ops/Movement.h"
#include "codegen/emit/Regions.h"
#include "codegen/kernels/Emitters.h"
#include "codegen/kernels/conv/Blocked.h"
#include "ir/Diagnostics.h"
#include "ir/Limits.h"
#include "ir/ops/View.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "runtime/OptionMark.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

/// Why operands that decide where elements go are not known; empty if they are.
static std::string checkConstant(Operation *op, ValueRange operands) {
  for (Value operand : operands)
    if (operand && !constantTensor(operand))
      return operatorName(op) + " has shapes, axes or positions that are computed";
  return "";
}

/// Every operand after the first `data` ones must be constant.
template <unsigned data> static std::string checkMovement(Operation *op, const Target &) {
  return checkConstant(op, op->getOperands().drop_front(data));
}

/// Elements that lie where a table of each axis says.
static std::string checkLength(Operation *op) {
  return operatorName(op) + " along an axis of more than " + std::to_string(limitsOf(op).table) +
         " elements takes a table of as many entries: cut it, or raise the limit (" + optionMark("limit", "table=N") +
         ")";
}

/// Blocks are joined whole: only the last operand may end within one.
static std::string checkConcat(Operation *op, const Target &) {
  auto concat = cast<ConcatOp>(op);
  BlockedAttr layout = layoutOf(concat.getY().getType());
  int64_t rank = rankedType(concat.getY()).getRank(), axis = (concat.getAxis() + rank) % rank;
  for (auto [place, operand] : llvm::enumerate(concat.getInputs())) {
    if (layoutOf(operand.getType()) != layout)
      return "Concat mixes layouts";
    if (layout && axis == layout.getAxis() && place + 1 < concat.getInputs().size() &&
        rankedType(operand).getDimSize(axis) % layout.getSize() != 0)
      return "Concat would cut blocks";
  }
  return "";
}

static LogicalResult emitMovement(KernelEmitter &e, Operation *op) {
  SmallVector<StridedCopy> copies;
  if (failed(cast<MovementOpInterface>(op).appendCopies(constantInts, copies)))
    return failure();
  for (const StridedCopy &copy : copies) {
    std::optional<Region> region = regionOf(copy, op);
    if (!region)
      return emitUnsupported(op) << checkLength(op);
    emitRegion(e, *region, {});
  }
  return success();
}

static LogicalResult emitConcat(KernelEmitter &e, Operation *op) {
  return layoutOf(op->getResult(0).getType()) ? emitBlockedConcat(e, op) : emitMovement(e, op);
}

/// The whole operand, in order.
static LogicalResult emitIdentity(KernelEmitter &e, Operation *op) {
  Dims shape(rankedType(op->getOperand(0)).getShape());
  std::optional<Region> region = regionOf({0, 0, shape, 0, 0, rowMajorStrides(shape), rowMajorStrides(shape)}, op);
  if (!region)
    return op->emitOpError("is no movement by dimensions");
  emitRegion(e, *region, {});
  return success();
}

static std::string checkPad(Operation *op, const Target &) {
  auto pad = cast<PadOp>(op);
  if (hasLongAxis(op))
    return checkLength(op);
  return checkConstant(op, {pad.getPads(), pad.getAxes()});
}

static LogicalResult emitPad(KernelEmitter &e, Operation *op) {
  auto pad = cast<PadOp>(op);
  if (rankedType(pad.getY()).getNumElements() == 0)
    return success();
  FailureOr<IndexTables> tables = pad.sourceTables(constantInts);
  if (failed(tables))
    return failure();
  Type type = computeType(elementTypeOf(pad.getX()));
  auto fill = [&]() -> Value {
    if (!pad.getValue())
      return e.number(type, 0);
    RankedTensorType value = rankedType(pad.getValue());
    return e.read(pad.getValue(), SmallVector<Value>(value.getRank(), e.index(0)));
  };
  emitRegion(e, {pad.getX(), 0, Dims(tables->offsets.size(), 0), Region::placesOf(*tables)}, fill);
  return success();
}

static std::string checkTrilu(Operation *op, const Target &) { return checkConstant(op, {cast<TriluOp>(op).getK()}); }

static LogicalResult emitTrilu(KernelEmitter &e, Operation *op) {
  auto trilu = cast<TriluOp>(op);
  Dims shape(rankedType(trilu.getX()).getShape());
  int64_t columns = shape.pop_back_val(), rows = shape.back();
  std::optional<double> given = trilu.getK() ? constantScalar(trilu.getK()) : 0.0;
  int64_t k = static_cast<int64_t>(std::clamp<double>(given.value_or(0), -static_cast<double>(rows), columns));
  e.iterations(*elementCount(shape), KernelEmitter::grainFor(2.0 * columns), [&](Value iteration) {
    SmallVector<Value> index = e.delinearize(iteration, shape);
    // The first column on the other side of the diagonal: row + k, or row + k + 1 for the lower triangle.
    Value border = e.add(index.back(), e.index(trilu.getUpper() ? k : k + 1));
    border = arith::MaxSIOp::create(e.b, arith::MinSIOp::create(e.b, border, e.index(columns)), e.index(0));
    auto part = [&](Value from, Value to, bool keeps) {
      e.forLanes(from, to, e.lanes(), [&](Value i, unsigned lanes) {
        Point point{index, i, lanes};
        Value zero = e.splat(e.number(computeType(elementTypeOf(trilu.getX())), 0), lanes);
        e.finish(0, keeps ? e.read(trilu.getX(), point) : zero, point);
      });
    };
    part(e.index(0), border, !trilu.getUpper());
    part(border, e.index(columns), trilu.getUpper());
  });
  return success();
}

void registerMovementEmitters(EmitterTable &table) {
  table.add<TransposeOp>({nullptr, emitMovement});
  table.add<ConcatOp>({checkConcat, emitConcat, true});
  table.add<DepthToSpaceOp>({nullptr, emitMovement});
  table.add<SpaceToDepthOp>({nullptr, emitMovement});
  table.add<SplitOp>({checkMovement<1>, emitMovement});
  table.add<SliceOp>({checkMovement<1>, emitMovement});
  table.add<ExpandOp>({checkMovement<1>, emitMovement});
  table.add<TileOp>({checkMovement<1>, emitMovement});
  table.add<PadOp>({checkPad, emitPad});
  table.add<TriluOp>({checkTrilu, emitTrilu});
  table.add<IdentityOp>({nullptr, emitIdentity});
}

} // namespace sinter::codegen
