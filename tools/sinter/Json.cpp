// Compiled without RTTI, as LLVM is, since it instantiates one of its streams.
#include "tools/sinter/Json.h"

#include <cmath>
#include <llvm/Support/Format.h>
#include <llvm/Support/FormatVariadic.h>
#include <llvm/Support/raw_ostream.h>

namespace sinter {

/// JSON lets DEL and C1 stand for themselves in strings; a terminal obeys them.
static std::string withoutControls(const std::string &json) {
  std::string text;
  for (size_t i = 0; i < json.size(); ++i) {
    auto c = static_cast<unsigned char>(json[i]),
         next = static_cast<unsigned char>(i + 1 < json.size() ? json[i + 1] : 0);
    bool isC1 = c == 0xc2 && next >= 0x80 && next < 0xa0;
    if (c == 0x7f || isC1)
      text += llvm::formatv("\\u{0}", llvm::format_hex_no_prefix(isC1 ? next : c, 4)).str();
    else
      text += json[i];
    i += isC1;
  }
  return text;
}

std::string printJson(const llvm::json::Value &value) { return withoutControls(llvm::formatv("{0:2}", value).str()); }

std::string printJsonLine(const llvm::json::Value &value) { return withoutControls(llvm::formatv("{0}", value).str()); }

llvm::json::Value finiteOrNull(double value) {
  return std::isfinite(value) ? llvm::json::Value(value) : llvm::json::Value(nullptr);
}

} // namespace sinter
