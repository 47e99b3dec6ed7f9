// A size is good if shape inference takes it: nothing else is known before a model is compiled.
#include "compiler/AssumedSizes.h"
#include "compiler/LowerToKernels.h"
#include "compiler/ModelSource.h"
#include "compiler/Symbols.h"
#include <algorithm>

namespace sinter {

using codegen::LoadedModel;
using codegen::ModelSource;

/// Sizes to try for open dimensions but a first one, which is most often a batch: sizes that networks do not shrink to
/// nothing and that their strides divide.
static constexpr int64_t assumedSizes[] = {224, 32, 640, 8, 1};

static int64_t sizeOf(const Symbol &symbol, const CompileOptions &options, int64_t size) {
  if (auto given = options.dims.find(symbol.name); given != options.dims.end())
    return given->second;
  int64_t wanted = symbol.places.front().axis == 0 ? 1 : size;
  auto range = options.dimRanges.find(symbol.name);
  return range == options.dimRanges.end() ? wanted : range->second.nearest(wanted);
}

static std::map<std::string, Shape> shapesWithSize(const ModelInterface &interface, const CompileOptions &options,
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

std::optional<CompileOptions> withAssumedSizes(const ModelInterface &interface, const CompileOptions &options,
                                               const std::function<bool(const CompileOptions &)> &isGood) {
  if (std::ranges::none_of(symbolsOf(interface), [&](const Symbol &symbol) { return isOpen(symbol, options); }))
    return std::nullopt;
  for (int64_t size : assumedSizes) {
    CompileOptions assumed = options;
    assumed.dims.clear();
    assumed.shapes = shapesWithSize(interface, options, size);
    if (assumed.shapes == options.shapes)
      return std::nullopt;
    if (isGood(assumed))
      return assumed;
  }
  return std::nullopt;
}

Expected<std::map<std::string, Shape>> assumeSizes(const std::string &path, CompileOptions &options) {
  Expected<ModelSource> source = ModelSource::open(path, options);
  if (!source)
    return source.failure();
  std::optional<CompileOptions> assumed = withAssumedSizes(source->interface(), options, [&](CompileOptions tried) {
    tried.warn = nullptr; // whoever compiles the model is told
    Expected<LoadedModel> model = source->load(tried);
    return model && codegen::specialiseShapes(*model, tried).ok();
  });
  if (!assumed)
    return std::map<std::string, Shape>();
  std::map<std::string, Shape> added = assumed->shapes;
  std::erase_if(added, [&](const auto &entry) { return options.shapes.contains(entry.first); });
  options.shapes = std::move(assumed->shapes);
  return added;
}

} // namespace sinter
