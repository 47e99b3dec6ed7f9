// Where a confined process may write.
#pragma once

#include <string>
#include <vector>

namespace sinter {

/// From now on this process and its threads write only into these folders and files, start no program and, where the
/// kernel can forbid it, make no connection. False where the kernel has no Landlock (before 5.13, or switched off).
bool confineFiles(const std::vector<std::string> &writable);

} // namespace sinter
