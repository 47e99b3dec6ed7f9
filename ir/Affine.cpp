// See the header.
#include "ir/Affine.h"
#include <algorithm>
#include <cmath>

namespace sinter::nn {

bool ChannelAffine::isFinite() const {
  auto finite = [](double x) { return std::isfinite(x); };
  return std::all_of(scale.begin(), scale.end(), finite) && std::all_of(shift.begin(), shift.end(), finite);
}

} // namespace sinter::nn
