// Elements of a value, computed from nothing but the elements that they need: pulled back through the ops to leaves,
// whose values are drawn.
#pragma once

#include "compiler/check/Points.h"
#include "compiler/check/ValueNumbering.h"
#include "ir/Ops.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <deque>
#include <functional>

namespace sinter::codegen {

/// Fills the points of a leaf.
using DrawLeaf = llvm::function_ref<void(mlir::Value leaf, Points &points)>;

/// How far an element of a constant may be from what the model means by it.
struct ConstantError {
  double roundedShare = 0; ///< of its value, where a pass computed it
  double flushedBelow = 0; ///< where the model gave it: kernels may read what is below as 0

  double of(double value) const {
    double size = std::fabs(value);
    return size < flushedBelow ? size : std::isfinite(size) ? roundedShare * size : 0;
  }
};

class Cone {
public:
  /// Constants for which `isOld` holds count as exact, others as rounded by the pass that made them.
  Cone(mlir::Value root, llvm::function_ref<bool(mlir::Value)> isLeaf, llvm::function_ref<bool(mlir::Attribute)> isOld)
      : root(root), isLeaf(isLeaf), isOld(isOld) {
    collect();
  }

  /// Why the elements cannot be computed; empty if they can. `maxWork` bounds the products and moves of one set.
  std::string plan(llvm::ArrayRef<int64_t> elements, int64_t maxWork);
  void evaluate(DrawLeaf draw);
  /// Errors are those of rounding alone from here on.
  void ignoreFlushing();
  /// Every operation rounds `factor` times as much from here on.
  void roundWorse(double factor);
  /// Constants of the model are from here on what the model gives, however small.
  void keepConstants() { isFlushing = false; }
  /// Values that leave their type are infinities from here on, and not what they would be in a wider one.
  void saturate() { isSaturating = true; }

  Points &points(mlir::Value value);
  llvm::ArrayRef<mlir::Value> leaves() const { return leafValues; }
  llvm::ArrayRef<mlir::Operation *> ops() const { return order; }
  /// Some of several results of an op may be leaves, which are drawn while others are computed.
  bool isDrawn(mlir::Value value) const { return drawn.contains(value); }

  //===- For the rules of ops ---------------------------------------------===//

  /// Computes an op's demanded results; null where the op has no rule.
  using Step = std::function<void()>;

  /// The slot of an element of an operand.
  unsigned demand(mlir::Value value, int64_t element);
  /// A value on the way, in a set: whether its type holds it.
  void watch(double value, unsigned lane, const Rounding &rounding);
  /// Counts towards the bound.
  void work(int64_t amount) { spent += amount; }
  bool isExhausted() const { return spent > allowed; }
  int64_t workDone() const { return spent; }
  /// Operands that are constants.
  std::optional<Tensor> constant(mlir::Value value);
  ConstantError errorOf(nn::ConstantOp op) const;

  LaneMask undefined; ///< sets in which an index leaves its tensor, or the like
  LaneMask overflown; ///< sets in which a value leaves its type
  double excess = 0;  ///< by how much in the set of huge values

private:
  void collect();
  void watchResults(mlir::Operation *op);
  bool isOnlyFirstAsked(mlir::Operation *op) const;
  Step planOp(mlir::Operation *op);
  Step planConstant(mlir::Operation *op);

  mlir::Value root;
  llvm::function_ref<bool(mlir::Value)> isLeaf;
  llvm::function_ref<bool(mlir::Attribute)> isOld;
  llvm::SmallVector<mlir::Operation *> order; ///< operands first
  llvm::SmallVector<mlir::Value> leafValues;
  llvm::DenseSet<mlir::Value> drawn; ///< the same
  llvm::DenseMap<mlir::Value, Points *> known;
  std::deque<Points> storage;
  std::vector<Step> steps;
  int64_t spent = 0, allowed = 0;
  bool isTooLarge = false; ///< more ops than are evaluated
  bool isFlushing = true, isSaturating = false;
};

} // namespace sinter::codegen
