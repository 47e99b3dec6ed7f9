// What is declared of symbols, and the sizes that inputs give them.
#include "compiler/Symbols.h"
#include "ir/OpenDimension.h"
#include "llvm/ADT/StringExtras.h"
#include <algorithm>

namespace sinter {

std::string symbolName(const InterfaceValue &input, size_t axis) {
  const std::string &name = input.dimNames[axis];
  return name.empty() ? nn::nameOfDimension(input.name, axis) : name;
}

std::vector<Symbol> symbolsOf(const ModelInterface &interface) {
  std::vector<Symbol> symbols;
  for (const InterfaceValue &input : interface.inputs) {
    if (!input.shape)
      continue;
    for (size_t axis = 0; axis < input.shape->size(); ++axis) {
      if ((*input.shape)[axis] >= 0)
        continue;
      std::string name = symbolName(input, axis);
      auto symbol = std::ranges::find(symbols, name, &Symbol::name);
      if (symbol == symbols.end())
        symbol = symbols.insert(symbols.end(), {name, {}});
      symbol->places.push_back({&input, axis});
    }
  }
  return symbols;
}

static std::string listOf(const std::vector<Symbol> &symbols) {
  std::vector<std::string> names;
  for (const Symbol &symbol : symbols)
    names.push_back("'" + symbol.name + "'");
  return names.empty() ? "none" : llvm::join(names, ", ");
}

/// "dimension 2 of input 'x'".
static std::string describe(const Symbol::Place &place) {
  return "dimension " + std::to_string(place.axis) + " of input '" + place.input->name + "'";
}

static Status outside(const std::string &what, int64_t size, const std::string &name, const SizeRange &range) {
  return {ErrorCode::InvalidArgument, what + " has the size " + std::to_string(size) + ", which " +
                                          optionMark("dim", name + "=" + range.text()) +
                                          " does not allow: widen the range"};
}

static Status checkSizes(const Symbol &symbol, const SizeRange &range, const CompileOptions &options) {
  if (auto fixed = options.dims.find(symbol.name); fixed != options.dims.end() && !range.contains(fixed->second))
    return outside("'" + symbol.name + "'", fixed->second, symbol.name, range);
  const Symbol::Place *first = nullptr;
  int64_t firstSize = 0;
  for (const Symbol::Place &place : symbol.places) {
    auto given = options.shapes.find(place.input->name);
    // Shapes of another rank are for whoever sets them to refuse.
    if (given == options.shapes.end() || given->second.size() != place.input->shape->size())
      continue;
    int64_t size = given->second[place.axis];
    if (!range.contains(size))
      return outside(describe(place) + " ('" + symbol.name + "')", size, symbol.name, range);
    if (first && size != firstSize)
      return {ErrorCode::InvalidArgument, describe(*first) + " and " + describe(place) + " are both '" + symbol.name +
                                              "', and have the sizes " + std::to_string(firstSize) + " and " +
                                              std::to_string(size)};
    first = &place;
    firstSize = size;
  }
  return {};
}

bool isOpen(const Symbol &symbol, const CompileOptions &options) {
  return !options.dims.contains(symbol.name) && std::ranges::any_of(symbol.places, [&](const Symbol::Place &place) {
    return !options.shapes.contains(place.input->name);
  });
}

Status checkSizesOfFile(const ModelInterface &interface, const CompileOptions &options) {
  for (const Symbol &symbol : symbolsOf(interface))
    if (auto range = options.dimRanges.find(symbol.name); range != options.dimRanges.end() && isOpen(symbol, options))
      return {ErrorCode::Unsupported,
              "a compiled file holds one size of '" + symbol.name + "' as yet, no range: give it, " +
                  optionMark("dim", symbol.name + "=" + std::to_string(range->second.lo)) + ", or several, " +
                  optionMark("shapes", symbol.name + "=" + std::to_string(range->second.lo)) +
                  ", or run the model without compiling it to a file"};
  return {};
}

Status checkDeclaredSizes(const ModelInterface &interface, const CompileOptions &options) {
  if (options.dimRanges.empty())
    return {};
  std::vector<Symbol> symbols = symbolsOf(interface);
  for (const auto &[name, range] : options.dimRanges) {
    auto symbol = std::ranges::find(symbols, name, &Symbol::name);
    if (symbol == symbols.end())
      return {ErrorCode::InvalidArgument, optionMark("dim") + " names '" + name +
                                              "', which is no dimension that the model leaves open: it has " +
                                              listOf(symbols)};
    if (Status status = checkSizes(*symbol, range, options); !status.ok())
      return status;
  }
  return {};
}

} // namespace sinter
