// The limits that a caller names, checked before anything is compiled.
#pragma once

#include "compiler/Compiler.h"

namespace sinter {

/// Fails where `limits` names one that does not exist.
Status checkLimits(const CompileOptions &options);

} // namespace sinter
