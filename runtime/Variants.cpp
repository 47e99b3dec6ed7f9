// Walks the list of variants, drops those this processor cannot run, and checks each table before it is believed.
#include "runtime/Variants.h"

#include "runtime/CpuFeatures.h"
#include "runtime/Model.h"
#include "runtime/OptionMark.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sinter {

std::string_view featuresOf(const SinterModel *abi) { return abi->cpuFeatures ? abi->cpuFeatures : ""; }

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

namespace {

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

/// More variants than anybody compiles: a table that claims more is damaged.
constexpr size_t maxVariants = 65536;

/// Whether the table can be read at all.
Status checkVersion(const SinterModel *abi) {
  if (!abi || abi->magic != SINTER_MAGIC)
    return {ErrorCode::InvalidFile, "this is not a compiled model: the magic number is wrong"};
  if (abi->abiVersion != SINTER_ABI_VERSION)
    return {ErrorCode::Incompatible,
            fmt::format("the model was compiled for version {} of the interface, this is version {}: recompile it",
                        abi->abiVersion, SINTER_ABI_VERSION)};
  return {};
}

Status checkProcessor(const SinterModel *abi) {
  std::vector<std::string> missing = missingFeatures(std::string(featuresOf(abi)));
  if (missing.empty())
    return {};
  return {ErrorCode::Incompatible, fmt::format("the model needs {}, which this processor lacks: recompile with {}",
                                               fmt::join(missing, ", "), optionMark("target-cpu", baselineCpu()))};
}

Status checkTable(const SinterModel *abi, Content content) {
  for (Status status : {checkTensorTable(abi->inputs, abi->inputCount, "inputs"),
                        checkTensorTable(abi->outputs, abi->outputCount, "outputs")})
    if (!status.ok())
      return status;
  bool lacksCode = content == Content::Code && (!abi->run || (abi->weightBytes > 0 && !abi->weights));
  if (lacksCode || abi->kernelCount < 0 || (abi->kernelCount > 0 && !abi->kernels) || abi->arenaBytes < 0 ||
      abi->stackBytes < 0 || abi->weightBytes < 0)
    return {ErrorCode::InvalidFile, "the compiled model's table is invalid"};
  if (!leadingCounts({abi->outputs, static_cast<size_t>(abi->outputCount)}))
    return {ErrorCode::InvalidFile, "the compiled model's table of outputs is invalid"};
  return {};
}

/// Whether two tables of variants list the same tensors, whatever their shapes.
bool sameTensors(const SinterTensorInfo *a, const SinterTensorInfo *b, int32_t count) {
  return std::equal(a, a + count, b, [](const SinterTensorInfo &x, const SinterTensorInfo &y) {
    return x.type == y.type && x.countedBy == y.countedBy && !x.defaultValue == !y.defaultValue &&
           std::string_view(x.name) == y.name;
  });
}

} // namespace

Expected<std::vector<const SinterModel *>> selectVariants(const SinterModel *abi, Content content,
                                                          std::optional<std::string_view> level) {
  std::vector<const SinterModel *> all;
  Status unusable;
  size_t visited = 0;
  do {
    if (Status status = checkVersion(abi); !status.ok())
      return status.failure();
    if (++visited > maxVariants)
      return Failure{ErrorCode::InvalidFile, "the compiled model's table of variants is invalid"};
    if (level ? featuresOf(abi) != *level : !(unusable = checkProcessor(abi)).ok())
      continue;
    if (Status status = checkTable(abi, content); !status.ok())
      return status.failure();
    level = featuresOf(abi);
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
  return all;
}

} // namespace sinter
