// Yes-or-no properties of ops that passes ask for; an op declares them in its .td.
#pragma once

#include "mlir/IR/OpDefinition.h"

namespace sinter::nn {

// MLIR's ops construct their traits through a class between, which no friend of a trait names.
// NOLINTBEGIN(bugprone-crtp-constructor-accessibility)

/// The result has the bytes of the first operand, under another shape.
template <typename ConcreteType> class ViewOfFirst : public mlir::OpTrait::TraitBase<ConcreteType, ViewOfFirst> {};

/// The result holds each element of the first operand once, in another order.
template <typename ConcreteType> class PermutesFirst : public mlir::OpTrait::TraitBase<ConcreteType, PermutesFirst> {};

/// The results hold elements of the first operand and nothing else, each any number of times.
template <typename ConcreteType> class CopiesFirst : public mlir::OpTrait::TraitBase<ConcreteType, CopiesFirst> {};

/// A kernel of the op can compute element by element what follows it, before it stores.
template <typename ConcreteType> class TakesEpilogue : public mlir::OpTrait::TraitBase<ConcreteType, TakesEpilogue> {};

// NOLINTEND(bugprone-crtp-constructor-accessibility)

/// Views permute, and what permutes copies.
inline bool permutesFirst(mlir::Operation *op) { return op->hasTrait<ViewOfFirst>() || op->hasTrait<PermutesFirst>(); }
inline bool copiesFirst(mlir::Operation *op) { return permutesFirst(op) || op->hasTrait<CopiesFirst>(); }

} // namespace sinter::nn
