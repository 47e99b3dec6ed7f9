// Walks over UTF-8 characters and escapes control characters and invalid bytes; only our own colours pass.
#include "tools/sinter/Print.h"
#include "tools/sinter/Commands.h"

namespace sinter {

/// The bytes of the UTF-8 character at the beginning of `text`; 0 where there is none.
static size_t characterLength(std::string_view text) {
  auto lead = static_cast<unsigned char>(text[0]);
  size_t length = lead < 0x80                   ? 1
                  : lead >= 0xc2 && lead < 0xe0 ? 2
                  : (lead & 0xf0) == 0xe0       ? 3
                  : lead >= 0xf0 && lead < 0xf5 ? 4
                                                : 0;
  if (length > text.size())
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80)
      return 0;
  return length;
}

std::string printable(std::string_view text, bool isText) {
  std::string out;
  while (!text.empty()) {
    size_t length = characterLength(text), taken = length ? length : 1;
    auto first = static_cast<unsigned char>(text[0]);
    bool isLayout = isText && (first == '\n' || first == '\t');
    bool isControl =
        first < 0x20 || first == 0x7f || (length == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0);
    if (isText && first == 0x1b)
      for (std::string_view colour : {"\x1b[0m", "\x1b[31m", "\x1b[32m", "\x1b[33m"})
        if (text.starts_with(colour)) {
          isLayout = true;
          taken = colour.size();
        }
    if (isLayout || (length && !isControl))
      out += text.substr(0, taken);
    else
      for (char c : text.substr(0, taken))
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    text.remove_prefix(taken);
  }
  return out;
}

int report(const Failure &failure) {
  sinter::print(stderr, "sinter: error: {}\n", failure.message);
  return 1;
}

} // namespace sinter
