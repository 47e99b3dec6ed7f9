// The protocol: lines of a header, an empty line, and as many bytes of JSON as the header says
// (microsoft.github.io/language-server-protocol). The server asks for whole texts, so each message has all that will be
// parsed.
#include "tools/LspInput.h"

#include "ir/TextCheck.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdio>
#include <string>
#include <thread>
#include <unistd.h>

namespace sinter {
namespace {

constexpr int64_t maxBytes = int64_t(1) << 30;
constexpr int maxDepth = 64;

/// The next message; false at the end, or for what is none.
bool readMessage(FILE *in, std::string &body) {
  int64_t length = -1;
  char line[256];
  while (std::fgets(line, sizeof line, in)) {
    llvm::StringRef text = llvm::StringRef(line).rtrim("\r\n");
    if (text.empty()) {
      if (length < 0 || length > maxBytes)
        return false;
      body.resize(static_cast<size_t>(length));
      return std::fread(body.data(), 1, body.size(), in) == body.size();
    }
    if (text.consume_front("Content-Length:") && text.trim().getAsInteger(10, length))
      return false;
  }
  return false;
}

/// LLVM's JSON parser descends into every bracket.
bool isShallow(llvm::StringRef json) {
  int depth = 0;
  bool inString = false;
  for (size_t i = 0; i < json.size(); ++i) {
    char c = json[i];
    if (inString) {
      i += c == '\\';
      inString = c != '"';
    } else if (c == '"') {
      inString = true;
    } else if (c == '{' || c == '[') {
      if (++depth > maxDepth)
        return false;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return true;
}

/// Replaces a text that cannot be parsed by an operation whose name is the reason, for the server says of such that it
/// is not known.
void check(llvm::json::Object *holder) {
  std::optional<llvm::StringRef> text = holder ? holder->getString("text") : std::nullopt;
  std::string problem = text ? nn::checkText(*text) : "";
  if (!problem.empty()) {
    std::string line = "\"nn.this file ";
    llvm::raw_string_ostream out(line);
    llvm::printEscapedString(problem, out);
    out << "\"() : () -> ()\n";
    (*holder)["text"] = line;
  }
}

void checkTexts(std::string &body) {
  llvm::Expected<llvm::json::Value> message = llvm::json::parse(body);
  if (!message)
    return llvm::consumeError(message.takeError()); // the server's to answer
  llvm::json::Object *object = message->getAsObject(), *parameters = object ? object->getObject("params") : nullptr;
  if (!parameters)
    return;
  check(parameters->getObject("textDocument"));
  if (llvm::json::Array *changes = parameters->getArray("contentChanges"))
    for (llvm::json::Value &change : *changes)
      check(change.getAsObject());
  body.clear();
  llvm::raw_string_ostream(body) << *message;
}

void forward(FILE *in, FILE *out) {
  for (std::string body; readMessage(in, body) && isShallow(body);) {
    checkTexts(body);
    std::fprintf(out, "Content-Length: %zu\r\n\r\n", body.size());
    std::fwrite(body.data(), 1, body.size(), out);
    std::fflush(out);
  }
  std::fclose(out);
}

} // namespace

bool checkStandardInput() {
  int ends[2];
  int given = ::dup(STDIN_FILENO);
  if (given < 0 || ::pipe(ends) != 0 || ::dup2(ends[0], STDIN_FILENO) < 0)
    return false;
  ::close(ends[0]);
  FILE *in = ::fdopen(given, "r"), *out = ::fdopen(ends[1], "w");
  if (!in || !out)
    return false;
  std::thread(forward, in, out).detach();
  return true;
}

} // namespace sinter
