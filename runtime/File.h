// Whole files in and out, with errors as values. Writing is atomic: a reader sees the old file or the new
// one.
#pragma once

#include "runtime/Status.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace sinter {

/// The largest file read into memory at once; protobuf's own limit is the same.
inline constexpr size_t maxFileBytes = (size_t(1) << 31) - 1;

/// Reads a regular file or a pipe. Fails for what is missing, unreadable, a folder or larger than
/// maxFileBytes.
Expected<std::vector<std::byte>> readFile(const std::string &path);

/// Writes beside `path` and renames. An interrupted write leaves nothing behind once removeTemporaries() has
/// run.
Status writeFile(const std::string &path, std::span<const std::byte> bytes);

/// A name beside `path` for a file to be renamed to it, remembered until commitTemporary or discardTemporary.
std::string makeTemporary(const std::string &path);
Status commitTemporary(const std::string &temporary, const std::string &path);
void discardTemporary(const std::string &temporary);

/// Removes the temporaries of unfinished writes. Async-signal-safe: for handlers of SIGINT and SIGTERM.
void removeTemporaries();

} // namespace sinter
