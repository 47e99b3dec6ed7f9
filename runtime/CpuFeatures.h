// Whether this processor can run a compiled model. Features go by LLVM's names: "avx2", "avx512f", "fma",
// "neon".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// Whether missingFeatures can check `feature`; a compiled model should require only such features.
bool isCheckedFeature(std::string_view feature);

/// Those of the comma-separated `features` that the running processor (or its operating system) lacks.
std::vector<std::string> missingFeatures(std::string_view features);

/// The most capable generic --target-cpu that this processor can run: "x86-64" to "x86-64-v4", else
/// "generic".
std::string baselineCpu();

} // namespace sinter
