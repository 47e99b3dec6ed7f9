// The oneDNN backend at compile time: which kernels it takes, and their descriptions for the runtime.
#pragma once

#include "ir/ops/Kernel.h"
#include "runtime/Status.h"

namespace sinter::codegen {

/// The description (JSON, runtime/onednn/Description.h) of a kernel, or why oneDNN cannot take it, naming the
/// op. Its buffers are those that SinterCallbacks::callFallback passes: kernel.inputs() in order, constants
/// included, then the results. oneDNN's relu, clip, exp and maxima turn NaN into numbers, so it takes them
/// only where `assumeFinite`.
Expected<std::string> describeForOneDnn(nn::KernelOp kernel, bool assumeFinite);

/// Why oneDNN cannot take the kernel; empty if it can.
std::string checkOneDnn(nn::KernelOp kernel, bool assumeFinite);

} // namespace sinter::codegen
