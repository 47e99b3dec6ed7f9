// Whether a file that stays mapped is still what it was. A model of open shapes is compiled again from its mapped file,
// hours later: what somebody wrote into it meanwhile must not become part of a result, and what somebody cut off must
// not be read.
#pragma once

#include "runtime/MappedFile.h"

namespace sinter {

/// Remembers size, time, inode and a checksum of a mapped file. A file that another one replaced by its name (a rename)
/// is unchanged: its bytes stay what they were, and nobody reaches them by that name.
class FileWatch {
public:
  /// Reads the file once. Fails where it changed since it was mapped.
  static Expected<std::unique_ptr<FileWatch>> of(std::shared_ptr<const MappedFile> file);
  ~FileWatch();
  FileWatch(const FileWatch &) = delete;
  FileWatch &operator=(const FileWatch &) = delete;

  const MappedFile *file() const { return file_.get(); }
  /// Fails where the file is no longer what it was. `reads`: the content is compared, too, which a writer that resets
  /// the time, or one that has the file mapped, changes without a trace elsewhere.
  Status check(bool reads = true) const;

private:
  FileWatch() = default;
  uint64_t checksum() const;

  std::shared_ptr<const MappedFile> file_;
  int descriptor_ = -1;
  uint64_t checksum_ = 0;
};

} // namespace sinter
