// Values that lie at fixed distances from each other in memory, because a concatenation of them copies nothing.
#pragma once

#include "ir/Legality.h"
#include "ir/Ops.h"
#include "ir/analysis/Views.h"
#include "llvm/ADT/MapVector.h"

namespace sinter::nn {

/// Sets of pieces: results of ops, each at its offset. A concatenation in place is a range of one set, which its
/// operands fill; no two pieces of a set overlap.
class SharedStorage {
public:
  /// For the values of a function's body, of which what it returns cannot be a piece.
  explicit SharedStorage(mlir::Block &body);

  /// Whether the concatenation's result is its operands one after another, so that they can be pieces of it.
  static Legality isContiguous(ConcatOp concat);

  /// Brings all operands into one set, as the concatenation wants them, but for those that it returns: pieces of other
  /// sets at other distances, inputs, constants. They are to be copied; the room for the copies is reserved. Nothing,
  /// and no change, if `anchor`, the operand that stays where it is, or the copies have no place.
  std::optional<llvm::SmallVector<unsigned>> place(ConcatOp concat, unsigned anchor);

  /// Where a piece lies: bytes behind the start of its set, which `head` stands for.
  struct Position {
    mlir::Value head;
    int64_t offset = 0, setBytes = 0;
  };
  /// The position of a storage root (ir/analysis/Views.h); none if it is in no set.
  std::optional<Position> positionOf(mlir::Value root) const;

private:
  struct Piece {
    mlir::Value value; ///< null: room for a copy
    int64_t offset, bytes;
  };
  using Set = llvm::SmallVector<Piece>;

  bool canMove(mlir::Value root) const;
  /// The set of a root, made if there is none, and its offset there.
  std::pair<unsigned, int64_t> find(mlir::Value root);
  static bool overlap(const Set &set, int64_t shift, const Set &other);

  llvm::DenseSet<mlir::Value> outputs;
  std::vector<Set> sets;
  llvm::DenseMap<mlir::Value, unsigned> setOf;
};

} // namespace sinter::nn
