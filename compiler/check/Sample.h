// Which elements of a tensor are compared for all: corners, edges, places inside, and places in every
// channel.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/SmallVector.h"

namespace sinter::codegen {

/// Lists of which any beginning will do where elements are costly.
struct Sample {
  llvm::SmallVector<int64_t> corners; ///< one inside, the first, the last
  llvm::SmallVector<int64_t> places;  ///< on edges, and inside
  /// Along axis 1, and along the last one of up to three: what may be channels. Ends first, the rest in no
  /// order: a pattern with any period shows in a beginning.
  llvm::SmallVector<llvm::SmallVector<int64_t>, 2> channels;

  static Sample of(mlir::RankedTensorType type, int64_t maxChannels = 128);
};

/// All elements up to a number, beyond it as many at even distances.
llvm::SmallVector<int64_t> spread(mlir::RankedTensorType type, int64_t maxElements);

} // namespace sinter::codegen
