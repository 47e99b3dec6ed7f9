// A scan counts open brackets outside strings; only text that nests at most 64 deep reaches LLVM's parser.
#include "compiler/ParseJson.h"

namespace sinter {

std::optional<llvm::json::Value> parseJson(llvm::StringRef text) {
  constexpr int maxDepth = 64;
  int depth = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '"')
      for (++at; at < text.size() && text[at] != '"'; ++at)
        at += text[at] == '\\';
    depth += (c == '[' || c == '{') - (c == ']' || c == '}');
    if (depth > maxDepth)
      return std::nullopt;
  }
  llvm::Expected<llvm::json::Value> parsed = llvm::json::parse(text);
  if (parsed)
    return std::move(*parsed);
  llvm::consumeError(parsed.takeError());
  return std::nullopt;
}

} // namespace sinter
