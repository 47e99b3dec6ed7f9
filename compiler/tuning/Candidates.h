// The schedules and backends that --tune tries.
#pragma once

#include "codegen/target/Target.h"
#include "compiler/tuning/TuningCache.h"

namespace sinter::codegen {

/// Algorithms and register tiles for a kernel that generated code takes, and the backends of its `alsoTakenByAttr`;
/// without the choices of the cost models. Several may come to the same code.
std::vector<Choice> candidatesFor(nn::KernelOp kernel, const Target &target);
/// The backends that would take the kernel, too.
std::vector<std::string> otherBackends(nn::KernelOp kernel);
/// Sizes of blocks around what has been best so far.
std::vector<Choice> refinementsOf(const Choice &best);

} // namespace sinter::codegen
