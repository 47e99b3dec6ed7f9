// Widths are counted in UTF-8 characters; the first row is the head, and cells are padded when the text is made.
#include "tools/sinter/TextTable.h"

#include "tools/sinter/Print.h"

#include <algorithm>
#include <fmt/format.h>

namespace sinter {
namespace {

/// Whether the byte is not the first one of a UTF-8 character.
bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// In characters.
size_t widthOf(std::string_view text) {
  return text.size() - static_cast<size_t>(std::count_if(text.begin(), text.end(), continues));
}

/// Where the character number `index` begins.
size_t byteOf(std::string_view text, size_t index) {
  size_t at = 0;
  for (; at < text.size(); ++at)
    if (!continues(text[at]) && index-- == 0)
      break;
  return at;
}

} // namespace

std::string shortened(std::string_view name, size_t longest) {
  std::string text(name);
  for (char &c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  size_t width = widthOf(text);
  if (width <= longest)
    return text;
  size_t tail = (longest - 2) / 2, head = longest - 2 - tail;
  return text.substr(0, byteOf(text, head)) + ".." + text.substr(byteOf(text, width - tail));
}

TextTable::TextTable(std::vector<Column> columns, bool colour) : colour_(colour), columns_(std::move(columns)) {
  std::vector<Cell> head;
  for (const Column &column : columns_)
    head.emplace_back(column.head);
  rows_.push_back(std::move(head));
}

void TextTable::add(std::vector<Cell> cells) {
  for (Cell &cell : cells)
    cell.text = printable(cell.text, /*isText=*/false);
  rows_.push_back(std::move(cells));
}

std::string TextTable::text() const {
  std::vector<size_t> widths(columns_.size());
  for (const auto &cells : rows_)
    for (size_t i = 0; i < cells.size(); ++i)
      widths[i] = std::max(widths[i], widthOf(cells[i].text));
  std::string text;
  for (const auto &cells : rows_) {
    for (size_t i = 0; i < cells.size(); ++i) {
      const auto &[cell, colour] = cells[i];
      bool paints = colour_ && colour != Colour::None;
      std::string blanks(widths[i] - widthOf(cell), ' ');
      std::string painted = paints ? fmt::format("\x1b[{}m{}\x1b[0m", static_cast<int>(colour), cell) : cell;
      text += "  " + (columns_[i].right ? blanks + painted : painted + blanks);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text;
}

} // namespace sinter
