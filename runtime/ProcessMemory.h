// How much memory this process may have: what a value that is larger can never be given.
#pragma once

#include <cstdint>

namespace sinter {

/// Bytes: the least of the machine's memory, the limits of its control groups and those of setrlimit. Read
/// once.
int64_t processMemory();

} // namespace sinter
