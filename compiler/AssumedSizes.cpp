// A size is good if shape inference takes it: nothing else is known before a model is compiled.
#include "compiler/AssumedSizes.h"
#include "compiler/LowerToKernels.h"
#include "compiler/ModelSource.h"
#include "compiler/Symbols.h"
#include <algorithm>

namespace sinter {

using codegen::LoadedModel;
using codegen::ModelSource;

static int64_t sizeOf(const Symbol &symbol, const CompileOptions &options, int64_t size) {
  if (auto given = options.dims.find(symbol.name); given != options.dims.end())
    return given->second;
  int64_t wanted = symbol.places.front().axis == 0 ? 1 : size;
  auto range = options.dimRanges.find(symbol.name);
  return range == options.dimRanges.end() ? wanted : range->second.nearest(wanted);
}

std::map<std::string, Shape> shapesWithSize(const ModelInterface &interface, const CompileOptions &options,
                                            int64_t size) {
  std::map<std::string, Shape> shapes = options.shapes;
  for (const Symbol &symbol : symbolsOf(interface))
    for (const Symbol::Place &place : symbol.places) {
      const InterfaceValue &input = *place.input;
      if (input.hasDefault || options.shapes.contains(input.name))
        continue;
      shapes.emplace(input.name, *input.shape).first->second[place.axis] = sizeOf(symbol, options, size);
    }
  return shapes;
}

Expected<std::map<std::string, Shape>> assumeSizes(const std::string &path, CompileOptions &options) {
  LoadedModel model;
  Expected<ModelSource> source = ModelSource::openAndLoad(path, options, model);
  if (!source)
    return source.failure();
  std::vector<Symbol> symbols = symbolsOf(source->interface());
  if (std::ranges::none_of(symbols, [&](const Symbol &symbol) { return isOpen(symbol, options); }))
    return std::map<std::string, Shape>();
  for (int64_t size : assumedSizes) {
    CompileOptions assumed = options;
    assumed.warn = nullptr;
    assumed.dims.clear();
    assumed.shapes = shapesWithSize(source->interface(), options, size);
    Expected<LoadedModel> tried = source->load(assumed);
    if (!tried || !codegen::specialiseShapes(*tried, assumed).ok())
      continue;
    std::map<std::string, Shape> added = assumed.shapes;
    std::erase_if(added, [&](const auto &entry) { return options.shapes.contains(entry.first); });
    options.shapes = std::move(assumed.shapes);
    return added;
  }
  return std::map<std::string, Shape>();
}

} // namespace sinter
