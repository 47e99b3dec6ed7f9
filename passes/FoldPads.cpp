// nn-fold-pads: explicit padding into the convolution or pool that reads it, which then needs no copy and keeps the
// layout of its input. Exporters write it for asymmetric pads and for averages that count padding.
#include "ir/Ops.h"
#include "passes/Passes.h"
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

/// Nothing where the pad does anything else, or is not known.
std::optional<SpatialPad> spatialPad(PadOp pad) {
  RankedTensorType x = rankedType(pad.getX());
  std::optional<Tensor> pads = constantTensor(pad.getPads());
  if (pad.getMode() != "constant" || !x || !x.hasStaticShape() || x.getRank() < 3 || !pads)
    return std::nullopt;
  SpatialPad result;
  if (pad.getValue()) {
    std::optional<double> value = constantScalar(pad.getValue());
    if (!value)
      return std::nullopt;
    result.value = *value;
  }
  int64_t rank = x.getRank();
  Dims axes = llvm::to_vector(llvm::seq<int64_t>(rank)), begins(rank, 0), ends(rank, 0);
  if (pad.getAxes()) {
    std::optional<Tensor> given = constantTensor(pad.getAxes());
    if (!given)
      return std::nullopt;
    std::vector<int64_t> list = toInts(*given);
    axes.assign(list.begin(), list.end());
  }
  std::vector<int64_t> amounts = toInts(*pads);
  if (amounts.size() != 2 * axes.size())
    return std::nullopt;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    int64_t at = axis < 0 ? axis + rank : axis;
    begins[at] = amounts[i];
    ends[at] = amounts[axes.size() + i];
  }
  bool isSpatial = begins[0] == 0 && begins[1] == 0 && ends[0] == 0 && ends[1] == 0;
  if (!isSpatial || llvm::any_of(llvm::concat<int64_t>(begins, ends), [](int64_t n) { return n < 0; }))
    return std::nullopt;
  result.begins.assign(begins.begin() + 2, begins.end());
  result.ends.assign(ends.begin() + 2, ends.end());
  return result;
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
  op.setAutoPad("NOTSET");
  op.getXMutable().assign(x);
}

bool pads(const Window &window) {
  return llvm::any_of(window, [](const WindowAxis &axis) { return axis.padBegin > 0 || axis.padEnd > 0; });
}

struct FoldPadsPass : impl::FoldPadsBase<FoldPadsPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      Block &body = function.getBody().front();
      for (auto pad : llvm::make_early_inc_range(body.getOps<PadOp>()))
        if (std::optional<SpatialPad> amounts = spatialPad(pad))
          for (OpOperand &use : llvm::make_early_inc_range(pad.getY().getUses()))
            if (use.getOperandNumber() == 0)
              fold(use.getOwner(), *amounts, pad.getX());
      eraseUnused(body);
    }
  }

private:
  static void fold(Operation *reader, const SpatialPad &pad, Value x) {
    auto into = [&](auto op) {
      if (FailureOr<Window> window = op.window(); succeeded(window))
        rewrite(op, "fold-pad", [&] { readUnpadded(op, pad, *window, x); });
    };
    if (auto conv = dyn_cast<ConvOp>(reader); conv && pad.value == 0)
      return into(conv);
    // With ceil_mode the last window may start in the padding, unless it is the pool's own.
    if (auto pool = dyn_cast<MaxPoolOp>(reader); pool && !pool.getCeilMode() && pad.value == -INFINITY)
      return into(pool);
    auto pool = dyn_cast<AveragePoolOp>(reader);
    if (!pool || pool.getCeilMode() || pad.value != 0)
      return;
    // The zeros count; padding of the pool's own must then count, too.
    FailureOr<Window> window = pool.window();
    if (failed(window) || (pads(*window) && !pool.getCountIncludePad()))
      return;
    rewrite(pool, "fold-pad", [&] {
      readUnpadded(pool, pad, *window, x);
      pool.setCountIncludePad(true);
    });
  }
};

} // namespace
} // namespace sinter::nn
