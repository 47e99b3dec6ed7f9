// Each field is named once more here. That all are, in the header's order and with nothing between them that IR would
// lay out otherwise, is asserted while this file compiles.
#include "codegen/artefact/AbiLayout.h"
#include "runtime/Abi.h"
#include "llvm/ADT/STLExtras.h"
#include <cassert>
#include <cstddef>
#include <type_traits>

namespace sinter::codegen {
namespace {

template <typename T> constexpr const char *irType() {
  if constexpr (std::is_array_v<T>) {
    static_assert(std::is_pointer_v<std::remove_extent_t<T>> && std::extent_v<T> == 2);
    return "[2 x ptr]";
  } else if constexpr (std::is_pointer_v<T>) {
    return "ptr";
  } else if constexpr (std::is_same_v<T, double>) {
    return "double";
  } else {
    static_assert(std::is_integral_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
    return sizeof(T) == 4 ? "i32" : "i64";
  }
}

#define SINTER_FIELD(Struct, field)                                                                                    \
  AbiField { #field, irType<decltype(Struct::field)>(), offsetof(Struct, field), sizeof(Struct::field) }

constexpr AbiField callbacks[] = {
    SINTER_FIELD(SinterCallbacks, context),
    SINTER_FIELD(SinterCallbacks, parallelFor),
    SINTER_FIELD(SinterCallbacks, callFallback),
    SINTER_FIELD(SinterCallbacks, allocate),
};

constexpr AbiField call[] = {
    SINTER_FIELD(SinterCall, self),     SINTER_FIELD(SinterCall, callbacks), SINTER_FIELD(SinterCall, arena),
    SINTER_FIELD(SinterCall, inputs),   SINTER_FIELD(SinterCall, outputs),   SINTER_FIELD(SinterCall, sizes),
    SINTER_FIELD(SinterCall, reserved),
};

constexpr AbiField tensorInfo[] = {
    SINTER_FIELD(SinterTensorInfo, name),         SINTER_FIELD(SinterTensorInfo, shape),
    SINTER_FIELD(SinterTensorInfo, rank),         SINTER_FIELD(SinterTensorInfo, type),
    SINTER_FIELD(SinterTensorInfo, defaultValue), SINTER_FIELD(SinterTensorInfo, countedBy),
    SINTER_FIELD(SinterTensorInfo, boundedAxis),
};

constexpr AbiField kernelInfo[] = {
    SINTER_FIELD(SinterKernelInfo, name),     SINTER_FIELD(SinterKernelInfo, ops),
    SINTER_FIELD(SinterKernelInfo, fallback), SINTER_FIELD(SinterKernelInfo, flops),
    SINTER_FIELD(SinterKernelInfo, bytes),    SINTER_FIELD(SinterKernelInfo, stackBytes),
};

constexpr AbiField model[] = {
    SINTER_FIELD(SinterModel, magic),       SINTER_FIELD(SinterModel, abiVersion),
    SINTER_FIELD(SinterModel, compiler),    SINTER_FIELD(SinterModel, name),
    SINTER_FIELD(SinterModel, cpuFeatures), SINTER_FIELD(SinterModel, target),
    SINTER_FIELD(SinterModel, inputs),      SINTER_FIELD(SinterModel, outputs),
    SINTER_FIELD(SinterModel, kernels),     SINTER_FIELD(SinterModel, inputCount),
    SINTER_FIELD(SinterModel, outputCount), SINTER_FIELD(SinterModel, kernelCount),
    SINTER_FIELD(SinterModel, flags),       SINTER_FIELD(SinterModel, arenaBytes),
    SINTER_FIELD(SinterModel, stackBytes),  SINTER_FIELD(SinterModel, weights),
    SINTER_FIELD(SinterModel, weightBytes), SINTER_FIELD(SinterModel, weightChecksum),
    SINTER_FIELD(SinterModel, explanation), SINTER_FIELD(SinterModel, run),
    SINTER_FIELD(SinterModel, self),        SINTER_FIELD(SinterModel, next),
};

/// Whether the fields fill a struct of `bytes` from its beginning to its end, so that IR, which aligns each to its size
/// (an array to its element's), lays them out alike.
template <size_t count> constexpr bool fill(const AbiField (&fields)[count], size_t bytes) {
  size_t at = 0;
  for (const AbiField &field : fields) {
    size_t alignment = field.bytes > 8 ? 8 : field.bytes;
    if (field.offset != at || at % alignment != 0)
      return false;
    at += field.bytes;
  }
  return at == bytes;
}

static_assert(fill(callbacks, sizeof(SinterCallbacks)));
static_assert(fill(call, sizeof(SinterCall)));
static_assert(fill(tensorInfo, sizeof(SinterTensorInfo)));
static_assert(fill(kernelInfo, sizeof(SinterKernelInfo)));
static_assert(fill(model, sizeof(SinterModel)));

} // namespace

const AbiStruct abiCallbacks{"SinterCallbacks", callbacks}, abiCall{"SinterCall", call},
    abiTensorInfo{"SinterTensorInfo", tensorInfo}, abiKernelInfo{"SinterKernelInfo", kernelInfo},
    abiModel{"SinterModel", model};

static const AbiStruct *const abiStructs[] = {&abiCallbacks, &abiCall, &abiTensorInfo, &abiKernelInfo, &abiModel};

std::string AbiStruct::typeText() const {
  std::string types;
  for (const AbiField &field : fields)
    types += (types.empty() ? "" : ", ") + field.type.str();
  return "%" + name.str() + " = type { " + types + " }\n";
}

std::string AbiStruct::valueText(const std::map<llvm::StringRef, std::string> &values) const {
  std::string text;
  size_t used = 0;
  for (const AbiField &field : fields) {
    auto value = values.find(field.name);
    used += value != values.end();
    llvm::StringRef zero = field.type == "ptr" ? "null" : "zeroinitializer";
    text += (text.empty() ? "" : ", ") + field.type.str() + " " + (value != values.end() ? value->second : zero.str());
  }
  assert(used == values.size() && "a value of no field");
  return "{ " + text + " }";
}

std::string abiTypesText() {
  std::string text;
  for (const AbiStruct *one : abiStructs)
    text += one->typeText();
  return text;
}

static std::string indexOf(llvm::StringRef path) {
  auto [structName, fieldName] = path.split('.');
  for (const AbiStruct *one : abiStructs)
    for (auto [i, field] : llvm::enumerate(one->fields))
      if (one->name == structName && field.name == fieldName)
        return std::to_string(i);
  assert(false && "no such field");
  return "";
}

std::string withFieldIndices(llvm::StringRef text) {
  std::string result;
  while (!text.empty()) {
    auto [before, rest] = text.split('#');
    auto [path, after] = rest.split('#');
    result += before;
    if (!path.empty())
      result += indexOf(path);
    text = after;
  }
  return result;
}

} // namespace sinter::codegen
