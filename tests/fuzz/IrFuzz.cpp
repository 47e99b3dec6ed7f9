// Textual IR that is almost right, compiled, and where it still means something run on two backends.
// usage: ir-fuzz [--seconds N] [--count N] [--seed N] [--keep FOLDER] [--case FILE] [--replay FOLDER] SEED...; seeds
// are .mlir files, or folders of them: the parts that "// -----" separates, and the dumps of a compilation.
#include "tests/fuzz/Differential.h"
#include "tests/fuzz/Fuzz.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

using namespace sinter::fuzz;

namespace {

using Tokens = std::vector<std::string>;

bool isWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '%' || c == '-';
}

Tokens tokensOf(const std::string &text) {
  Tokens tokens;
  for (size_t i = 0, end; i < text.size(); i = end) {
    for (end = i + 1; isWord(text[i]) && end < text.size() && isWord(text[end]);)
      ++end;
    tokens.push_back(text.substr(i, end - i));
  }
  return tokens;
}

std::vector<Tokens> readSeeds(const std::vector<std::string> &paths) {
  constexpr size_t most = 1 << 16;
  static const std::string separator = "// -----";
  std::vector<Tokens> seeds;
  for (const std::string &path : paths) {
    std::string text = readFile(path);
    for (size_t start = 0; start < text.size();) {
      size_t end = std::min(text.find(separator, start), text.size());
      if (end - start < most && text.find("func.func @", start) < end)
        seeds.push_back(tokensOf(text.substr(start, end - start)));
      start = end + separator.size();
    }
  }
  return seeds;
}

void mutateOnce(Tokens &tokens, const Tokens &other, Choices &choices) {
  if (tokens.empty())
    return;
  std::string &token = choices.of(tokens);
  auto at = tokens.begin() + (&token - tokens.data());
  // Numbers are most of what there is to say.
  if (std::isdigit(static_cast<unsigned char>(token[0])) && choices.oneIn(2)) {
    token = std::to_string(choices.integer());
    return;
  }
  switch (choices.below(5)) {
  case 0:
    token = choices.of(other);
    break;
  case 1:
    token = choices.of(tokens);
    break;
  case 2:
    tokens.erase(at);
    break;
  case 3:
    tokens.insert(at, std::string(token));
    break;
  default:
    mutateBytes(token, choices);
  }
}

} // namespace

int main(int argc, char **argv) {
  Arguments arguments;
  if (!arguments.parse(argc, argv))
    return 2;
  std::vector<Tokens> seeds = readSeeds(filesOf(arguments.seeds, {".mlir"}));
  if (seeds.empty() && !arguments.isReplay())
    return std::fprintf(stderr, "no seed among the arguments has a function\n"), 2;
  auto make = [&](Choices &choices) {
    Tokens tokens = choices.of(seeds);
    const Tokens &other = choices.of(seeds);
    for (size_t i = 0, n = 1 + choices.below(3); i < n; ++i)
      mutateOnce(tokens, other, choices);
    std::string text;
    for (const std::string &token : tokens)
      text += token;
    return text;
  };
  return runCases(arguments, ".mlir", make,
                  [](const std::string &input) { return compileAndCompare(input, "/tmp/fuzz.mlir"); });
}
