// Rows are copied and their pointers replaced, one by one, by pointers into the library's bytes; the rest of
// the runtime then reads them as it reads those of a library that is mapped.
#include "runtime/Library.h"

#include <cstring>
#include <deque>
#include <fmt/format.h>

namespace sinter {
namespace {

struct Tables {
  std::shared_ptr<const Library> library;
  std::deque<SinterModel> models;
  std::deque<std::vector<SinterTensorInfo>> tensors;
  std::deque<std::vector<SinterKernelInfo>> kernels;
};

class TableReader {
public:
  TableReader(const Library &library, Tables &tables, bool withKernels)
      : library(library), tables(tables), withKernels(withKernels), budget(library.bytes() * 16 + (64 << 10)) {}

  /// Reads the chain that begins at `address`; false where it is not one.
  bool read(uint64_t address) {
    for (; address != 0 && isValid; address = next)
      readModel(address);
    return isValid && !tables.models.empty();
  }

private:
  /// Rows may be shared, but what is read more than a few times is a table made to take for ever.
  std::optional<std::span<const std::byte>> take(uint64_t address, uint64_t bytes) {
    std::optional<std::span<const std::byte>> found = bytes <= budget ? library.at(address, bytes) : std::nullopt;
    isValid &= found.has_value();
    budget -= found ? bytes : 0;
    return isValid ? found : std::nullopt;
  }
  template <typename T> T valueAt(uint64_t address) {
    T value = {};
    if (auto bytes = take(address, sizeof value))
      std::memcpy(&value, bytes->data(), sizeof value);
    return value;
  }
  uint64_t pointerAt(uint64_t address) {
    std::optional<uint64_t> pointer = library.pointerAt(address);
    isValid &= pointer.has_value();
    return pointer.value_or(0);
  }
  /// The text that the pointer at `address` leads to; null for none.
  const char *textAt(uint64_t address) {
    uint64_t at = pointerAt(address);
    if (at == 0)
      return nullptr;
    std::span<const std::byte> found = library.from(at);
    const void *end = found.empty() ? nullptr : std::memchr(found.data(), 0, std::min<uint64_t>(found.size(), budget));
    isValid &= end != nullptr;
    if (!end)
      return nullptr;
    budget -= static_cast<uint64_t>(static_cast<const std::byte *>(end) - found.data());
    return reinterpret_cast<const char *>(found.data());
  }
  void readModel(uint64_t address);
  const SinterTensorInfo *tensorsAt(uint64_t address, int32_t count);
  const SinterKernelInfo *kernelsAt(uint64_t address, int32_t count);

  const Library &library;
  Tables &tables;
  const bool withKernels;
  uint64_t budget, next = 0;
  bool isValid = true;
};

void TableReader::readModel(uint64_t address) {
  SinterModel model = {};
  next = 0;
  model.magic = valueAt<uint32_t>(address + offsetof(SinterModel, magic));
  model.abiVersion = valueAt<uint32_t>(address + offsetof(SinterModel, abiVersion));
  if (model.magic == SINTER_MAGIC && model.abiVersion == SINTER_ABI_VERSION) {
    // Field by field: what is not named here stays null.
    auto raw = valueAt<SinterModel>(address);
    auto text = [&](size_t field) { return textAt(address + field); };
    model.compiler = text(offsetof(SinterModel, compiler));
    model.name = text(offsetof(SinterModel, name));
    model.cpuFeatures = text(offsetof(SinterModel, cpuFeatures));
    model.target = text(offsetof(SinterModel, target));
    model.explanation = withKernels ? text(offsetof(SinterModel, explanation)) : nullptr;
    model.inputCount = raw.inputCount, model.outputCount = raw.outputCount;
    model.inputs = tensorsAt(pointerAt(address + offsetof(SinterModel, inputs)), raw.inputCount);
    model.outputs = tensorsAt(pointerAt(address + offsetof(SinterModel, outputs)), raw.outputCount);
    model.kernelCount = withKernels ? raw.kernelCount : 0;
    model.kernels = kernelsAt(pointerAt(address + offsetof(SinterModel, kernels)), model.kernelCount);
    model.flags = raw.flags;
    model.arenaBytes = raw.arenaBytes, model.stackBytes = raw.stackBytes;
    model.weightBytes = raw.weightBytes, model.weightChecksum = raw.weightChecksum;
    next = pointerAt(address + offsetof(SinterModel, next));
  }
  SinterModel *before = tables.models.empty() ? nullptr : &tables.models.back();
  tables.models.push_back(model);
  if (before)
    before->next = &tables.models.back();
}

const SinterTensorInfo *TableReader::tensorsAt(uint64_t address, int32_t count) {
  /// The value of a default lies with the weights; here only its presence is known.
  static constexpr uint64_t somewhere = 0;
  if (count <= 0 || !take(address, static_cast<uint64_t>(count) * sizeof(SinterTensorInfo)))
    return nullptr;
  std::vector<SinterTensorInfo> &rows = tables.tensors.emplace_back();
  for (int32_t i = 0; i < count && isValid; ++i, address += sizeof(SinterTensorInfo)) {
    auto raw = valueAt<SinterTensorInfo>(address);
    SinterTensorInfo row = {};
    row.rank = raw.rank, row.type = raw.type, row.countedBy = raw.countedBy, row.boundedAxis = raw.boundedAxis;
    row.name = textAt(address + offsetof(SinterTensorInfo, name));
    uint64_t shape = pointerAt(address + offsetof(SinterTensorInfo, shape));
    auto sizes = row.rank > 0 ? take(shape, static_cast<uint64_t>(row.rank) * sizeof(int64_t)) : std::nullopt;
    row.shape = sizes ? reinterpret_cast<const int64_t *>(sizes->data()) : nullptr;
    isValid &= reinterpret_cast<uintptr_t>(row.shape) % alignof(int64_t) == 0;
    row.defaultValue = pointerAt(address + offsetof(SinterTensorInfo, defaultValue)) ? &somewhere : nullptr;
    rows.push_back(row);
  }
  return rows.data();
}

const SinterKernelInfo *TableReader::kernelsAt(uint64_t address, int32_t count) {
  if (count <= 0 || !take(address, static_cast<uint64_t>(count) * sizeof(SinterKernelInfo)))
    return nullptr;
  std::vector<SinterKernelInfo> &rows = tables.kernels.emplace_back();
  for (int32_t i = 0; i < count && isValid; ++i, address += sizeof(SinterKernelInfo)) {
    auto raw = valueAt<SinterKernelInfo>(address);
    SinterKernelInfo row = {};
    row.flops = raw.flops, row.bytes = raw.bytes, row.stackBytes = raw.stackBytes;
    row.name = textAt(address + offsetof(SinterKernelInfo, name));
    row.ops = textAt(address + offsetof(SinterKernelInfo, ops));
    row.fallback = textAt(address + offsetof(SinterKernelInfo, fallback));
    rows.push_back(row);
  }
  return rows.data();
}

} // namespace

Expected<std::shared_ptr<const SinterModel>> readTables(std::shared_ptr<const Library> library, const std::string &name,
                                                        bool withKernels) {
  if (library->seal().table == 0)
    return Failure{ErrorCode::InvalidFile,
                   fmt::format("{} is not a compiled model: it does not export sinter_model", name)};
  auto tables = std::make_shared<Tables>();
  tables->library = std::move(library);
  if (!TableReader(*tables->library, *tables, withKernels).read(tables->library->seal().table))
    return Failure{ErrorCode::InvalidFile, fmt::format("{}: the compiled model's table is invalid", name)};
  return std::shared_ptr<const SinterModel>(tables, &tables->models.front());
}

} // namespace sinter
