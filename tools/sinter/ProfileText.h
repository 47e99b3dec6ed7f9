// A profile as a table for people.
#pragma once

#include "tools/sinter/KernelProfile.h"

namespace sinter {

struct ProfileStyle {
  size_t rows = 20;    ///< kernels shown
  size_t width = 150;  ///< characters that a line may have; not kept where names would get shorter than 16
  bool colour = false; ///< ANSI escapes
};

/// The most expensive kernels first; then what the others take together, and the total.
std::string profileText(const ModelProfile &profile, const ProfileStyle &style);

} // namespace sinter
