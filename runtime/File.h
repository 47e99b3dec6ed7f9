// Whole files in, with errors as values; runtime/Output.h writes them.
#pragma once

#include "runtime/Status.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

struct stat;

namespace sinter {

/// The largest file read into memory at once; protobuf's own limit is the same.
inline constexpr size_t maxFileBytes = (size_t(1) << 31) - 1;

/// Opens a regular file or a pipe for reading, with what the system says of it. Fails for what is missing or
/// unreadable, and at once for folders, devices, and pipes that nobody writes to: they would be read for ever. The
/// caller closes it.
Expected<int> openInput(const std::string &path, struct stat &info);

/// Reads a regular file or a pipe. Fails for what openInput refuses and what is larger than maxFileBytes.
Expected<std::vector<std::byte>> readFile(const std::string &path);
/// Reads the file that openInput opened.
Expected<std::vector<std::byte>> readFile(const std::string &path, int descriptor, const struct stat &info);

} // namespace sinter
