// What a compiled model claims is checked before it is believed: first the ELF file (a truncated one would
// crash the dynamic loader's caller with SIGBUS), then the exported table.
#include "runtime/Model.h"

#include "runtime/CpuFeatures.h"
#include "runtime/Descriptor.h"

#include <algorithm>
#include <cerrno>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sinter {
namespace {

#if defined(__x86_64__)
constexpr uint16_t ownMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t ownMachine = EM_AARCH64;
#elif defined(__riscv)
constexpr uint16_t ownMachine = EM_RISCV;
#endif

std::string machineName(uint16_t machine) {
  switch (machine) {
  case EM_X86_64:
    return "x86_64";
  case EM_AARCH64:
    return "aarch64";
  case EM_RISCV:
    return "riscv64";
  default:
    return fmt::format("ELF machine {}", machine);
  }
}

/// Checks that `path`, called `name` in messages, is a whole shared library for this machine.
Status checkElf(const std::string &path, const std::string &name) {
  // A pipe that nobody writes to is open at once, too.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info = {};
  if (file.fd < 0 || ::fstat(file.fd, &info) != 0 || S_ISDIR(info.st_mode))
    return {ErrorCode::Io, fmt::format("cannot read {}: {}", name, S_ISDIR(info.st_mode) ? "it is a folder" : std::strerror(errno))};
  auto bad = [&](std::string_view what) {
    return Status(ErrorCode::InvalidFile, fmt::format("{} is not a compiled model: {}", name, what));
  };
  auto size = static_cast<uint64_t>(info.st_size);
  auto read = [&](auto &value, uint64_t offset) {
    return offset <= size &&
           ::pread(file.fd, &value, sizeof value, static_cast<off_t>(offset)) == static_cast<ssize_t>(sizeof value);
  };
  Elf64_Ehdr header;
  if (!S_ISREG(info.st_mode) || !read(header, 0) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return bad("it is no shared library (make one with: sinter compile MODEL.onnx -o MODEL.so)");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_type != ET_DYN)
    return bad("it is no 64-bit little-endian shared library");
  if (header.e_machine != ownMachine)
    return {
        ErrorCode::Incompatible,
        fmt::format("{} was compiled for {}, this machine is {}: recompile with another --target-triple", name,
                    machineName(header.e_machine), machineName(ownMachine))};
  Elf64_Phdr segment;
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    if (header.e_phentsize != sizeof segment || header.e_phoff > size || !read(segment, header.e_phoff + i * sizeof segment) ||
        segment.p_offset > size || segment.p_filesz > size - segment.p_offset)
      return bad("it is truncated");
  }
  return {};
}

Status checkTensorTable(const SinterTensorInfo *table, int32_t count, std::string_view what) {
  Status invalid(ErrorCode::InvalidFile, fmt::format("the compiled model's table of {} is invalid", what));
  if (count < 0 || (count > 0 && !table))
    return invalid;
  for (const SinterTensorInfo &info : std::span(table, static_cast<size_t>(count))) {
    if (!info.name || info.rank < 0 || (info.rank > 0 && !info.shape) || sizeOf(typeOf(info)) == 0 ||
        !elementCount({info.shape, static_cast<size_t>(info.rank)}))
      return invalid;
  }
  return {};
}

/// Maps all pages of read-only memory at once where the system can (Linux 5.14): the first run would fault for every few.
void mapPages([[maybe_unused]] const void *data, [[maybe_unused]] size_t bytes) {
#ifdef MADV_POPULATE_READ
  auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  uintptr_t begin = reinterpret_cast<uintptr_t>(data) & ~(page - 1), end = reinterpret_cast<uintptr_t>(data) + bytes;
  if (bytes > 0)
    static_cast<void>(madvise(reinterpret_cast<void *>(begin), end - begin, MADV_POPULATE_READ));
#endif
}

/// How many outputs, from the first on, hold the sizes of others; nothing where that contradicts the table.
std::optional<int32_t> leadingCounts(std::span<const SinterTensorInfo> outputs) {
  auto isCount = [](const SinterTensorInfo &info) { return info.countedBy == -1; };
  auto first = std::find_if_not(outputs.begin(), outputs.end(), isCount);
  auto counts = static_cast<int32_t>(first - outputs.begin());
  for (const SinterTensorInfo &info : outputs.subspan(static_cast<size_t>(counts)))
    if (info.countedBy < 0 || info.countedBy > counts ||
        (info.countedBy > 0 && (info.boundedAxis < 0 || info.boundedAxis >= info.rank)))
      return std::nullopt;
  for (const SinterTensorInfo &info : outputs.first(static_cast<size_t>(counts)))
    if (typeOf(info) != DType::I64 || info.rank != 0)
      return std::nullopt;
  return counts;
}

} // namespace

/// Opens the library `path`, called `name` in messages. `file`: its descriptor, which is kept open, for it is its name.
Expected<std::shared_ptr<Model>> Model::open(const std::string &path, const std::string &name,
                                             std::shared_ptr<void> file) {
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *reason = dlerror();
    return Failure{ErrorCode::InvalidFile,
                   fmt::format("cannot load {}: {}", name, reason ? reason : "unknown error")};
  }
  std::shared_ptr<void> library(handle, [file = std::move(file)](void *h) { dlclose(h); });
  auto *abi = static_cast<const SinterModel *>(dlsym(handle, "sinter_model"));
  if (!abi)
    return Failure{ErrorCode::InvalidFile,
                   fmt::format("{} is not a compiled model: it does not export sinter_model", name)};
  Expected<std::shared_ptr<Model>> model = fromAbi(abi, std::move(library));
  if (!model)
    return Failure{model.failure().code, fmt::format("{}: {}", name, model.failure().message)};
  mapPages(abi->weights, static_cast<size_t>(abi->weightBytes));
  return model;
}

/// A descriptor that is closed with its last user, and the name of its file.
static std::pair<std::shared_ptr<void>, std::string> owned(int descriptor) {
  std::shared_ptr<void> owner(nullptr, [descriptor](void *) { ::close(descriptor); });
  return {std::move(owner), fmt::format("/proc/self/fd/{}", descriptor)};
}

Expected<std::shared_ptr<Model>> Model::load(const std::string &path) {
  std::string name = fmt::format("'{}'", path);
  if (Status status = checkElf(path, name); !status.ok())
    return status.failure();
  // Without a slash dlopen would search the library path.
  std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  void *loaded = dlopen(file.c_str(), RTLD_NOW | RTLD_NOLOAD);
  if (!loaded)
    return open(file, name, nullptr);
  // dlopen goes by names: it would answer with a library that this file has replaced since. Under the name of a descriptor
  // it goes by the file.
  dlclose(loaded);
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return Failure{ErrorCode::Io, fmt::format("cannot read {}: {}", name, std::strerror(errno))};
  auto [owner, alias] = owned(descriptor);
  return open(alias, name, std::move(owner));
}

Expected<std::shared_ptr<Model>> Model::loadBytes(std::span<const std::byte> bytes) {
  int descriptor = memfd_create("sinter-model", MFD_CLOEXEC);
  if (descriptor < 0)
    return Failure{ErrorCode::Io, fmt::format("cannot keep the model in memory: {}", std::strerror(errno))};
  auto [owner, alias] = owned(descriptor);
  for (size_t written = 0; written < bytes.size();) {
    ssize_t put = ::write(descriptor, bytes.data() + written, bytes.size() - written);
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0)
      return Failure{ErrorCode::OutOfMemory,
                     fmt::format("not enough memory for a model of {} bytes", bytes.size())};
    written += static_cast<size_t>(put);
  }
  std::string name = "the model in memory";
  if (Status status = checkElf(alias, name); !status.ok())
    return status.failure();
  return open(alias, name, std::move(owner));
}

/// More variants than anybody compiles: a table that claims more is damaged.
static constexpr size_t mostVariants = 65536;

/// Whether the table can be read at all.
static Status checkVersion(const SinterModel *abi) {
  if (!abi || abi->magic != SINTER_MAGIC)
    return {ErrorCode::InvalidFile, "this is not a compiled model: the magic number is wrong"};
  if (abi->abiVersion != SINTER_ABI_VERSION)
    return {ErrorCode::Incompatible,
            fmt::format("the model was compiled for version {} of the interface, this is version {}: recompile it",
                        abi->abiVersion, SINTER_ABI_VERSION)};
  return {};
}

static std::string_view featuresOf(const SinterModel *abi) { return abi->cpuFeatures ? abi->cpuFeatures : ""; }

static Status checkProcessor(const SinterModel *abi) {
  std::vector<std::string> missing = missingFeatures(std::string(featuresOf(abi)));
  if (missing.empty())
    return {};
  return {ErrorCode::Incompatible, fmt::format("the model needs {}, which this processor lacks: recompile with "
                                               "--target-cpu {}",
                                               fmt::join(missing, ", "), baselineCpu())};
}

static Status checkTable(const SinterModel *abi) {
  for (Status status : {checkTensorTable(abi->inputs, abi->inputCount, "inputs"),
                        checkTensorTable(abi->outputs, abi->outputCount, "outputs")})
    if (!status.ok())
      return status;
  if (!abi->run || abi->kernelCount < 0 || (abi->kernelCount > 0 && !abi->kernels) || abi->arenaBytes < 0 ||
      abi->weightBytes < 0 || (abi->weightBytes > 0 && !abi->weights))
    return {ErrorCode::InvalidFile, "the compiled model's table is invalid"};
  if (!leadingCounts({abi->outputs, static_cast<size_t>(abi->outputCount)}))
    return {ErrorCode::InvalidFile, "the compiled model's table of outputs is invalid"};
  return {};
}

/// Whether two tables of variants list the same tensors, whatever their shapes.
static bool sameTensors(const SinterTensorInfo *a, const SinterTensorInfo *b, int32_t count) {
  return std::equal(a, a + count, b, [](const SinterTensorInfo &x, const SinterTensorInfo &y) {
    return x.type == y.type && x.countedBy == y.countedBy && !x.defaultValue == !y.defaultValue && std::string_view(x.name) == y.name;
  });
}

Expected<std::shared_ptr<Model>> Model::fromAbi(const SinterModel *abi, std::shared_ptr<void> keepAlive) {
  std::vector<const SinterModel *> all;
  Status unusable;
  size_t visited = 0;
  // A file of several processor levels lists the most demanding first: the first that this one meets is used, and no other.
  do {
    if (Status status = checkVersion(abi); !status.ok())
      return status.failure();
    if (++visited > mostVariants)
      return Failure{ErrorCode::InvalidFile, "the compiled model's table of variants is invalid"};
    if (!all.empty() ? featuresOf(abi) != featuresOf(all.front()) : !(unusable = checkProcessor(abi)).ok())
      continue;
    if (Status status = checkTable(abi); !status.ok())
      return status.failure();
    all.push_back(abi);
    const SinterModel &first = *all.front();
    bool agrees = abi->inputCount == first.inputCount && abi->outputCount == first.outputCount &&
                  sameTensors(abi->inputs, first.inputs, first.inputCount) &&
                  sameTensors(abi->outputs, first.outputs, first.outputCount);
    if (!agrees)
      return Failure{ErrorCode::InvalidFile, "the compiled model's table of variants is invalid"};
  } while ((abi = abi->next));
  if (all.empty())
    return unusable.failure();
  int32_t counts = *leadingCounts({all[0]->outputs, static_cast<size_t>(all[0]->outputCount)});
  return std::shared_ptr<Model>(new Model(std::move(all), counts, std::move(keepAlive)));
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
                             "again with one more --shapes {}",
                             given, fmt::join(held, " and "), given)};
}

int64_t Model::arenaBytes() const {
  int64_t most = 0;
  for (const SinterModel *abi : all_)
    most = std::max(most, abi->arenaBytes);
  return most;
}

double Model::flops() const {
  double sum = 0;
  for (const SinterKernelInfo &kernel : kernels())
    sum += kernel.flops;
  return sum;
}

Status Model::verifyWeights() const {
  // FNV-1a 64 over 8-byte words, the last one padded with zeros.
  uint64_t hash = 0xcbf29ce484222325u;
  auto *bytes = static_cast<const std::byte *>(abi_->weights);
  auto size = static_cast<size_t>(abi_->weightBytes);
  for (size_t at = 0; at < size; at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes + at, std::min<size_t>(8, size - at));
    hash = (hash ^ word) * 0x100000001b3u;
  }
  if (hash != abi_->weightChecksum)
    return {ErrorCode::InvalidFile, "the weights of the compiled model are damaged: their checksum differs"};
  return {};
}

} // namespace sinter
