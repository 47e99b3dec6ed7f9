// sinter_options_t. Values are checked here; what names in the model they fit is checked by the compiler.
#include "compiler/Options.h"
#include "api/Errors.h"
#include "api/IsolateWords.h"
#include "api/OptionsHandle.h"

#include <cmath>
#include <cstring>
#include <fmt/format.h>

using namespace sinter;
using namespace sinter::api;

namespace {

/// Options of the process that asks: the compiler has no field for them.
bool setHostOption(sinter_options &options, std::string_view name, const std::string &value) {
  if (name == "open")
    options.open = value == "auto" ? OpenModels::Auto : value == "true" ? OpenModels::Always : OpenModels::Never;
  else if (name == "isolate")
    options.isolate = value == "true";
  else if (name == "isolate-memory")
    options.isolateMemory = static_cast<uint64_t>(*parseWholeNumber(value));
  else if (name == "shape-cache")
    options.shapeCache = static_cast<size_t>(*parseWholeNumber(value));
  else
    return false;
  return true;
}

sinter_error_t *setOption(sinter_options &handle, std::string name, std::string value) {
  // The names of limits that 1.0 has.
  constexpr std::string_view limitPrefix = "limit-";
  if (name.starts_with(limitPrefix)) {
    value = name.substr(limitPrefix.size()) + "=" + value;
    name = "limit";
  }
  const CompileOption *option = findOption(name);
  if (!option)
    return error(SINTER_INVALID_ARGUMENT, fmt::format("there is no option '{}'; sinter_option lists them", name));
  if (name == "emit")
    return error(SINTER_INVALID_ARGUMENT, "what is emitted is an argument of sinter_compile_to_file");
  if (Status status = sinter::setOption(handle.compile, name, value); !status.ok())
    return error(status);
  if (!setHostOption(handle, name, value))
    handle.calls.push_back({"option", name, value});
  return nullptr;
}

} // namespace

size_t sinter_option_count(void) { return compileOptions().size(); }

const sinter_option_info_t *sinter_option(size_t index) {
  // Made once, of the table's texts, which end with a zero; help without marks.
  static const auto infos = [] {
    std::pair<std::vector<std::string>, std::vector<sinter_option_info_t>> made;
    for (const CompileOption &option : compileOptions())
      made.first.push_back(expandOptionMarks(option.help, optionInC));
    for (size_t i = 0; i < made.first.size(); ++i)
      made.second.push_back(
          {compileOptions()[i].name.data(), compileOptions()[i].values.data(), made.first[i].c_str()});
    return made;
  }();
  return index < infos.second.size() ? &infos.second[index] : nullptr;
}

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
  return guarded([&] { return setOption(*options, name, value); });
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

sinter_error_t *sinter_options_set_warning(sinter_options_t *options, sinter_warning_t warning, void *context) {
  if (!options)
    return nullArgument("options");
  options->warning = warning;
  options->warningContext = context;
  return nullptr;
}
