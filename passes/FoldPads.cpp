// nn-fold-pads: explicit padding into the convolution or pool that reads it, which then needs no copy and keeps the
// layout of its input. Exporters write it for asymmetric pads and for averages that count padding.
#include "ir/Diagnostics.h"
#include "ir/Ops.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/Rewrite.h"
#include "passes/Unused.h"

using namespace mlir;

namespace sinter::nn {

#define GEN_PASS_DEF_FOLDPADS
#include "passes/Passes.h.inc"

namespace {

/// Elements that an nn.pad adds around the spatial dimensions of [N, C, spatial...]: begins, then ends.
struct SpatialPad {
  Dims begins, ends;
  double value = 0;
};

/// Whether the pad is such a one, and then which.
Legality readSpatialPad(PadOp pad, SpatialPad &result) {
  RankedTensorType x = rankedType(pad.getX());
  std::optional<Tensor> pads = constantTensor(pad.getPads());
  if (pad.getMode() != PadMode::Constant)
    return Legality::no("PAD_MODE", "it pads by " + stringifyEnum(pad.getMode()) + ", not with a number");
  if (!x || !x.hasStaticShape() || x.getRank() < 3)
    return Legality::no("NOT_SPATIAL", "what it pads has no spatial dimensions");
  if (!pads)
    return Legality::no("NON_CONST_PARAM", "how much it pads is computed at run time");
  if (pad.getValue()) {
    std::optional<double> value = constantScalar(pad.getValue());
    if (!value)
      return Legality::no("NON_CONST_PARAM", "what it pads with is computed at run time");
    result.value = *value;
  }
  int64_t rank = x.getRank();
  Dims axes = llvm::to_vector(llvm::seq<int64_t>(rank)), begins(rank, 0), ends(rank, 0);
  if (pad.getAxes()) {
    std::optional<Tensor> given = constantTensor(pad.getAxes());
    if (!given)
      return Legality::no("NON_CONST_PARAM", "the axes that it pads are computed at run time");
    std::vector<int64_t> list = toInts(*given);
    axes.assign(list.begin(), list.end());
  }
  std::vector<int64_t> amounts = toInts(*pads);
  if (amounts.size() != 2 * axes.size())
    return Legality::no("NON_CONST_PARAM", "its amounts do not fit its axes");
  for (auto [i, axis] : llvm::enumerate(axes)) {
    int64_t at = axis < 0 ? axis + rank : axis;
    begins[at] = amounts[i];
    ends[at] = amounts[axes.size() + i];
  }
  if (begins[0] != 0 || begins[1] != 0 || ends[0] != 0 || ends[1] != 0)
    return Legality::no("NOT_SPATIAL", "it pads the batch or the channels");
  if (llvm::any_of(llvm::concat<int64_t>(begins, ends), [](int64_t n) { return n < 0; }))
    return Legality::no("NEGATIVE_PAD", "one of its amounts is negative, which crops");
  result.begins.assign(begins.begin() + 2, begins.end());
  result.ends.assign(ends.begin() + 2, ends.end());
  return Legality::yes();
}

/// Lets the op read the pad's operand, with larger pads of its own.
template <typename Op> void readUnpadded(Op op, const SpatialPad &pad, const Window &window, Value x) {
  Dims begins, ends;
  for (auto [axis, begin, end] : llvm::zip_equal(window, pad.begins, pad.ends)) {
    begins.push_back(axis.padBegin + begin);
    ends.push_back(axis.padEnd + end);
  }
  llvm::append_range(begins, ends);
  op.setPadsAttr(DenseI64ArrayAttr::get(op.getContext(), begins));
  op.setAutoPad(AutoPad::NotSet);
  op.getXMutable().assign(x);
}

bool pads(const Window &window) {
  return llvm::any_of(window, [](const WindowAxis &axis) { return axis.padBegin > 0 || axis.padEnd > 0; });
}

struct FoldPadsPass : impl::FoldPadsBase<FoldPadsPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Block &body = function.getBody().front();
      for (auto pad : llvm::make_early_inc_range(body.getOps<PadOp>())) {
        SpatialPad amounts;
        if (Legality isSpatial = readSpatialPad(pad, amounts); !isSpatial) {
          remarkMissed(pad, getArgument(), isSpatial);
          continue;
        }
        for (OpOperand &use : llvm::make_early_inc_range(pad.getY().getUses()))
          remarkMissed(pad, getArgument(), fold(use, amounts, pad.getX()));
      }
      eraseUnused(body);
    }
  }

private:
  static Legality fold(OpOperand &use, const SpatialPad &pad, Value x) {
    Operation *reader = use.getOwner();
    if (isa<func::ReturnOp>(reader))
      return Legality::no("GRAPH_OUTPUT", "its result is a graph output");
    if (use.getOperandNumber() != 0 || !isa<ConvOp, MaxPoolOp, AveragePoolOp>(reader))
      return Legality::no("READER_CANNOT_PAD", describe(reader) + " reads it, and has no padding of its own");
    auto into = [&](auto op) {
      if (FailureOr<Window> window = op.window(); succeeded(window))
        rewrite(op, "fold-pad", [&] { readUnpadded(op, pad, *window, x); });
      return Legality::yes();
    };
    auto otherValue = [&](StringRef expected) {
      return Legality::no("PAD_VALUE",
                          "what it pads with is not the " + expected + " that " + describe(reader) + " pads with");
    };
    auto ceils = [&] {
      return Legality::no("CEIL_MODE",
                          describe(reader) +
                              " rounds its size up, where its last window may lie in padding of its own alone");
    };
    if (auto conv = dyn_cast<ConvOp>(reader))
      return pad.value == 0 ? into(conv) : otherValue("0");
    // With ceil_mode the last window may start in the padding, unless it is the pool's own.
    if (auto pool = dyn_cast<MaxPoolOp>(reader))
      return pool.getCeilMode() ? ceils() : pad.value == -INFINITY ? into(pool) : otherValue("-inf");
    auto pool = cast<AveragePoolOp>(reader);
    if (pool.getCeilMode())
      return ceils();
    if (pad.value != 0)
      return otherValue("0");
    // The zeros count; padding of the pool's own must then count, too.
    FailureOr<Window> window = pool.window();
    if (failed(window) || (pads(*window) && !pool.getCountIncludePad()))
      return Legality::no("PADDING_UNCOUNTED", describe(reader) + " pads, too, and does not count its own padding");
    rewrite(pool, "fold-pad", [&] {
      readUnpadded(pool, pad, *window, x);
      pool.setCountIncludePad(true);
    });
    return Legality::yes();
  }
};

} // namespace
} // namespace sinter::nn
