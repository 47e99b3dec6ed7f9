// How many bytes a kernel has to move, whatever code computes it: for rooflines.
#pragma once

#include "ir/Ops.h"

namespace sinter::codegen {

/// Every input, constants included, read once and every output written once, in bytes of their storage
/// (blocked channels are padded). Of an input that is only picked from (slice, gather) no more counts than is
/// picked.
double compulsoryBytes(nn::KernelOp kernel);

} // namespace sinter::codegen
