// Tables for people: columns as wide as their cells, names that fit, colours where they are wanted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// Terminal colours, as numbers of ANSI escapes.
enum class Colour { None = 0, Red = 31, Green = 32, Yellow = 33 };

/// At most `longest` characters, `longest` being 4 or more: the middle of a long name, which tells least,
/// becomes "..". Control characters become '?'. `name` is UTF-8, of which no character is cut in two.
std::string shortened(std::string_view name, size_t longest);

class TextTable {
public:
  struct Column {
    Column(const char *head, bool right = false) : head(head), right(right) {}
    std::string head;
    bool right; ///< numbers end at the same place; text begins there
  };
  struct Cell {
    Cell(std::string text, Colour colour = Colour::None) : text(std::move(text)), colour(colour) {}
    Cell(const char *text) : text(text) {}
    std::string text;
    Colour colour = Colour::None;
  };

  /// Without `colour` the cells' colours are ignored.
  TextTable(std::vector<Column> columns, bool colour);

  /// One cell per column.
  void add(std::vector<Cell> cells);
  /// Indented by two, with the head, without blanks at the ends of lines.
  std::string text() const;

private:
  const bool colour_;
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

} // namespace sinter
