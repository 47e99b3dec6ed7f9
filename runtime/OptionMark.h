// How a message names an option: by a mark that holds its name in the table of compiler/Options.h and a value, for no
// library knows what a front door calls it. Each front door expands the marks: the command line to `--shape x=1x3`, the
// C interface to `sinter_options_set(..., "shape", "x=1x3")`.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace sinter {

/// "@{shape x=1x3@}", or without a value "@{shape@}". A value is what the option should be set to, as text; what stands
/// for one is in capitals: "ops=N". Literals may hold marks themselves.
inline std::string optionMark(std::string_view name, std::string_view value = {}) {
  std::string mark = "@{";
  mark += name;
  if (!value.empty())
    (mark += ' ') += value;
  return mark += "@}";
}

/// A front door's words for an option and a value, which may be empty.
using OptionWords = std::function<std::string(std::string_view name, std::string_view value)>;

/// `text` with each mark as `words` says it.
inline std::string expandOptionMarks(std::string_view text, const OptionWords &words) {
  std::string expanded;
  for (size_t begin; (begin = text.find("@{")) != text.npos;) {
    size_t end = text.find("@}", begin);
    if (end == text.npos)
      break;
    std::string_view mark = text.substr(begin + 2, end - begin - 2), name = mark.substr(0, mark.find(' '));
    expanded += text.substr(0, begin);
    expanded += words(name, name.size() == mark.size() ? "" : mark.substr(name.size() + 1));
    text.remove_prefix(end + 2);
  }
  return expanded += text;
}

/// How the C interface says it, in the form that sinter.h promises to layers above: `the option 'shape'` or
/// `sinter_options_set(..., "shape", "x=1x3")`. What is emitted is an argument there.
inline std::string optionInC(std::string_view name, std::string_view value) {
  if (name == "emit" && !value.empty())
    return "emit \"" + std::string(value) + "\"";
  if (value.empty())
    return "the option '" + std::string(name) + "'";
  return "sinter_options_set(..., \"" + std::string(name) + "\", \"" + std::string(value) + "\")";
}

} // namespace sinter
