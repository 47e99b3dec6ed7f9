// When Winograd's algorithm pays: the tiles that are accurate enough, and their estimated cycles beside those of direct
// computation.
#include "codegen/kernels/conv/WinogradPlan.h"
#include "codegen/kernels/conv/Im2colPanel.h"
#include "ir/ops/ConvolutionSums.h"
#include "runtime/OptionMark.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {

std::string WinogradTile::name() const {
  return ("Winograd F(" + Twine(rows.outputs()) + "x" + Twine(columns.outputs()) + ", " + Twine(rows.taps) + "x" +
          Twine(columns.taps) + ")")
      .str();
}

/// The tiles with `extent` points along each axis that has more than one tap.
static std::optional<WinogradTile> tileOf(const Window &window, int64_t extent) {
  constexpr int64_t minPixels = 6;
  WinogradTile tile;
  for (auto [axis, algorithm] : {std::pair(&window[1], &tile.rows), std::pair(&window[2], &tile.columns)}) {
    if (axis->stride != 1)
      return std::nullopt;
    if (axis->size == 1)
      continue;
    std::optional<CookToom> found = CookToom::of(extent, axis->size);
    if (!found || axis->out < minPixels)
      return std::nullopt;
    *algorithm = *found;
  }
  if (tile.rows.isTrivial() && tile.columns.isTrivial())
    return std::nullopt;
  // Rounding errors grow with the points and the outputs between them, those of two axes by the product.
  bool isPlane = !tile.rows.isTrivial() && !tile.columns.isTrivial();
  int64_t maxOutputs = isPlane ? 4 : 6, maxPoints = isPlane ? 8 : 10;
  bool isAccurate = extent <= maxPoints && std::max(tile.rows.outputs(), tile.columns.outputs()) <= maxOutputs;
  return isAccurate ? std::optional(tile) : std::nullopt;
}

/// Why no tile of whatever size can compute the convolution; empty if one may.
static std::string checkTransforms(const Target &target, ConvOp op) {
  FailureOr<Window> window = op.window();
  if (failed(window) || window->size() > 3)
    return "it has more than three spatial dimensions";
  if (!elementTypeOf(op.getX()).isF32())
    return "Winograd's algorithm would cancel digits that its type lacks";
  if (op.getGroup() != 1)
    return "Winograd's algorithm sums over all channels, and it has groups";
  if (llvm::any_of(imageAxes(*window), [](const WindowAxis &axis) { return axis.stride != 1; }))
    return "Winograd's algorithm needs strides of 1";
  if (llvm::all_of(imageAxes(*window), [](const WindowAxis &axis) { return axis.size == 1; }))
    return "its kernel has one tap, so that Winograd's algorithm has nothing to save";
  if (rankedType(op.getX()).getDimSize(1) < minTransformChannels ||
      rankedType(op.getY()).getDimSize(1) < minTransformChannels)
    return "with fewer than " + std::to_string(minTransformChannels) +
           " channels the transforms of Winograd's algorithm cost more than they save";
  if (!layoutOf(op.getY().getType()))
    return "Winograd's algorithm works in channel blocks, and it lies in planes";
  if (!layoutOf(op.getX().getType()))
    return "Winograd's algorithm reads channel blocks, and its operand lies in planes";
  if (!target.winograd)
    return "Winograd's algorithm rounds more than " + optionMark("math", "strict") + " allows";
  Window axes = *threeAxes(*window);
  if (llvm::none_of(winogradExtents, [&](int64_t extent) { return tileOf(axes, extent).has_value(); }))
    return "no tile of Winograd's algorithm is accurate enough for so large a kernel, or fits so small a result";
  return "";
}

/// Cycles to compute the convolution directly, by the same estimate.
static double directCycles(const Target &target, ConvOp op, const Window &window) {
  ArrayRef<int64_t> x = rankedType(op.getX()).getShape(), y = rankedType(op.getY()).getShape();
  auto pixels = static_cast<double>(x[0] * window[0].out * window[1].out * window[2].out);
  double lanes = target.lanes(32), taps = static_cast<double>(window[0].size * window[1].size * window[2].size);
  double products = taps * static_cast<double>(x[1]) * std::ceil(static_cast<double>(y[1]) / lanes);
  return std::max(pixels * products / 2 / 0.92, products * lanes * 4 / WinogradPlan::bytesPerCycle);
}

static std::string millions(double cycles) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.3g million cycles", cycles / 1e6);
  return text;
}

static constexpr StringLiteral keepsSigns =
    "an output channel has weights or products of one sign, and sums of those must keep it, which differences do not";

WinogradChoice chooseWinograd(const Target &target, ConvOp op) {
  if (std::string reason = checkTransforms(target, op); !reason.empty())
    return {std::nullopt, reason};
  Window window = *threeAxes(*op.window());
  ArrayRef<int64_t> x = rankedType(op.getX()).getShape(), y = rankedType(op.getY()).getShape();
  Schedule schedule = scheduleOf(op);
  const double direct = directCycles(target, op, window);
  double fewest = direct;
  std::optional<WinogradTile> best, next; // next: the cheapest of all
  double nextCycles = 0;
  for (int64_t extent : winogradExtents) {
    std::optional<WinogradTile> tile = tileOf(window, extent);
    if (!tile || extent != schedule.winograd.value_or(extent))
      continue;
    WinogradPlan plan(target, schedule, window, *tile, x[0], x[1], y[1]);
    double cycles = plan.cycles();
    if (plan.scratchBytes() > KernelEmitter::maxScratchBytes / 2)
      continue;
    if (!next || cycles < nextCycles)
      next = tile, nextCycles = cycles;
    if (cycles >= 0.95 * fewest && !schedule.winograd)
      continue;
    fewest = cycles;
    best = tile;
  }
  if (best && !mayTakeDifferences(op))
    return {std::nullopt, keepsSigns.str()};
  if (schedule.winograd)
    return {best, best ? "the schedule asks for it" : "the schedule asks for direct computation"};
  if (!next)
    return {std::nullopt, "the tiles of Winograd's algorithm do not fit on the stack"};
  std::string estimate =
      "estimated at " + millions(best ? fewest : nextCycles) + ", direct computation at " + millions(direct);
  return {best, best ? estimate : next->name() + " is " + estimate};
}

bool takesWinograd(const Target &target, ConvOp op) {
  return checkTransforms(target, op).empty() && mayTakeDifferences(op);
}

} // namespace sinter::codegen
