// A profile for programs, and the runs that Chrome and Perfetto draw. docs/performance.md documents the
// fields.
#pragma once

#include "tools/sinter/KernelProfile.h"

#include <llvm/Support/JSON.h>

namespace sinter {

llvm::json::Object profileJson(const ModelProfile &profile);

/// The trace event format: one complete event ("X") for each call, in microseconds since the first one.
std::string traceText(const ModelProfile &profile, const std::vector<std::vector<KernelCall>> &runs);

} // namespace sinter
