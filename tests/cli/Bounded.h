// Commands on hostile files: each ends with status 0 or 1, one sentence where it is 1, within ten seconds of processor
// time and 2 GB.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sinter::cli {

size_t countOf(const std::string &text, std::string_view part);
/// Expects it of a command.
void expectBounded(const std::vector<std::string> &words);
/// Expects the bounds of `inspect` and `compile` on a model.
void expectBoundedCompile(const std::string &path);

} // namespace sinter::cli
