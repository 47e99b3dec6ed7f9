// The one writer of files. What is there is never destroyed: a file appears whole or not at all, keeps its permissions
// and owner, links are followed, pipes and devices are written through, and several outputs appear together.
// scripts/check_writers.py finds code that goes around it.
#pragma once

#include "runtime/Status.h"

#include <csignal>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <sys/types.h>
#include <vector>

namespace sinter {

/// The name that means the standard output.
inline constexpr const char *standardOutput = "-";

/// Whether `path` is the standard output, a pipe or a device: it has no name that files beside it could be called by.
bool isStream(const std::string &path);

/// Outputs that appear together. What commit() did not finish leaves nothing.
class OutputSet {
public:
  OutputSet();
  ~OutputSet();
  OutputSet(const OutputSet &) = delete;
  OutputSet &operator=(const OutputSet &) = delete;

  /// Prepares the output `path` and answers the name of an empty temporary file to fill in its place. Fails where it
  /// could not be written, is an input (protectInput), or is in the set already. A new file gets the permissions of
  /// programs where it `isExecutable`.
  Expected<std::string> add(const std::string &path, bool isExecutable = false);
  /// Adds an output with its content.
  Status add(const std::string &path, std::span<const std::byte> bytes);
  /// Makes the temporary files the outputs. On failure what was there before is there again, except for what went into
  /// pipes and devices. Only a kill that no program can handle can fall between two files of a set.
  Status commit();

private:
  Status renameAll();

  struct Entry;
  std::vector<std::unique_ptr<Entry>> entries_;
};

/// A set of one.
Status writeFile(const std::string &path, std::span<const std::byte> bytes);

/// Where writing fails, the system may raise a signal that ends the process (SIGPIPE, SIGXFSZ). While this exists, it
/// does not do so for writes of this thread: errno says the same.
class HeldWriteSignals {
public:
  HeldWriteSignals();
  ~HeldWriteSignals();
  HeldWriteSignals(const HeldWriteSignals &) = delete;
  HeldWriteSignals &operator=(const HeldWriteSignals &) = delete;

private:
  sigset_t held_, before_;
};

/// From now on no output of this process replaces the file at `path`. For programs, whose inputs are files.
void protectInput(const std::string &path);
/// Protects an open file while `owner` is in use: until releaseInput.
void protectInput(const void *owner, int descriptor);
void releaseInput(const void *owner);

/// A name made of `path` for a temporary file, remembered until discardTemporary.
std::string makeTemporary(const std::string &path);
void discardTemporary(const std::string &temporary);

/// Removes the temporaries of unfinished writes. Async-signal-safe: for handlers of SIGINT and SIGTERM.
void removeTemporaries();

/// Removes what a process that was killed while it wrote `path` left there.
void removeTemporariesOf(const std::string &path, pid_t process);

} // namespace sinter
