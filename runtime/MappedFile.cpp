// Regular files are mapped; others are read into memory. External data must lie in the folder after links are resolved.
#include "runtime/MappedFile.h"

#include "runtime/Descriptor.h"
#include "runtime/File.h"
#include "runtime/Output.h"
#include "runtime/SystemError.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace sinter {

static MappedFile::Identity identityOf(const struct stat &info) {
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

std::optional<MappedFile::Identity> MappedFile::Identity::of(int descriptor) {
  struct stat info;
  return ::fstat(descriptor, &info) == 0 ? std::optional(identityOf(info)) : std::nullopt;
}

Expected<std::shared_ptr<const MappedFile>> MappedFile::open(const std::string &path) {
  struct stat info;
  Expected<int> opened = openInput(path, info);
  if (!opened)
    return opened.failure();
  Descriptor descriptor(*opened);
  if (!S_ISREG(info.st_mode) || info.st_size == 0) {
    Expected<std::vector<std::byte>> read = readFile(path, descriptor.fd, info);
    if (!read)
      return read.failure();
    return copyOf(*read);
  }
  auto size = static_cast<size_t>(info.st_size);
  void *data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.fd, 0);
  if (data == MAP_FAILED)
    return systemError("read", path, errno);
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->bytes_ = {static_cast<const std::byte *>(data), size};
  file->isMapped_ = true;
  file->path_ = path;
  file->identity_ = identityOf(info);
  protectInput(data, descriptor.fd);
  return std::shared_ptr<const MappedFile>(file);
}

std::shared_ptr<const MappedFile> MappedFile::copyOf(std::span<const std::byte> bytes) {
  std::shared_ptr<MappedFile> file(new MappedFile);
  auto *copy = new std::byte[bytes.size()];
  std::ranges::copy(bytes, copy);
  file->bytes_ = {copy, bytes.size()};
  return file;
}

std::shared_ptr<const MappedFile> MappedFile::zeros(size_t bytes) {
  void *data =
      ::mmap(nullptr, std::max<size_t>(bytes, 1), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED)
    return nullptr;
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->bytes_ = {static_cast<const std::byte *>(data), std::max<size_t>(bytes, 1)};
  file->isMapped_ = true;
  return file;
}

MappedFile::~MappedFile() {
  if (isMapped_) {
    releaseInput(bytes_.data());
    ::munmap(const_cast<std::byte *>(bytes_.data()), bytes_.size());
  } else
    delete[] bytes_.data();
}

ModelFolder::ModelFolder(std::string path, std::shared_ptr<const MappedFile> self, bool reads)
    : path_(std::move(path)), self_(std::move(self)), files_(std::make_shared<Files>()), reads_(reads) {}

Expected<std::shared_ptr<const MappedFile>> ModelFolder::open(const std::string &location) const {
  if (location == ownFile && self_)
    return self_;
  auto bad = [](std::string what) { return Failure{ErrorCode::InvalidFile, std::move(what)}; };
  if (path_.empty())
    return bad("has external data, which is read only for models");
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path root = fs::canonical(path_, error);
  // A NUL would end the name for the system, and not for the check.
  bool isName = !location.empty() && location.find('\0') == std::string::npos;
  fs::path path = error || !isName ? fs::path() : fs::weakly_canonical(root / location, error);
  bool inside = !error && isName && !fs::path(location).is_absolute() &&
                std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
  if (!inside)
    return bad(fmt::format("has its data in '{}', outside the model's folder: move the file beside the model "
                           "and save the model with that location",
                           location.substr(0, location.find('\0'))));
  std::lock_guard lock(files_->mutex);
  std::shared_ptr<const MappedFile> &file = files_->byPath[path.string()];
  if (file)
    return file;
  // Only regular files: a pipe would block.
  Expected<std::shared_ptr<const MappedFile>> opened =
      fs::is_regular_file(path, error) ? MappedFile::open(path.string()) : bad("");
  if (!opened)
    return bad(fmt::format("needs the external data file '{}', which cannot be read", path.string()));
  return file = *opened;
}

std::vector<std::shared_ptr<const MappedFile>> ModelFolder::files() const {
  std::vector<std::shared_ptr<const MappedFile>> all;
  if (self_)
    all.push_back(self_);
  if (!files_)
    return all;
  std::lock_guard lock(files_->mutex);
  for (const auto &[path, file] : files_->byPath)
    if (file)
      all.push_back(file);
  return all;
}

/// One mapping serves all tensors of up to this size: a process may have only so many mappings.
static constexpr size_t sharedZeros = size_t(1) << 30;

static Expected<StoredBytes> findZeros(uint64_t length) {
  static const std::shared_ptr<const MappedFile> shared = MappedFile::zeros(sharedZeros);
  std::shared_ptr<const MappedFile> zeros = length <= sharedZeros ? shared : MappedFile::zeros(length);
  if (!zeros)
    return Failure{ErrorCode::OutOfMemory,
                   fmt::format("needs {} bytes, which the address space does not hold", length)};
  return StoredBytes{zeros->bytes().first(length), zeros};
}

Expected<StoredBytes> ModelFolder::find(const std::string &location, uint64_t offset, uint64_t length) const {
  if (!reads_)
    return findZeros(length);
  Expected<std::shared_ptr<const MappedFile>> file = open(location);
  if (!file)
    return file.failure();
  std::span<const std::byte> all = (*file)->bytes();
  if (offset > all.size() || all.size() - offset < length)
    return Failure{ErrorCode::InvalidFile,
                   fmt::format("needs {} bytes of '{}', which does not hold them at offset {}: copy the file again",
                               length, location, offset)};
  return StoredBytes{all.subspan(offset, length), *file};
}

} // namespace sinter
