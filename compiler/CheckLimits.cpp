// A limit has a name that nn::Limits knows and a value of at least 0.
#include "compiler/CheckLimits.h"
#include "ir/Limits.h"

namespace sinter {

Status checkLimits(const CompileOptions &options) {
  nn::Limits limits;
  for (const auto &[name, most] : options.limits)
    if (!limits.find(name) || most < 0)
      return {ErrorCode::InvalidArgument,
              "there is no limit '" + name + "'; the limits are numbers from 0 on for " + nn::Limits::names()};
  return {};
}

} // namespace sinter
