// One pass over the text: brackets outside of strings and comments, and for each alias how deep its
// definition is and how many attributes or types it stands for.
#include "ir/TextCheck.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"
#include <algorithm>

using llvm::StringRef;
using llvm::Twine;

namespace sinter::nn {
namespace {

/// The IR of a model nests about ten brackets; MLIR takes up to a KB of stack for each.
constexpr int64_t maxDepth = 256;
/// Aliases of locations stand for lists of others.
constexpr int64_t maxMembers = int64_t(1) << 24;

class Scanner {
public:
  explicit Scanner(StringRef text) : text(text) {}

  std::string run() {
    while (at < text.size() && problem.empty()) {
      bool isLineStart = depth == 0 && (at == 0 || text[at - 1] == '\n');
      char c = text[at];
      if (isLineStart && (c == '"' || c == '%' || text.substr(at).starts_with("{-#")))
        definition = nullptr;
      if (c == '"')
        skipString();
      else if (c == '/' && text.substr(at).starts_with("//"))
        at = std::min(text.find('\n', at), text.size());
      else if (llvm::isAlpha(c) || c == '_' || c == '#' || c == '!')
        word(isLineStart);
      else
        symbol(c);
    }
    return problem;
  }

private:
  /// The size and depth of the text that an alias stands for.
  struct Extent {
    int64_t depth = 0, members = 1;
  };

  void skipString() {
    for (++at; at < text.size() && text[at] != '"' && text[at] != '\n';)
      at = text[at] == '\\' ? at + 2 : std::min(text.find_first_of("\"\\\n", at + 1), text.size());
    ++at;
  }

  void symbol(char c) {
    // "->" closes nothing.
    bool isArrow = c == '-' && text.substr(at).starts_with("->");
    at += isArrow ? 2 : 1;
    if (c == '(' || c == '[' || c == '{' || c == '<')
      note(++depth);
    else if (c == ')' || c == ']' || c == '}' || c == '>')
      depth = std::max<int64_t>(depth - 1, 0);
    else if (static_cast<unsigned char>(c) > '~')
      problem = "holds bytes that IR has in strings and comments alone: it is another kind of file";
  }

  void note(int64_t reached) {
    if (definition)
      definition->depth = std::max(definition->depth, reached);
    if (reached > maxDepth)
      problem = ("nests brackets more than " + Twine(maxDepth) + " deep: no model does").str();
  }

  void word(bool isLineStart) {
    size_t begin = at++;
    while (at < text.size() && (llvm::isAlnum(text[at]) || StringRef("_$.").contains(text[at])))
      ++at;
    StringRef name = text.slice(begin, at);
    bool isAlias = name[0] == '#' || name[0] == '!';
    // Unary minus and sums of affine expressions nest without brackets.
    if (name == "affine_map" || name == "affine_set")
      problem = "has an " + name.str() + ", which no model has";
    if (isLineStart &&
        llvm::StringSwitch<bool>(name).Cases({"module", "builtin.module", "func", "func.func"}, true).Default(false))
      definition = nullptr;
    if (!isAlias)
      return;
    StringRef rest = text.substr(at).ltrim(" \t\r\n");
    if (depth == 0 && rest.starts_with("=")) {
      definition = &aliases.try_emplace(name).first->second;
      return;
    }
    auto found = aliases.find(name);
    if (found == aliases.end() || &found->second == definition)
      return;
    note(depth + found->second.depth);
    if (definition)
      definition->members = std::min(definition->members + found->second.members, maxMembers + 1);
    if (definition && definition->members > maxMembers)
      problem = ("stands for more than " + Twine(maxMembers) + " attributes by its aliases: no model does").str();
  }

  StringRef text;
  size_t at = 0;
  int64_t depth = 0;
  Extent *definition = nullptr; ///< of the alias whose definition this is
  llvm::StringMap<Extent> aliases;
  std::string problem;
};

} // namespace

std::string checkText(StringRef text) {
  // MLIR would read its binary form, too.
  if (text.starts_with("ML\xefR"))
    return "is bytecode, which is not read: write it as text";
  // A terminal obeys them, and diagnostics repeat the lines that they speak of.
  auto isControl = [](char c) { return (static_cast<unsigned char>(c) < ' ' && !llvm::isSpace(c)) || c == '\x7f'; };
  if (const char *control = llvm::find_if(text, isControl); control != text.end())
    return ("holds the control character 0x" + Twine(llvm::utohexstr(static_cast<unsigned char>(*control), true)) +
            ", which IR never does (strings have it as an escape): it is another kind of file")
        .str();
  return Scanner(text).run();
}

} // namespace sinter::nn
