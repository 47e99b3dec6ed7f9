// The one place where the tool decides between compiling and loading.
#include "tools/sinter/OpenModel.h"

#include "compiler/AssumedSizes.h"
#include "runtime/Output.h"
#include "tools/sinter/Print.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sinter {

bool isCompiled(const std::string &path) { return path.ends_with(".so"); }

/// Loads or reads a compiled model by `open`; options of compiling other than `allowed` are an error.
static Expected<std::shared_ptr<Model>> loadModel(const std::string &path, const CommonOptions &options,
                                                  std::string_view allowed, decltype(Model::load) &open = Model::load) {
  std::vector<std::string> used = options.usedCompileOptions();
  std::erase(used, allowed);
  if (!used.empty())
    return Failure{ErrorCode::InvalidArgument,
                   fmt::format("'{}' is compiled already, so {} cannot change it: leave it out, or give the .onnx file",
                               path, fmt::join(used, ", "))};
  protectInput(path);
  return open(path, {.checkWeights = options.checkWeights});
}

Status checkWeightsOption(const std::string &path, const CommonOptions &options) {
  if (!options.checkWeights)
    return {};
  return {
      ErrorCode::InvalidArgument,
      fmt::format("'{}' is not compiled, so --check-weights has no checksum to compare: leave it out, or give a .so",
                  path)};
}

std::string shapesOf(const Model &model) {
  std::vector<std::string> parts;
  for (const SinterTensorInfo &info : model.inputs())
    parts.push_back(fmt::format("{}={}", info.name, toString(shapeOf(info))));
  return fmt::format("{}", fmt::join(parts, ","));
}

/// The variant that --shape chooses.
static Expected<std::shared_ptr<const Model>> chooseVariant(const std::string &path, const CommonOptions &options,
                                                            const Expected<std::shared_ptr<Model>> &loaded) {
  if (!loaded)
    return loaded.failure();
  if (options.compile.shapes.empty())
    return std::shared_ptr<const Model>(*loaded);
  std::vector<std::string> held;
  for (const std::shared_ptr<const Model> &variant : (*loaded)->variants()) {
    auto fits = [&](const auto &wanted) {
      return std::ranges::any_of(variant->inputs(), [&](const SinterTensorInfo &info) {
        return wanted.first == info.name && wanted.second == shapeOf(info);
      });
    };
    if (std::ranges::all_of(options.compile.shapes, fits))
      return variant;
    held.push_back(shapesOf(*variant));
  }
  return Failure{ErrorCode::InvalidArgument,
                 fmt::format("'{}' is compiled already, for {}: --shape can only choose one of these", path,
                             fmt::join(held, " and "))};
}

Expected<std::shared_ptr<const Model>> openModel(const std::string &path, const CommonOptions &options) {
  if (isCompiled(path))
    return chooseVariant(path, options, loadModel(path, options, "--shape"));
  if (Status status = checkWeightsOption(path, options); !status.ok())
    return status.failure();
  Expected<std::shared_ptr<Model>> compiled = compileModel(path, options.compile);
  if (!compiled)
    return compiled.failure();
  return std::shared_ptr<const Model>(*compiled);
}

Status assumeOpenSizes(const std::string &path, CommonOptions &options) {
  if (isCompiled(path) || !options.compile.shapeSets.empty())
    return {};
  Expected<std::map<std::string, Shape>> assumed = assumeSizes(path, options.compile);
  if (!assumed)
    return assumed.failure();
  std::vector<std::string> parts;
  for (const auto &[name, shape] : *assumed)
    parts.push_back(fmt::format("{}={}", name, toString(shape)));
  if (!parts.empty())
    sinter::print(stderr, "sinter: sizes that '{}' leaves open are assumed: {} (--shape and --dim give others)\n", path,
                  fmt::join(parts, ","));
  return {};
}

Expected<std::shared_ptr<const Model>> readCompiled(const std::string &path, const CommonOptions &options) {
  return chooseVariant(path, options, loadModel(path, options, "--shape", Model::read));
}

Expected<std::vector<std::shared_ptr<const Model>>> openVariants(const std::string &path,
                                                                 const CommonOptions &options) {
  if (options.compile.shapeSets.empty()) {
    Expected<std::shared_ptr<const Model>> model = openModel(path, options);
    if (!model)
      return model.failure();
    return (*model)->variants();
  }
  if (isCompiled(path))
    if (Expected<std::shared_ptr<Model>> refused = loadModel(path, options, ""); !refused)
      return refused.failure();
  Expected<std::unique_ptr<ShapeCache>> cache = openShapeCache(path, options);
  if (!cache)
    return cache.failure();
  std::vector<std::shared_ptr<const Model>> variants;
  for (const ShapeSet &shapes : options.compile.shapeSets) {
    Expected<std::shared_ptr<const Model>> model = (*cache)->modelForShapes(shapes);
    if (!model)
      return model.failure();
    variants.push_back(std::move(*model));
  }
  return variants;
}

Expected<std::unique_ptr<ShapeCache>> openShapeCache(const std::string &path, const CommonOptions &options) {
  if (Status status = checkWeightsOption(path, options); !status.ok())
    return status.failure();
  protectInput(path);
  return ShapeCache::open(path, {options.compile, options.threads, options.shapeCache});
}

Expected<std::unique_ptr<ShapeCache>> openWarmShapeCache(const std::string &path, const CommonOptions &options) {
  Expected<std::unique_ptr<ShapeCache>> cache = openShapeCache(path, options);
  for (const ShapeSet &shapes : cache ? options.compile.shapeSets : std::vector<ShapeSet>())
    if (Expected<std::shared_ptr<const Model>> model = (*cache)->modelForShapes(shapes); !model)
      return model.failure();
  return cache;
}

Expected<std::shared_ptr<Model>> compileModel(const std::string &path, const CompileOptions &options) {
  protectInput(path);
  Expected<std::shared_ptr<CompiledModel>> compiled = compileInProcess(path, options);
  if (!compiled)
    return compiled.failure();
  return Model::fromAbi((*compiled)->abi(), *compiled);
}

std::string describe(std::span<const SinterTensorInfo> tensors) {
  std::vector<std::string> parts;
  for (const SinterTensorInfo &info : tensors)
    parts.push_back(fmt::format("{} ({} {})", info.name, nameOf(typeOf(info)), toString(shapeOf(info))));
  return fmt::format("{}", fmt::join(parts, ", "));
}

} // namespace sinter
