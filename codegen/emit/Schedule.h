// How the loops of a kernel are cut up where that is not left to the cost models: what `--tune` found to be faster,
// kept at the kernel as an attribute.
#pragma once

#include "ir/ops/Kernel.h"

#include <optional>

namespace sinter::codegen {

/// Points of an axis for which there are sets of them (codegen/kernels/conv/CookToom.h).
inline constexpr int64_t winogradExtents[] = {4, 6, 8, 10};

/// Wishes that emitters grant as far as they can: sizes are cut to what fits, and an algorithm that the kernel must not
/// take stays out. So every schedule gives the same results but for roundings.
struct Schedule {
  /// Points of each axis in Winograd's algorithm, one of winogradExtents; 0 for direct computation; by the cost model
  /// if there is no value.
  std::optional<int64_t> winograd;
  /// Accumulators in registers: output pixels (or Winograd's tiles, or a product's rows) times vectors; 0: by the cost
  /// model.
  int64_t tileRows = 0, tileVectors = 0;
  /// Binary logarithms of the factors on the sizes of parallel iterations (outer) and of blocks of a sum (inner).
  int64_t outer = 0, inner = 0;

  bool operator==(const Schedule &) const = default;
  bool hasTile() const { return tileRows > 0; }
};

/// "winograd=6 tile=6x4 outer=1 inner=-1", each where it is not by the cost model; empty for all.
std::string toString(const Schedule &schedule);
/// Reads what toString writes; nothing for any other text.
std::optional<Schedule> parseSchedule(llvm::StringRef text);

/// The schedule of the kernel that an op is in: its nn::scheduleAttr.
Schedule scheduleOf(mlir::Operation *op);

/// `size` times 2^`logarithm`, at least 1.
int64_t scaled(int64_t size, int64_t logarithm);

/// The largest of as few equal parts of `whole` as are no larger than `part`.
int64_t evenPart(int64_t whole, int64_t part);

} // namespace sinter::codegen
