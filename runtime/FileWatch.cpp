// The descriptor leads to the inode that is mapped, whatever became of its name.
#include "runtime/FileWatch.h"

#include "runtime/Checksum.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace sinter {

static Failure changed(const std::string &path) {
  return {ErrorCode::InvalidFile,
          fmt::format("'{}' changed after it was opened, and cannot be compiled for further shapes: open the model "
                      "again, and replace models by renaming a new file to their name",
                      path)};
}

Expected<std::unique_ptr<FileWatch>> FileWatch::of(std::shared_ptr<const MappedFile> file) {
  std::unique_ptr<FileWatch> watch(new FileWatch);
  watch->file_ = std::move(file);
  const std::string &path = watch->file_->path();
  if (path.empty())
    return watch;
  watch->descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  // By now the name may lead elsewhere, or nowhere.
  if (Status status = watch->check(/*reads=*/false); !status.ok())
    return status.failure();
  watch->checksum_ = watch->checksum();
  return watch;
}

FileWatch::~FileWatch() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

uint64_t FileWatch::checksum() const {
  Checksum checksum;
  checksum.add(file_->bytes().data(), file_->bytes().size());
  return checksum.value();
}

Status FileWatch::check(bool reads) const {
  if (file_->path().empty())
    return {};
  // Shortened files are found before their pages are touched.
  if (MappedFile::Identity::of(descriptor_) != file_->identity() || (reads && checksum() != checksum_))
    return changed(file_->path());
  return {};
}

} // namespace sinter
