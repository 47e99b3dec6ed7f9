// A key that differs between kernels which may want different schedules.
#pragma once

#include "codegen/target/Target.h"
#include "ir/ops/Kernel.h"

namespace sinter::codegen {

/// The ops of a kernel with their attributes and types, operands by number: the same text for kernels that differ in
/// names and weights alone.
std::string describeForTuning(nn::KernelOp kernel);
/// 32 hexadecimal digits of that text's hash.
std::string kernelKey(nn::KernelOp kernel);
/// The processor as the emitters see it, and the compiler.
std::string machineKey(const Target &target);

} // namespace sinter::codegen
