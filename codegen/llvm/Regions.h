// Data movement as loops: a region of a result whose elements come from places that are sums of one table per
// dimension.
#pragma once

#include "codegen/llvm/KernelEmitter.h"

namespace sinter::codegen {

/// Elements begin + i of result number `result`, read from `source` at tables(i), or the fill value where a
/// table is negative.
struct Region {
  mlir::Value source;
  unsigned result = 0;
  nn::Dims begin;
  nn::IndexTables tables;
};

/// The region that a strided copy writes; null where the copy is not one (it never is for the ops of the
/// dialect).
std::optional<Region> regionOf(const nn::StridedCopy &copy, mlir::Operation *op);

/// Emits the phase that computes a region. `fill` makes the fill value, in compute type; it may be null where
/// no table is negative.
void emitRegion(KernelEmitter &e, const Region &region, llvm::function_ref<mlir::Value()> fill);

} // namespace sinter::codegen
