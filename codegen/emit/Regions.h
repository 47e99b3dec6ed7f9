// Data movement as loops: a region of a result whose elements come from places that are sums of one table per
// dimension.
#pragma once

#include "codegen/emit/KernelEmitter.h"

namespace sinter::codegen {

/// The places of one dimension (or of several merged ones): first + i*step, or listed; negative ones are filled.
struct Places {
  struct Line {
    int64_t first, step;
  };
  int64_t count = 0;
  std::optional<Line> line;
  std::vector<int64_t> list; ///< where there is no line

  Places(int64_t count, Line line) : count(count), line(line) {}
  explicit Places(const std::vector<int64_t> &list);
  bool hasFill() const;
};

/// Elements begin + i of result number `result`, read from `source` at the sum of the places of i, or the fill value
/// where one is negative.
struct Region {
  mlir::Value source;
  unsigned result = 0;
  nn::Dims begin;
  std::vector<Places> places;

  static std::vector<Places> placesOf(const nn::IndexTables &tables);
};

/// The region that a strided copy writes; nothing where the copy is not one (it never is for the ops of the
/// dialect), or would take a list of more places than the limits allow.
std::optional<Region> regionOf(const nn::StridedCopy &copy, mlir::Operation *op);

/// Emits the phase that computes a region. `fill` makes the fill value, in compute type; it may be null where
/// no table is negative.
void emitRegion(KernelEmitter &e, const Region &region, llvm::function_ref<mlir::Value()> fill);

} // namespace sinter::codegen
