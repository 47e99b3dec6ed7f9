// Whether this processor can run a compiled model. Features go by LLVM's names: "avx2", "avx512f", "fma",
// "neon".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// The processors that models are compiled for.
enum class Architecture { X86_64, Aarch64, Riscv64 };

/// Whether missingFeatures can check `feature` on such a processor; a compiled model should require only such features.
bool isCheckedFeature(Architecture architecture, std::string_view feature);

/// The members of the comma-separated list `features` that the running processor (or its operating system) lacks.
std::vector<std::string> missingFeatures(std::string_view features);

/// The most capable generic --target-cpu that this processor can run: "x86-64" to "x86-64-v4", "rv64gc", "rv64gcv",
/// else "generic".
std::string baselineCpu();

} // namespace sinter
