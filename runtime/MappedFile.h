// Files whose bytes are looked at where they lie: weights are gigabytes, which nobody wants to hold twice. A model's
// folder, from which its external data may come.
#pragma once

#include "runtime/Status.h"

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// Read-only bytes of a file, in memory once they are read. Whoever shortens a file while it is mapped makes reading it
/// a fault of the system's (SIGBUS): files that stay mapped for later uses are watched (FileWatch).
class MappedFile {
public:
  /// Maps a regular file; reads anything else (a pipe) up to maxFileBytes. Fails for what is missing, unreadable or a
  /// folder.
  static Expected<std::shared_ptr<const MappedFile>> open(const std::string &path);
  /// A file whose content is a copy of bytes in memory.
  static std::shared_ptr<const MappedFile> copyOf(std::span<const std::byte> bytes);
  /// Zeros that take no memory until they are read; nothing if the address space does not hold them.
  static std::shared_ptr<const MappedFile> zeros(size_t bytes);

  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

  /// Which file it is and what can be told of it without reading it.
  struct Identity {
    uint64_t device = 0, inode = 0;
    int64_t size = 0, seconds = 0, nanoseconds = 0; ///< the time is that of the last change of the content
    bool operator==(const Identity &) const = default;
    /// The identity of an open file; nothing where the system does not tell.
    static std::optional<Identity> of(int descriptor);
  };
  /// When it was opened; meaningless where nothing is mapped.
  const Identity &identity() const { return identity_; }
  /// The path that it was opened by; empty for bytes in memory, which nobody else can change.
  const std::string &path() const { return path_; }

private:
  MappedFile() = default;
  std::span<const std::byte> bytes_;
  std::string path_;
  Identity identity_;
  bool isMapped_ = false;
};

/// Part of a file, and what keeps it in memory.
struct StoredBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const MappedFile> owner;
};

/// Where the data of a model's tensors lies: files in its folder, or the model's own file. Each is mapped once.
/// Thread-safe.
class ModelFolder {
public:
  /// No external data is allowed.
  ModelFolder() = default;
  /// The folder of the model file `self`. `reads` false: tensors get zeros instead of the data, which is not looked at.
  explicit ModelFolder(std::string path, std::shared_ptr<const MappedFile> self = {}, bool reads = true);

  /// The location that means the model's own file; no path can be this.
  static constexpr std::string_view ownFile{"\0model", 6};

  /// `length` bytes at `offset` of the file `location`, which must be relative to the folder and stay inside, symbolic
  /// links resolved, so that a model cannot read what its user did not hand over. Errors are the end of a sentence that
  /// starts with the tensor.
  Expected<StoredBytes> find(const std::string &location, uint64_t offset, uint64_t length) const;

  /// The files that were mapped so far, the model's own among them.
  std::vector<std::shared_ptr<const MappedFile>> files() const;

private:
  Expected<std::shared_ptr<const MappedFile>> open(const std::string &location) const;

  struct Files {
    std::mutex mutex;
    std::map<std::string, std::shared_ptr<const MappedFile>> byPath;
  };
  std::string path_;
  std::shared_ptr<const MappedFile> self_;
  std::shared_ptr<Files> files_;
  bool reads_ = true;
};

} // namespace sinter
