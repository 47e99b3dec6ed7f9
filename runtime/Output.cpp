// Each output is filled under a temporary name, beside the file where that can be renamed to it, else in the folder for
// temporaries, from where it is copied. The temporaries in flight stand in a fixed table, so that a signal handler can
// remove them without a lock or an allocation.
#include "runtime/Output.h"

#include "runtime/Descriptor.h"
#include "runtime/SystemError.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <set>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace sinter {
namespace {

//===- Temporaries --------------------------------------------------------===//

/// A link has a temporary for each kernel. Apart from the names, which take memory only where they are used.
constexpr size_t slotCount = 4096;
enum class Slot : uint8_t { Free, Taken, Valid };
std::array<std::atomic<Slot>, slotCount> slots;
std::array<std::array<char, 4096>, slotCount> names;

void forget(const std::string &temporary) {
  for (size_t i = 0; i < slotCount; ++i)
    if (slots[i] == Slot::Valid && temporary == names[i].data())
      slots[i] = Slot::Free;
}

/// Removes the files whose names begin with `path`: temporaries, and what others make of their names (a linker tries
/// its output under NAME.tmpXXXXXXX). Async-signal-safe, which reading a folder by opendir is not.
void removeBeginningWith(const char *path) {
  const char *slash = std::strrchr(path, '/'), *name = slash ? slash + 1 : path;
  std::array<char, 4096> folder = {'.'};
  if (slash && static_cast<size_t>(slash - path) >= folder.size())
    return;
  if (slash)
    std::memcpy(folder.data(), path, std::max<size_t>(static_cast<size_t>(slash - path), 1)); // of "/x" the slash
  Descriptor opened(::open(folder.data(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct Entry {
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t type;
    char name[];
  };
  alignas(Entry) std::array<char, 8192> entries;
  size_t length = std::strlen(name);
  for (long got; opened.fd >= 0 && (got = ::syscall(SYS_getdents64, opened.fd, entries.data(), entries.size())) > 0;)
    for (long at = 0; at < got;) {
      auto *entry = reinterpret_cast<const Entry *>(entries.data() + at);
      at += entry->bytes;
      if (std::strncmp(entry->name, name, length) == 0)
        ::unlinkat(opened.fd, entry->name, 0);
    }
}

std::string temporaryFolder() {
  const char *folder = std::getenv("TMPDIR");
  return folder && *folder ? folder : "/tmp";
}

//===- Writing ------------------------------------------------------------===//

/// 0 or an errno.
int writeAll(int descriptor, const void *data, size_t bytes) {
  HeldWriteSignals held;
  for (size_t written = 0; written < bytes;) {
    ssize_t put = ::write(descriptor, static_cast<const char *>(data) + written, bytes - written);
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0)
      return put == 0 ? ENOSPC : errno;
    written += static_cast<size_t>(put);
  }
  return 0;
}

/// Copies the file `from` to a descriptor; 0 or an errno.
int copyTo(int to, const std::string &from) {
  Descriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (source.fd < 0)
    return errno;
  std::vector<char> buffer(1 << 20);
  while (true) {
    ssize_t got = ::read(source.fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return got < 0 ? errno : 0;
    if (int error = writeAll(to, buffer.data(), static_cast<size_t>(got)))
      return error;
  }
}

//===- Where an output goes -----------------------------------------------===//

/// The open descriptor that `path` names ("-", /dev/stdout, /dev/fd/3); -1 for others.
int namedDescriptor(const std::string &path) {
  if (path == standardOutput || path == "/dev/stdout")
    return STDOUT_FILENO;
  if (path == "/dev/stderr")
    return STDERR_FILENO;
  for (std::string_view folder : {"/dev/fd/", "/proc/self/fd/"})
    if (path.starts_with(folder)) {
      int number = -1;
      auto [end, error] = std::from_chars(path.data() + folder.size(), path.data() + path.size(), number);
      return error == std::errc() && end == path.data() + path.size() ? number : -1;
    }
  return -1;
}

/// The file that `path` names after symbolic links at its end, whether or not it exists; empty where they never end.
std::string followLinks(std::string path) {
  namespace fs = std::filesystem;
  for (int links = 0; links < 40; ++links) {
    std::error_code error;
    if (!fs::is_symlink(fs::symlink_status(path, error)))
      return path;
    fs::path link = fs::read_symlink(path, error);
    if (error)
      return path;
    path = link.is_absolute() ? link.string() : (fs::path(path).parent_path() / link).string();
  }
  return "";
}

using FileKey = std::pair<dev_t, ino_t>;

/// Files that outputs must leave alone.
struct Inputs {
  std::mutex mutex;
  std::set<FileKey> always;
  std::map<const void *, FileKey> whileUsed;

  bool hold(FileKey key) {
    std::lock_guard lock(mutex);
    return always.contains(key) ||
           std::ranges::any_of(whileUsed, [&](const auto &entry) { return entry.second == key; });
  }
};
Inputs &inputs() {
  static auto *all = new Inputs; // files may be closed while the process ends
  return *all;
}

/// The access control list goes with the permissions; where there is none, nothing happens.
void copyAccessList(const std::string &from, const std::string &to) {
  constexpr const char *name = "system.posix_acl_access";
  std::array<char, 4096> list;
  ssize_t size = ::getxattr(from.c_str(), name, list.data(), list.size());
  if (size > 0)
    static_cast<void>(::setxattr(to.c_str(), name, list.data(), static_cast<size_t>(size), 0));
}

} // namespace

struct OutputSet::Entry {
  std::string path;                            ///< as the caller says it
  std::string target;                          ///< what is written; empty: `stream` is
  std::string temporary;                       ///< where it is filled
  std::string identity;                        ///< equal for equal files
  int stream = -1;                             ///< an open descriptor
  bool exists = false;                         ///< `before` is valid
  bool isCopied = false;                       ///< the temporary cannot be renamed: its content is copied
  bool isExchanged = false, isCreated = false; ///< what commit() did, to be undone
  struct stat before = {};
  mode_t freshMode = 0; ///< of a new file

  ~Entry() {
    if (!temporary.empty())
      discardTemporary(temporary);
  }
  Status fail(int number) const { return systemError("write", path, number); }
  Status createTemporary(bool isExecutable);
  int copy();
  int rename(bool isAlone);
  void undo();
};

HeldWriteSignals::HeldWriteSignals() {
  sigset_t pending;
  sigemptyset(&held_);
  sigpending(&pending);
  for (int number : {SIGPIPE, SIGXFSZ})
    if (!sigismember(&pending, number))
      sigaddset(&held_, number);
  pthread_sigmask(SIG_BLOCK, &held_, &before_);
}

HeldWriteSignals::~HeldWriteSignals() {
  int error = errno;
  timespec now{};
  while (sigtimedwait(&held_, nullptr, &now) > 0) {
  }
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  errno = error;
}

OutputSet::OutputSet() = default;
OutputSet::~OutputSet() = default;

bool isStream(const std::string &path) {
  struct stat info;
  return namedDescriptor(path) >= 0 ||
         (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode));
}

Status OutputSet::Entry::createTemporary(bool isExecutable) {
  mode_t mode = exists || isCopied ? 0600 : isExecutable ? 0777 : 0666;
  auto open = [&](const std::string &beside) {
    temporary = makeTemporary(beside);
    int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) {
      int error = errno;
      discardTemporary(temporary);
      temporary.clear();
      errno = error;
    }
    return fd;
  };
  int fd = isCopied ? -1 : open(target);
  // A file in a folder that takes no others can be written all the same.
  if (!isCopied && fd < 0 && exists && (errno == EACCES || errno == EPERM || errno == EROFS))
    isCopied = true;
  if (fd < 0 && isCopied)
    fd = open(temporaryFolder() + "/sinter");
  if (fd < 0)
    return fail(errno);
  Descriptor file(fd);
  struct stat info;
  if (::fstat(fd, &info) != 0)
    return fail(errno);
  freshMode = info.st_mode & 0777;
  return {};
}

Expected<std::string> OutputSet::add(const std::string &path, bool isExecutable) {
  auto entry = std::make_unique<Entry>();
  entry->path = path;
  entry->stream = namedDescriptor(path);
  entry->isCopied = entry->stream >= 0;
  if (!entry->isCopied) {
    entry->target = followLinks(path);
    if (entry->target.empty())
      return entry->fail(ELOOP).failure();
    entry->exists = ::stat(entry->target.c_str(), &entry->before) == 0;
    if (!entry->exists && errno != ENOENT)
      return entry->fail(errno).failure();
    bool isRegular = entry->exists && S_ISREG(entry->before.st_mode);
    if (entry->exists && S_ISDIR(entry->before.st_mode))
      return Failure{ErrorCode::Io, fmt::format("cannot write '{}': it is a folder", path)};
    if (entry->exists && ::faccessat(AT_FDCWD, entry->target.c_str(), W_OK, AT_EACCESS) != 0)
      return entry->fail(errno).failure();
    if (isRegular && inputs().hold({entry->before.st_dev, entry->before.st_ino}))
      return Failure{ErrorCode::InvalidArgument,
                     fmt::format("'{}' is an input, too: give the output another name", path)};
    if (!entry->exists || isRegular) {
      std::error_code error;
      entry->identity = entry->exists ? fmt::format("{}:{}", entry->before.st_dev, entry->before.st_ino)
                                      : std::filesystem::weakly_canonical(entry->target, error).string();
    }
    entry->isCopied = entry->exists && !isRegular;
  }
  for (const std::unique_ptr<Entry> &other : entries_)
    if (!entry->identity.empty() && other->identity == entry->identity)
      return Failure{ErrorCode::InvalidArgument,
                     fmt::format("'{}' and '{}' are one file: give each output a name of its own", other->path, path)};
  if (Status status = entry->createTemporary(isExecutable); !status.ok())
    return status.failure();
  entries_.push_back(std::move(entry));
  return entries_.back()->temporary;
}

Status OutputSet::add(const std::string &path, std::span<const std::byte> bytes) {
  Expected<std::string> temporary = add(path);
  if (!temporary)
    return temporary.failure();
  Descriptor file(::open(temporary->c_str(), O_WRONLY | O_CLOEXEC));
  int error = file.fd < 0 ? errno : writeAll(file.fd, bytes.data(), bytes.size());
  return error ? entries_.back()->fail(error) : Status();
}

/// Copies the temporary to what cannot be replaced; 0 or an errno.
int OutputSet::Entry::copy() {
  if (stream == STDOUT_FILENO)
    std::fflush(stdout);
  if (stream >= 0)
    return copyTo(stream, temporary);
  bool isFile = S_ISREG(before.st_mode);
  Descriptor file(::open(target.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | (isFile ? O_TRUNC : 0)));
  return file.fd < 0 ? errno : copyTo(file.fd, temporary);
}

/// Puts the temporary where the target is. What was there takes its name, so that undo() can bring it back. 0 or an
/// errno.
int OutputSet::Entry::rename(bool isAlone) {
#ifdef SYS_renameat2
  constexpr unsigned exchange = 2;
  isExchanged = exists && !isAlone &&
                ::syscall(SYS_renameat2, AT_FDCWD, temporary.c_str(), AT_FDCWD, target.c_str(), exchange) == 0;
  if (isExchanged)
    return 0;
#endif
  if (::rename(temporary.c_str(), target.c_str()) == 0) {
    forget(temporary);
    temporary.clear();
    isCreated = !exists;
    return 0;
  }
  // A file that is mounted cannot be replaced.
  if (exists && (errno == EBUSY || errno == EXDEV))
    return copy();
  return errno;
}

void OutputSet::Entry::undo() {
  if (isExchanged && ::rename(temporary.c_str(), target.c_str()) == 0) {
    forget(temporary);
    temporary.clear();
  } else if (isCreated) {
    ::unlink(target.c_str());
  }
}

Status OutputSet::commit() {
  // Permissions first: a file of another owner, which cannot be given away, is copied into.
  for (const std::unique_ptr<Entry> &entry : entries_) {
    Entry &e = *entry;
    if (e.isCopied)
      continue;
    struct stat made;
    if (::stat(e.temporary.c_str(), &made) != 0)
      return e.fail(errno);
    bool isOwned = !e.exists || (made.st_uid == e.before.st_uid && made.st_gid == e.before.st_gid);
    if (!isOwned && ::chown(e.temporary.c_str(), e.before.st_uid, e.before.st_gid) != 0)
      e.isCopied = true;
    // A confined process may change none (tools/sinter/SandboxCalls.cpp), and a new file has them already.
    mode_t mode = e.exists ? e.before.st_mode & 07777 : e.freshMode;
    if ((made.st_mode & 07777) != mode && ::chmod(e.temporary.c_str(), mode) != 0)
      return e.fail(errno);
    if (e.exists)
      copyAccessList(e.target, e.temporary);
  }
  for (const std::unique_ptr<Entry> &entry : entries_)
    if (int error = entry->isCopied ? entry->copy() : 0)
      return entry->fail(error);
  sigset_t endings, mask;
  sigemptyset(&endings);
  for (int number : {SIGINT, SIGTERM, SIGHUP})
    sigaddset(&endings, number);
  pthread_sigmask(SIG_BLOCK, &endings, &mask);
  Status status = renameAll();
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  return status;
}

Status OutputSet::renameAll() {
  for (size_t i = 0; i < entries_.size(); ++i)
    if (int error = entries_[i]->isCopied ? 0 : entries_[i]->rename(entries_.size() == 1)) {
      Status failed = entries_[i]->fail(error);
      while (i-- > 0)
        entries_[i]->undo();
      return failed;
    }
  entries_.clear();
  return {};
}

Status writeFile(const std::string &path, std::span<const std::byte> bytes) {
  OutputSet one;
  if (Status status = one.add(path, bytes); !status.ok())
    return status;
  return one.commit();
}

void protectInput(const std::string &path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0)
    return;
  std::lock_guard lock(inputs().mutex);
  inputs().always.insert({info.st_dev, info.st_ino});
}

void protectInput(const void *owner, int descriptor) {
  struct stat info;
  if (::fstat(descriptor, &info) != 0)
    return;
  std::lock_guard lock(inputs().mutex);
  inputs().whileUsed[owner] = {info.st_dev, info.st_ino};
}

void releaseInput(const void *owner) {
  std::lock_guard lock(inputs().mutex);
  inputs().whileUsed.erase(owner);
}

std::string makeTemporary(const std::string &path) {
  static std::atomic<unsigned> counter = 0;
  std::string temporary = fmt::format("{}.{}-{}.tmp", path, ::getpid(), counter++);
  for (size_t i = 0; i < slotCount && temporary.size() < names[i].size(); ++i) {
    Slot free = Slot::Free;
    if (!slots[i].compare_exchange_strong(free, Slot::Taken))
      continue;
    std::memcpy(names[i].data(), temporary.c_str(), temporary.size() + 1);
    slots[i] = Slot::Valid;
    break;
  }
  return temporary;
}

void discardTemporary(const std::string &temporary) {
  ::unlink(temporary.c_str());
  forget(temporary);
}

void removeTemporaries() {
  for (size_t i = 0; i < slotCount; ++i)
    if (slots[i] == Slot::Valid)
      removeBeginningWith(names[i].data());
}

void removeTemporariesOf(const std::string &path, pid_t process) {
  for (const std::string &beside : {followLinks(path), temporaryFolder() + "/sinter"})
    if (!beside.empty())
      removeBeginningWith(fmt::format("{}.{}-", beside, process).c_str());
}

} // namespace sinter
