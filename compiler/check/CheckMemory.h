// State that the comparisons of one compilation share: the work that is left, the contents of constants, and
// the cost of similar comparisons.
#pragma once

#include "mlir/IR/Attributes.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace sinter::codegen {

/// Comparisons of cones with the same ops on the same types, as of one layer after another.
struct ComparisonKind {
  unsigned count = 0;
  /// Work of one more element: of any, and along each list of channels (Sample.h). Unknown before the first.
  std::optional<double> cost;
  llvm::SmallVector<double, 2> channelCosts;
};

class CheckMemory {
public:
  /// Products and moves that all comparisons may take, in a module of so many ops: a tenth of a second and
  /// more, by what compiling it costs. A recurrent network of ten thousand ops is compared in part.
  explicit CheckMemory(size_t ops);

  /// An equal hash for constants with the same elements but for signs, whatever their shapes: a pass that moves
  /// the mean of a BatchNorm, or negates it, rounds nothing. Nothing for large ones.
  std::optional<uint64_t> contentOf(mlir::Attribute constant);

  int64_t maxWork, workLeft;
  /// A search for a fault that was found compares as much in all layers.
  bool isThorough = false;
  llvm::DenseMap<uint64_t, ComparisonKind> kinds;

private:
  llvm::DenseMap<mlir::Attribute, std::optional<uint64_t>> contents;
};

} // namespace sinter::codegen
