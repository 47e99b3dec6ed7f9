// How single elements of an op's results follow from elements of its operands: one rule a family. A rule demands what
// it reads and returns what computes it, or null for an op that is none of its own.
#pragma once

#include "compiler/check/Cone.h"

namespace sinter::codegen::rules {

Cone::Step moving(mlir::Operation *op, Cone &cone);      ///< views, copies, pads, gathers by constants
Cone::Step elementwise(mlir::Operation *op, Cone &cone); ///< by the op's own reference, on vectors of points
Cone::Step products(mlir::Operation *op, Cone &cone);    ///< convolutions and matrix products
Cone::Step windows(mlir::Operation *op, Cone &cone);     ///< pools, reductions and resizes
Cone::Step rows(mlir::Operation *op, Cone &cone);        ///< norms and softmaxes
Cone::Step whole(mlir::Operation *op, Cone &cone);       ///< small tensors, by the op's own reference

} // namespace sinter::codegen::rules
