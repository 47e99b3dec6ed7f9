// Loads a compiled model: checks the file against its seal, then its tables as data. Only then is the file mapped, and
// its tables are checked again.
#include "runtime/Model.h"

#include "runtime/Checksum.h"
#include "runtime/Descriptor.h"
#include "runtime/Library.h"
#include "runtime/OptionMark.h"
#include "runtime/SystemError.h"
#include "runtime/Variants.h"

#include <algorithm>
#include <cerrno>
#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sinter {
namespace {

/// Maps all pages of read-only memory at once where the system can (Linux 5.14): the first run would fault for every
/// few.
void mapPages([[maybe_unused]] const void *data, [[maybe_unused]] size_t bytes) {
#ifdef MADV_POPULATE_READ
  auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  uintptr_t begin = reinterpret_cast<uintptr_t>(data) & ~(page - 1), end = reinterpret_cast<uintptr_t>(data) + bytes;
  if (bytes > 0)
    static_cast<void>(madvise(reinterpret_cast<void *>(begin), end - begin, MADV_POPULATE_READ));
#endif
}

/// A name for the file of a descriptor. Loaders know libraries by name for as long as they are mapped, and numbers of
/// descriptors are used again: each name is written in another way.
std::string freshName(int descriptor) {
  static std::atomic<uint64_t> count = 0;
  std::string name = "/proc/self/fd";
  for (uint64_t bits = count++; bits != 0; bits >>= 1)
    name += bits & 1 ? "/." : "/";
  return fmt::format("{}/{}", name, descriptor);
}

/// Whether what the loader has mapped carries the seal that was checked.
bool isLoaded(void *handle, const SinterModel *table, const Library &library) {
  link_map *map = nullptr;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 ||
      map->l_addr + library.seal().table != reinterpret_cast<uintptr_t>(table))
    return false;
  auto *seal = reinterpret_cast<const void *>(map->l_addr + library.sealAddress());
  return std::memcmp(seal, &library.seal(), sizeof(Seal)) == 0;
}

/// The time and size of a file: another time means that somebody wrote to it.
bool isSameContent(const struct stat &a, const struct stat &b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

} // namespace

/// Checks and maps the library of the descriptor, called `name` in messages. `path`: what to call it where there is no
/// /proc, or nothing.
Expected<std::shared_ptr<Model>> Model::open(int descriptor, const std::string &name, const std::string &path,
                                             const LoadOptions &options) {
  struct stat before = {}, after = {};
  ::fstat(descriptor, &before);
  Expected<std::shared_ptr<const Library>> library = Library::read(descriptor, name);
  if (!library)
    return library.failure();
  if (Status status = options.checkWeights ? (*library)->checkWeights(descriptor, name) : Status(); !status.ok())
    return status.failure();
  Expected<std::shared_ptr<const SinterModel>> tables = readTables(*library, name, /*withKernels=*/false);
  if (!tables)
    return tables.failure();
  auto named = [&](const Failure &failure) {
    return Failure{failure.code, fmt::format("{}: {}", name, failure.message)};
  };
  if (Expected<std::vector<const SinterModel *>> usable = selectVariants(tables->get(), Content::Data); !usable)
    return named(usable.failure());

  std::string fresh = freshName(descriptor);
  errno = 0;
  void *handle = dlopen(fresh.c_str(), RTLD_NOW | RTLD_LOCAL);
  bool lacksMemory = errno == ENOMEM;
  const char *reason = handle ? nullptr : dlerror();
  // Without a slash dlopen would search the library path.
  if (!handle && !path.empty() && ::access("/proc/self/fd", F_OK) != 0)
    handle = dlopen((path.find('/') == std::string::npos ? "./" + path : path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle && lacksMemory)
    return Failure{ErrorCode::OutOfMemory, fmt::format("not enough memory to load {}", name)};
  if (!handle)
    return Failure{ErrorCode::InvalidFile, fmt::format("cannot load {}: {}", name, reason ? reason : "unknown error")};
  std::shared_ptr<void> mapped(handle, [](void *h) { dlclose(h); });
  auto *abi = static_cast<const SinterModel *>(dlsym(handle, "sinter_model"));
  if (!abi || !isLoaded(handle, abi, **library) || ::fstat(descriptor, &after) != 0 || !isSameContent(before, after))
    return Failure{
        ErrorCode::Io,
        fmt::format("{} changed while it was loaded: write libraries under another name and rename them", name)};
  Expected<std::shared_ptr<Model>> model = fromAbi(abi, std::move(mapped));
  if (!model)
    return named(model.failure());
  mapPages(abi->weights, static_cast<size_t>(abi->weightBytes));
  return model;
}

/// Opens a library's file. A pipe that nobody writes to is open at once, too.
static Expected<int> openLibrary(const std::string &path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return systemError("read", path, errno);
  struct stat info = {};
  if (::fstat(descriptor, &info) == 0 && !S_ISDIR(info.st_mode))
    return descriptor;
  ::close(descriptor);
  return Failure{ErrorCode::Io, fmt::format("cannot read '{}': it is a folder", path)};
}

Expected<std::shared_ptr<Model>> Model::load(const std::string &path, const LoadOptions &options) {
  Expected<int> opened = openLibrary(path);
  if (!opened)
    return opened.failure();
  Descriptor file(*opened);
  return open(file.fd, fmt::format("'{}'", path), path, options);
}

Expected<std::shared_ptr<Model>> Model::loadBytes(std::span<const std::byte> bytes, const LoadOptions &options) {
  Descriptor file(memfd_create("sinter-model", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (file.fd < 0)
    return Failure{ErrorCode::Io, fmt::format("cannot keep the model in memory: {}", std::strerror(errno))};
  for (size_t written = 0; written < bytes.size();) {
    ssize_t put = ::write(file.fd, bytes.data() + written, bytes.size() - written);
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0)
      return Failure{ErrorCode::OutOfMemory, fmt::format("not enough memory for a model of {} bytes", bytes.size())};
    written += static_cast<size_t>(put);
  }
  ::fcntl(file.fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  return open(file.fd, "the model in memory", "", options);
}

Expected<std::shared_ptr<Model>> Model::read(const std::string &path, const LoadOptions &options) {
  Expected<int> opened = openLibrary(path);
  if (!opened)
    return opened.failure();
  Descriptor file(*opened);
  std::string name = fmt::format("'{}'", path);
  Expected<std::shared_ptr<const Library>> library = Library::read(file.fd, name, /*ofAnyMachine=*/true);
  if (!library)
    return library.failure();
  if (Status status = options.checkWeights ? (*library)->checkWeights(file.fd, name) : Status(); !status.ok())
    return status.failure();
  Expected<std::shared_ptr<const SinterModel>> tables = readTables(*library, name, /*withKernels=*/true);
  if (!tables)
    return tables.failure();
  const SinterModel *first = tables->get();
  Expected<std::vector<const SinterModel *>> variants = selectVariants(first, Content::Data);
  if (!variants)
    variants = selectVariants(first, Content::Data, featuresOf(first));
  if (!variants)
    return Failure{variants.failure().code, fmt::format("{}: {}", name, variants.failure().message)};
  return wrap(std::move(*variants), std::const_pointer_cast<SinterModel>(*tables));
}

std::shared_ptr<Model> Model::wrap(std::vector<const SinterModel *> variants, std::shared_ptr<void> keepAlive) {
  int32_t counts = *leadingCounts({variants[0]->outputs, static_cast<size_t>(variants[0]->outputCount)});
  return std::shared_ptr<Model>(new Model(std::move(variants), counts, std::move(keepAlive)));
}

Expected<std::shared_ptr<Model>> Model::fromAbi(const SinterModel *abi, std::shared_ptr<void> keepAlive) {
  Expected<std::vector<const SinterModel *>> variants = selectVariants(abi, Content::Code);
  if (!variants)
    return variants.failure();
  return wrap(std::move(*variants), std::move(keepAlive));
}

std::vector<std::shared_ptr<const Model>> Model::variants() const {
  std::vector<std::shared_ptr<const Model>> models;
  for (const SinterModel *abi : all_)
    models.push_back(std::shared_ptr<const Model>(new Model({abi}, counts_, keepAlive_)));
  return models;
}

/// Whether a caller leaves out an input.
static bool isAbsent(const Tensor &tensor) { return !tensor.data() && tensor.rank() == 0; }

Expected<size_t> Model::variantFor(std::span<const Tensor> tensors) const {
  auto serves = [&](const SinterModel *abi) {
    for (size_t i = 0; i < std::min(tensors.size(), static_cast<size_t>(abi->inputCount)); ++i)
      if (!isAbsent(tensors[i]) && tensors[i].shape() != shapeOf(abi->inputs[i]))
        return false;
    return true;
  };
  auto found = std::find_if(all_.begin(), all_.end(), serves);
  if (found != all_.end())
    return static_cast<size_t>(found - all_.begin());
  auto list = [&](auto shapeAt) {
    std::vector<std::string> parts;
    for (size_t i = 0; i < inputs().size(); ++i)
      if (i < tensors.size() && !isAbsent(tensors[i]))
        parts.push_back(fmt::format("{}={}", inputs()[i].name, toString(shapeAt(i))));
    return fmt::format("{}", fmt::join(parts, ","));
  };
  std::vector<std::string> held;
  for (const SinterModel *abi : all_)
    held.push_back(list([&](size_t i) { return shapeOf(abi->inputs[i]); }));
  std::string given = list([&](size_t i) { return tensors[i].shape(); });
  return Failure{ErrorCode::InvalidArgument,
                 fmt::format("the model was not compiled for {}; it holds {}: give one of these shapes, or compile it "
                             "again with one more {}",
                             given, fmt::join(held, " and "), optionMark("shapes", given))};
}

int64_t Model::arenaBytes() const {
  int64_t most = 0;
  for (const SinterModel *abi : all_)
    most = std::max(most, abi->arenaBytes);
  return most;
}

int64_t Model::stackBytes() const {
  int64_t most = 0;
  for (const SinterModel *abi : all_)
    most = std::max(most, abi->stackBytes);
  return most;
}

double Model::flops() const {
  double sum = 0;
  for (const SinterKernelInfo &kernel : kernels())
    sum += kernel.flops;
  return sum;
}

Status Model::verifyWeights() const {
  if (abi_->weightBytes == 0)
    return {};
  if (!abi_->weights)
    return {ErrorCode::InvalidArgument, "the model was opened without its weights"};
  Checksum checksum;
  checksum.add(abi_->weights, static_cast<size_t>(abi_->weightBytes));
  if (checksum.value() != abi_->weightChecksum)
    return {ErrorCode::InvalidFile, "the weights of the compiled model are damaged: their checksum differs"};
  return {};
}

} // namespace sinter
