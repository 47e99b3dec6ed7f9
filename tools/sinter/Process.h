// Runs this program again as a process of its own, so that a crash or a hang stays there.
#pragma once

#include "runtime/Status.h"

#include <string>
#include <vector>

namespace sinter {

struct ProcessResult {
  std::string output; ///< the last 64 KB of what it printed, stdout and stderr together
  bool timedOut = false;
  int exitStatus = 0; ///< valid if signal is 0
  int signal = 0;     ///< that ended it
};

/// Starts this program with `arguments` and waits, killing it after `seconds`. Spawned, not forked: the
/// thread pool does not survive a fork.
Expected<ProcessResult> runSelf(const std::vector<std::string> &arguments, double seconds);

} // namespace sinter
