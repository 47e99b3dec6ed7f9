// Rewrites for processors that lack an instruction for which LLVM would call libm.
#pragma once

#include "codegen/target/Target.h"
#include "mlir/Pass/Pass.h"

namespace sinter::codegen {

/// Without FMA: a*b + c in two roundings. Without instructions for rounding (SSE2): floor, ceil, trunc and roundeven
/// through the addition of 2^23 or 2^52, which rounds to integers.
std::unique_ptr<mlir::Pass> createExpandForTarget(const Target &target);

} // namespace sinter::codegen
