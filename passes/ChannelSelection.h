// Keeping some channels of a value: what has to change in the ops that compute it, up to the weights that
// make those channels.
#pragma once

#include "ir/NN.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"

namespace sinter::nn {

/// Channels of a value that stay, along one axis, ascending.
struct KeptChannels {
  int64_t axis = 1;
  llvm::SmallVector<int64_t> channels;
  bool operator==(const KeptChannels &) const = default;
};

/// The elements of the kept channels.
Tensor selectChannels(const Tensor &tensor, const KeptChannels &kept);

/// A change of everything that computes one value so that it has only some of its channels. Asks first, then
/// changes.
class ChannelSelection {
public:
  /// `readers` are the ops that will read the smaller value.
  ChannelSelection(mlir::Value value, KeptChannels kept, llvm::ArrayRef<mlir::Operation *> readers);

  bool isPossible() const { return possible; }
  /// Builds the smaller value. The old ops lose their readers only once the caller has replaced `value` in
  /// them.
  mlir::Value apply();

private:
  bool require(mlir::Value value, const KeptChannels &kept);
  bool requireOperands(mlir::Operation *op, const KeptChannels &kept);
  bool requireElementwise(mlir::Operation *op, const KeptChannels &kept);
  bool requireFlow(mlir::OpResult result, const KeptChannels &kept);
  mlir::Value rebuilt(mlir::Value value);

  mlir::Value value;
  /// Every value that shrinks, with the channels it keeps; in the order in which they were met.
  llvm::MapVector<mlir::Value, KeptChannels> needs;
  llvm::DenseMap<mlir::Value, mlir::Value> made;
  bool possible = false;
};

} // namespace sinter::nn
