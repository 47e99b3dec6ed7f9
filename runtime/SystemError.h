// Errors of system calls, in words that tell a wrong path from a machine that has run out of something.
#pragma once

#include "runtime/Status.h"

#include <string>
#include <string_view>

namespace sinter {

/// "cannot read 'x': Permission denied": the failure to do `doing` to `path` for the reason `number`, an errno, with
/// the remedy where the path is not what is wrong.
Failure systemError(std::string_view doing, const std::string &path, int number);

} // namespace sinter
