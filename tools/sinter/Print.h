// The one place from which the tool prints. Names come from models, and a terminal obeys control characters: they are
// shown as \x1b, never sent. Messages of the libraries name options by marks: here they become flags.
#pragma once

#include "compiler/Options.h"
#include "runtime/OptionMark.h"

#include <cstdio>
#include <fmt/format.h>
#include <string>
#include <string_view>

namespace sinter {

/// `text` with control characters (C0, DEL, C1) and bytes that are no UTF-8 written as \x1b. Newlines and tabs stay
/// where `isText`, and then so do the colours of TextTable.
std::string printable(std::string_view text, bool isText);

template <typename... Args> void print(FILE *to, fmt::format_string<Args...> format, Args &&...args) {
  std::string text = expandOptionMarks(fmt::vformat(format, fmt::make_format_args(args...)), optionOnCommandLine);
  text = printable(text, /*isText=*/true);
  std::fwrite(text.data(), 1, text.size(), to);
}
template <typename... Args> void print(fmt::format_string<Args...> format, Args &&...args) {
  sinter::print(stdout, format, std::forward<Args>(args)...);
}

} // namespace sinter
