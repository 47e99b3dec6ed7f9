// Parses numbers, shapes and NAME=VALUE, and checks what a kind of option takes. A name that is given twice is a
// mistake of whoever gave it, so that it fails.
#include "compiler/ParseOptions.h"
#include "compiler/CheckLimits.h"
#include "runtime/OptionMark.h"
#include "runtime/Output.h"
#include "runtime/TensorProto.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

namespace sinter {

template <typename T> static std::optional<T> parseNumber(std::string_view text) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::optional<int64_t> parseWholeNumber(std::string_view text) {
  auto value = parseNumber<int64_t>(text);
  return value && *value >= 0 ? value : std::nullopt;
}

std::optional<std::pair<std::string, std::string>> splitAssignment(const std::string &text) {
  size_t equals = text.rfind('=');
  if (equals == std::string::npos)
    return std::nullopt;
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

std::optional<Shape> parseShape(std::string_view text) {
  Shape shape;
  if (text == "scalar")
    return shape;
  while (true) {
    std::string_view part = text.substr(0, text.find('x'));
    auto dimension = parseWholeNumber(part);
    if (!dimension)
      return std::nullopt;
    shape.push_back(*dimension);
    if (part.size() == text.size())
      break;
    text.remove_prefix(part.size() + 1);
  }
  return elementCount(shape) ? std::optional(shape) : std::nullopt;
}

std::optional<ShapeSet> parseShapeSet(std::string_view text) {
  ShapeSet set;
  // Names may hold commas: a part without a shape at its end belongs to the next one.
  for (size_t begin = 0, from = 0; begin < text.size();) {
    size_t comma = std::min(text.find(',', from), text.size());
    auto parts = splitAssignment(std::string(text.substr(begin, comma - begin)));
    std::optional<Shape> shape = parts ? parseShape(parts->second) : std::nullopt;
    from = comma + 1;
    if (shape && (parts->first.empty() || !set.emplace(parts->first, *shape).second))
      return std::nullopt;
    if (shape)
      begin = from;
    else if (comma == text.size())
      return std::nullopt;
  }
  return set.empty() || text.ends_with(',') ? std::nullopt : std::optional(set);
}

static std::optional<std::pair<double, double>> parseRange(std::string_view text) {
  size_t colon = text.find(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  auto low = parseNumber<double>(text.substr(0, colon)), high = parseNumber<double>(text.substr(colon + 1));
  if (!low || !high || !std::isfinite(*low) || !std::isfinite(*high) || *low > *high)
    return std::nullopt;
  return std::pair(*low, *high);
}

//===- Kinds --------------------------------------------------------------===//

/// "auto|llvm" taken apart.
static std::vector<std::string> choicesOf(const CompileOption &option) {
  std::vector<std::string> choices(1);
  for (char c : option.values)
    if (c == '|')
      choices.emplace_back();
    else
      choices.back() += c;
  return choices;
}

static std::string listed(const std::vector<std::string> &words) {
  std::string text;
  for (const std::string &word : words)
    text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// Whether a number is within the option's bounds.
template <typename T> static bool isWithin(const CompileOption &option, std::optional<T> number) {
  return number && static_cast<double>(*number) >= option.low && static_cast<double>(*number) <= option.high;
}

static std::string bounds(const CompileOption &option) {
  return " from " + std::to_string(static_cast<int64_t>(option.low)) + " to " +
         std::to_string(static_cast<int64_t>(option.high));
}

Status checkValue(const CompileOption &option, const std::string &value) {
  std::string expected;
  switch (option.kind) {
  case OptionKind::Switch:
  case OptionKind::OnSwitch:
    expected = value == "true" || value == "false" ? "" : "true or false";
    break;
  case OptionKind::Choice: {
    std::vector<std::string> choices = choicesOf(option);
    bool isOne = std::ranges::find(choices, value) != choices.end();
    expected = isOne ? "" : "one of " + listed(choices);
    break;
  }
  case OptionKind::Number:
    expected = isWithin(option, parseWholeNumber(value)) ? ""
               : option.values == "BYTES"                ? "a number of bytes" + bounds(option)
                                                         : "a number" + bounds(option);
    break;
  case OptionKind::Seconds:
    expected = isWithin(option, parseNumber<double>(value)) ? "" : "a number of seconds" + bounds(option);
    break;
  case OptionKind::Text:
  case OptionKind::Named:
  case OptionKind::Repeated:
    break;
  }
  return expected.empty() ? Status() : wrongValue(option.name, expected, value);
}

//===- Setters ------------------------------------------------------------===//

Status setJobs(const CompileOption &, CompileOptions &options, const std::string &value) {
  options.jobs = static_cast<int>(*parseWholeNumber(value));
  return {};
}

Status setTuneSeconds(const CompileOption &, CompileOptions &options, const std::string &value) {
  options.tune.seconds = parseNumber<double>(value).value_or(options.tune.seconds);
  return {};
}

static Status namedTwice(const CompileOption &option, const std::string &name) {
  return {ErrorCode::InvalidArgument, optionMark(option.name) + " names '" + name + "' twice"};
}

/// Parses "NAME=VALUE" by `parse` into `map`.
template <typename Map, typename Parse>
static Status assign(const CompileOption &option, std::string_view form, const std::string &text, Map &map,
                     Parse parse) {
  auto parts = splitAssignment(text);
  auto value = parts ? parse(parts->second) : decltype(parse(""))();
  if (!value || parts->first.empty())
    return wrongValue(option.name, "of the form " + std::string(form), text);
  if (!map.emplace(parts->first, *value).second)
    return namedTwice(option, parts->first);
  return {};
}

Status setShape(const CompileOption &option, CompileOptions &options, const std::string &value) {
  return assign(option, option.values, value, options.shapes, parseShape);
}

Status setDimension(const CompileOption &option, CompileOptions &options, const std::string &value) {
  auto parts = splitAssignment(value);
  if (parts && (options.dims.contains(parts->first) || options.dimRanges.contains(parts->first)))
    return namedTwice(option, parts->first);
  std::optional<SizeRange> range = parts ? SizeRange::parse(parts->second) : std::nullopt;
  if (!range)
    return assign(option, "NAME=N or NAME=LO..HI[:STEP] with LO <= HI", value, options.dims, parseWholeNumber);
  return assign(option, "NAME=LO..HI", value, options.dimRanges, SizeRange::parse);
}

Status setRange(const CompileOption &option, CompileOptions &options, const std::string &value) {
  return assign(option, "NAME=LO:HI with finite LO <= HI", value, options.inputRanges, parseRange);
}

Status addShapeSet(const CompileOption &option, CompileOptions &options, const std::string &value) {
  std::optional<ShapeSet> set = parseShapeSet(value);
  if (!set)
    return wrongValue(option.name, "of the form NAME=1x3x224x224,NAME=..., each name once", value);
  if (std::ranges::find(options.shapeSets, *set) != options.shapeSets.end())
    return {ErrorCode::InvalidArgument, optionMark(option.name, value) + " is given twice"};
  options.shapeSets.push_back(std::move(*set));
  return {};
}

Status addEmpty(const CompileOption &, CompileOptions &options, const std::string &value) {
  options.empty.insert(value);
  return {};
}

Status setValue(const CompileOption &option, CompileOptions &options, const std::string &value) {
  auto parts = splitAssignment(value);
  if (!parts || parts->first.empty())
    return wrongValue(option.name, "of the form NAME=FILE, .npy or .pb", value);
  protectInput(parts->second);
  Expected<NamedTensor> tensor = readTensor(parts->second);
  if (!tensor)
    return tensor.failure();
  if (!options.values.emplace(parts->first, tensor->tensor).second)
    return namedTwice(option, parts->first);
  return {};
}

Status setLimit(const CompileOption &option, CompileOptions &options, const std::string &value) {
  auto parts = splitAssignment(value);
  std::optional<int64_t> most = parts ? parseWholeNumber(parts->second) : std::nullopt;
  if (!most)
    return wrongValue(option.name, "of the form NAME=N, N a whole number", value);
  CompileOptions one;
  one.limits[parts->first] = *most;
  Status status = checkLimits(one);
  if (status.ok())
    options.limits.insert_or_assign(parts->first, *most);
  return status;
}

Status addPrintedPass(const CompileOption &, CompileOptions &options, const std::string &value) {
  options.printIrAfter.push_back(value);
  return {};
}

} // namespace sinter
