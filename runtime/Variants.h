// Which tables of a compiled model serve this processor, and whether they can be believed.
#pragma once

#include "runtime/Abi.h"
#include "runtime/Status.h"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace sinter {

/// Whether tables are those of code in memory, or read from a file, where they lead neither to code nor to
/// weights.
enum class Content { Code, Data };

/// The variants for the processor features `level`, or else for the first that this processor has: a file of
/// several levels lists the most demanding first.
Expected<std::vector<const SinterModel *>> selectVariants(const SinterModel *abi, Content content,
                                                          std::optional<std::string_view> level = {});

/// The processor features that a table needs, LLVM's names, separated by commas.
std::string_view featuresOf(const SinterModel *abi);

/// How many outputs, from the first on, hold the sizes of others; nothing where that contradicts the table.
std::optional<int32_t> leadingCounts(std::span<const SinterTensorInfo> outputs);

} // namespace sinter
