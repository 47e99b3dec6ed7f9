// sinter_options_t. Values are checked here; what names in the model they fit is checked by the compiler.
#include "api/Errors.h"
#include "api/IsolateWords.h"
#include "api/OptionsHandle.h"
#include "compiler/CheckLimits.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace sinter;
using namespace sinter::api;

namespace {

sinter_error_t *invalid(std::string_view name, std::string_view value, std::string_view expected) {
  return error(SINTER_INVALID_ARGUMENT, fmt::format("the option '{}' must be {}, not '{}'", name, expected, value));
}

struct TextOption {
  std::string_view name;
  std::string CompileOptions::*field;
  std::vector<std::string_view> allowed; ///< empty: the compiler knows
};
const std::vector<TextOption> &textOptions() {
  static const std::vector<TextOption> options = {
      {"target-cpu", &CompileOptions::targetCpu, {}},
      {"target-triple", &CompileOptions::targetTriple, {}},
      {"symbol", &CompileOptions::symbol, {}},
      {"weights-file", &CompileOptions::weightsFile, {}},
      {"backend", &CompileOptions::backend, {"auto", "llvm", "onednn", "reference"}},
      {"math", &CompileOptions::math, {"strict", "default", "fast"}}};
  return options;
}

struct SwitchOption {
  std::string_view name;
  bool CompileOptions::*field;
};
constexpr SwitchOption switchOptions[] = {{"optimise", &CompileOptions::optimise},
                                          {"assume-finite", &CompileOptions::assumeFinite},
                                          {"freeze-inputs", &CompileOptions::freezeInputs},
                                          {"prune", &CompileOptions::prune},
                                          {"verify-rewrites", &CompileOptions::verifyRewrites},
                                          {"check-rewrites", &CompileOptions::checkRewrites},
                                          {"check-indices", &CompileOptions::checkIndices},
                                          {"fail-on-unsound", &CompileOptions::failOnUnsound},
                                          {"standalone", &CompileOptions::standalone}};

/// A whole number from 1 to 1024, or nothing.
std::optional<int> smallNumber(std::string_view text) {
  constexpr int most = 1024;
  int number = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool isRight = code == std::errc() && end == text.data() + text.size() && number >= 1 && number <= most;
  return isRight ? std::optional(number) : std::nullopt;
}

sinter_error_t *setOpen(sinter_options &options, std::string_view value) {
  if (value != "auto" && value != "true" && value != "false")
    return invalid("open", value, "one of auto, true, false");
  options.open = value == "auto" ? OpenModels::Auto : value == "true" ? OpenModels::Always : OpenModels::Never;
  return nullptr;
}

sinter_error_t *setIsolate(sinter_options &options, std::string_view name, std::string_view value) {
  if (name == "isolate") {
    if (value != "true" && value != "false")
      return invalid(name, value, "true or false");
    options.isolate = value == "true";
    return nullptr;
  }
  uint64_t bytes = 0;
  auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), bytes);
  if (code != std::errc() || end != value.data() + value.size())
    return invalid(name, value, "a whole number of bytes");
  options.isolateMemory = bytes;
  return nullptr;
}

/// Whether an option is one of the process that asks, not of the compilation.
bool isOfHost(std::string_view name) { return name == "open" || name == "shape-cache" || name.starts_with("isolate"); }

sinter_error_t *setOption(sinter_options &handle, std::string_view name, std::string_view value) {
  CompileOptions &options = handle.compile;
  if (name == "open")
    return setOpen(handle, value);
  if (name == "isolate" || name == "isolate-memory")
    return setIsolate(handle, name, value);
  for (const TextOption &option : textOptions()) {
    if (name != option.name)
      continue;
    bool isAllowed = option.allowed.empty();
    for (std::string_view allowed : option.allowed)
      isAllowed |= value == allowed;
    if (!isAllowed)
      return invalid(name, value, fmt::format("one of {}", fmt::join(option.allowed, ", ")));
    options.*option.field = value;
    return nullptr;
  }
  for (const SwitchOption &option : switchOptions) {
    if (name != option.name)
      continue;
    if (value != "true" && value != "false")
      return invalid(name, value, "true or false");
    options.*option.field = value == "true";
    return nullptr;
  }
  constexpr std::string_view limitPrefix = "limit-";
  if (name.starts_with(limitPrefix)) {
    int64_t most = 0;
    auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), most);
    if (code != std::errc() || end != value.data() + value.size() || most < 0)
      return invalid(name, value, "a whole number");
    CompileOptions one;
    one.limits[std::string(name.substr(limitPrefix.size()))] = most;
    if (Status status = checkLimits(one); !status.ok())
      return error(SINTER_INVALID_ARGUMENT, status.message());
    options.limits.insert_or_assign(one.limits.begin()->first, most);
    return nullptr;
  }
  if (name != "jobs" && name != "shape-cache")
    return error(SINTER_INVALID_ARGUMENT, fmt::format("there is no option '{}'; sinter_options_set lists them", name));
  std::optional<int> number = smallNumber(value);
  if (!number)
    return invalid(name, value, "a number from 1 to 1024");
  if (name == "jobs")
    options.jobs = *number;
  else
    handle.shapeCache = static_cast<size_t>(*number);
  return nullptr;
}

} // namespace

sinter_error_t *sinter_options_create(sinter_options_t **options) {
  if (!options)
    return nullArgument("options");
  return guarded([&]() -> sinter_error_t * {
    *options = new sinter_options;
    return nullptr;
  });
}

void sinter_options_free(sinter_options_t *options) { delete options; }

sinter_error_t *sinter_options_set(sinter_options_t *options, const char *name, const char *value) {
  if (!options || !name || !value)
    return nullArgument(!options ? "options" : !name ? "name" : "value");
  return guarded([&] {
    sinter_error_t *failed = setOption(*options, name, value);
    if (!failed && !isOfHost(name))
      options->calls.push_back({"option", name, value});
    return failed;
  });
}

sinter_error_t *sinter_options_set_shape(sinter_options_t *options, const char *input, const int64_t *shape,
                                         int32_t rank) {
  if (!options || !input || (!shape && rank != 0))
    return nullArgument(!options ? "options" : !input ? "input" : "shape");
  return guarded([&]() -> sinter_error_t * {
    std::span<const int64_t> sizes(shape, static_cast<size_t>(std::max(rank, 0)));
    if (rank < 0 || !elementCount(sizes))
      return error(SINTER_INVALID_ARGUMENT,
                   fmt::format("the shape of '{}' needs sizes of 0 or more, and fewer than 2^63 elements", input));
    options->compile.shapes[input] = Shape(sizes.begin(), sizes.end());
    options->calls.push_back({"shape", input, std::string(bytesOf(shape, sizes.size()))});
    return nullptr;
  });
}

sinter_error_t *sinter_options_set_dimension(sinter_options_t *options, const char *name, int64_t size) {
  if (!options || !name)
    return nullArgument(options ? "name" : "options");
  return guarded([&]() -> sinter_error_t * {
    if (size < 0)
      return error(SINTER_INVALID_ARGUMENT, fmt::format("the dimension '{}' must be 0 or more, not {}", name, size));
    options->compile.dims[name] = size;
    options->calls.push_back({"dimension", name, std::string(bytesOf(&size, 1))});
    return nullptr;
  });
}

sinter_error_t *sinter_options_set_empty(sinter_options_t *options, const char *input) {
  if (!options || !input)
    return nullArgument(options ? "input" : "options");
  return guarded([&]() -> sinter_error_t * {
    options->compile.empty.insert(input);
    options->calls.push_back({"empty", input});
    return nullptr;
  });
}

sinter_error_t *sinter_options_set_input_range(sinter_options_t *options, const char *input, double low, double high) {
  if (!options || !input)
    return nullArgument(options ? "input" : "options");
  return guarded([&]() -> sinter_error_t * {
    if (!std::isfinite(low) || !std::isfinite(high) || low > high)
      return error(SINTER_INVALID_ARGUMENT,
                   fmt::format("the range of input '{}' needs finite bounds, the lower one first", input));
    options->compile.inputRanges[input] = {low, high};
    options->calls.push_back({"range", input, std::string(bytesOf(&low, 1)), std::string(bytesOf(&high, 1))});
    return nullptr;
  });
}

sinter_error_t *sinter_options_set_value(sinter_options_t *options, const char *input, const sinter_tensor_t *value) {
  if (!options || !input || !value)
    return nullArgument(!options ? "options" : !input ? "input" : "value");
  return guarded([&]() -> sinter_error_t * {
    auto invalid = [&](const char *what) {
      return error(SINTER_INVALID_ARGUMENT, fmt::format("the value of input '{}' {}", input, what));
    };
    if (value->rank < 0 || (value->rank > 0 && !value->shape) || !sinter_type_name(value->type))
      return invalid("has no valid shape or type");
    Shape shape(value->shape, value->shape + value->rank);
    std::optional<Tensor> tensor;
    if (elementCount(shape))
      tensor = Tensor::allocate(static_cast<DType>(value->type), std::move(shape));
    if (!tensor)
      return invalid("is too large");
    if (value->strides || (!value->data && tensor->bytes() > 0))
      return invalid(value->strides ? "must be dense: leave its strides out" : "has no data");
    if (tensor->bytes() > 0)
      std::memcpy(tensor->data(), value->data, tensor->bytes());
    options->calls.push_back({"value", input, std::string(bytesOf(&value->type, 1)),
                              std::string(bytesOf(value->shape, static_cast<size_t>(value->rank))),
                              std::string(bytesOf(tensor->data(), tensor->bytes()))});
    options->compile.values[input] = std::move(*tensor);
    return nullptr;
  });
}

sinter_error_t *sinter_options_set_progress(sinter_options_t *options, sinter_progress_t progress, void *context) {
  if (!options)
    return nullArgument("options");
  options->progress = progress;
  options->progressContext = context;
  return nullptr;
}
