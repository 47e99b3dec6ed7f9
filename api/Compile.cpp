// Compiling, saving and explaining: the part of the C interface that needs the compiler.
#include "api/Errors.h"
#include "api/Isolate.h"
#include "api/OptionsHandle.h"
#include "api/Specialise.h"
#include "compiler/Explain.h"
#include "runtime/OptionMark.h"
#include "runtime/onednn/OneDnn.h"

#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <set>

using namespace sinter;
using namespace sinter::api;

namespace {

/// One compilation's options, and whether its caller called it off.
class Compilation {
public:
  explicit Compilation(const sinter_options_t *given) {
    if (!given)
      return;
    options = given->compile;
    if (given->warning)
      options.warn = options.tune.warn = [this, given](const std::string &text) {
        std::string message = expandOptionMarks(text, optionInC);
        if (told.insert(message).second)
          given->warning(given->warningContext, message.c_str());
      };
    if (given->progress)
      options.progress = [this, given](const char *stage, double fraction) {
        last = std::max(last, fraction);
        cancelled = cancelled || given->progress(given->progressContext, stage, last) != 0;
        return !cancelled;
      };
  }
  Compilation(const Compilation &) = delete;
  Compilation &operator=(const Compilation &) = delete;

  /// The error that the caller gets when a step failed.
  sinter_error_t *failed(const Failure &failure) const {
    return cancelled ? error(SINTER_CANCELLED, failure.message) : error(failure);
  }
  /// After the last step.
  sinter_error_t *finish() {
    if (options.progress)
      options.progress("link", 1);
    return nullptr;
  }

  CompileOptions options;

private:
  double last = 0;
  bool cancelled = false;
  std::set<std::string> told; ///< a model that is compiled for several shapes is warned of once
};

/// Rejects options that a model in this process cannot have.
sinter_error_t *checkInProcess(const sinter_options_t *options) {
  if (options && options->compile.standalone)
    return error(SINTER_INVALID_ARGUMENT, fmt::format("{} makes an object, which sinter_compile_to_file writes",
                                                      optionMark("standalone", "true")));
  return nullptr;
}

sinter_error_t *finishOpen(Compilation &compilation, std::unique_ptr<ShapeCache> cache, sinter_model_t **model) {
  Expected<std::string> target = describeTarget(compilation.options);
  if (!target)
    return error(target.failure());
  for (const ShapeSet &shapes : compilation.options.shapeSets)
    if (Expected<std::shared_ptr<const sinter::Model>> ahead = cache->modelForShapes(shapes); !ahead)
      return compilation.failed(ahead.failure());
  if (sinter_error_t *failed = handOutOpen(std::move(cache), *target, model))
    return failed;
  return compilation.finish();
}

sinter_error_t *compile(const std::string &path, std::span<const std::byte> content, const sinter_options_t *options,
                        sinter_model_t **model) {
  return guarded([&]() -> sinter_error_t * {
    if (sinter_error_t *invalid = checkInProcess(options))
      return invalid;
    if (options && options->isolate && content.data())
      return isolateCompile({"content", path, path.ends_with(".mlir") ? SINTER_MLIR : SINTER_ONNX, content, "", ""},
                            *options, model);
    if (options && options->isolate)
      return isolateCompile({"file", path, 0, {}, "", ""}, *options, model);
    Compilation compilation(options);
    compilation.options.content = content;
    std::shared_ptr<CompiledModel> compiled;
    if (options && options->open == OpenModels::Never) {
      Expected<std::shared_ptr<CompiledModel>> made = compileInProcess(path, compilation.options);
      if (!made)
        return compilation.failed(made.failure());
      compiled = std::move(*made);
    } else {
      ShapeCacheOptions cacheOptions{compilation.options};
      cacheOptions.shapeCache = options ? options->shapeCache : defaultShapeCache;
      bool always = options && options->open == OpenModels::Always;
      Expected<std::unique_ptr<ShapeCache>> cache = ShapeCache::openOrCompile(path, cacheOptions, always, compiled);
      if (!cache)
        return compilation.failed(cache.failure());
      if (*cache)
        return finishOpen(compilation, std::move(*cache), model);
    }
    if (!compilation.options.shapeSets.empty())
      return error(
          SINTER_INVALID_ARGUMENT,
          fmt::format("{} is for models that are compiled for the shapes of their runs, which this one is not: "
                      "leave it out, or give one shape",
                      optionMark("shapes")));
    if (sinter_error_t *failed = handOutCompiled(std::move(compiled), model))
      return failed;
    return compilation.finish();
  });
}

struct Emission {
  std::string_view name;
  Emit kind;
};
constexpr Emission emissions[] = {
    {"so", Emit::So}, {"obj", Emit::Obj}, {"llvm", Emit::Llvm}, {"asm", Emit::Asm}, {"mlir", Emit::Mlir}};

} // namespace

sinter_error_t *sinter_compile(const char *path, const sinter_options_t *options, sinter_model_t **model) {
  if (!path || !model)
    return nullArgument(path ? "model" : "path");
  return compile(path, {}, options, model);
}

sinter_error_t *sinter_compile_memory(const void *data, size_t bytes, int32_t format, const char *name,
                                      const sinter_options_t *options, sinter_model_t **model) {
  if (!data || !model)
    return nullArgument(data ? "model" : "data");
  if (format != SINTER_ONNX && format != SINTER_MLIR)
    return sinter_error_create(SINTER_INVALID_ARGUMENT, "the format must be SINTER_ONNX or SINTER_MLIR");
  return guarded([&] {
    // The compiler tells formats by the ending.
    std::string path = name ? name : "model";
    std::string_view ending = format == SINTER_MLIR ? ".mlir" : ".onnx";
    if (!path.ends_with(ending))
      path += ending;
    return compile(path, {static_cast<const std::byte *>(data), bytes}, options, model);
  });
}

sinter_error_t *sinter_compile_to_file(const char *path, const char *output, const char *emit,
                                       const sinter_options_t *options) {
  if (!path || !output)
    return nullArgument(path ? "output" : "path");
  return guarded([&]() -> sinter_error_t * {
    for (const Emission &emission : emissions) {
      if (emission.name != (emit ? emit : "so"))
        continue;
      if (options && options->isolate)
        return isolate({"file", path, 0, {}, output, std::string(emission.name)}, *options);
      Compilation compilation(options);
      Status status = compileToFile(path, output, emission.kind, compilation.options);
      return status.ok() ? compilation.finish() : compilation.failed(status.failure());
    }
    return error(SINTER_INVALID_ARGUMENT, fmt::format("emit must be so, obj, llvm, asm or mlir, not '{}'", emit));
  });
}

sinter_error_t *sinter_model_save(const sinter_model_t *model, const char *path) {
  if (!model || !path)
    return nullArgument(model ? "path" : "model");
  return guarded([&]() -> sinter_error_t * {
    if (sinter_model_is_open(model))
      return error(SINTER_UNSUPPORTED,
                   "an open model has no code: save what sinter_model_specialise gives for a shape");
    const CompiledModel *compiled = compiledOf(model);
    if (!compiled)
      return error(SINTER_UNSUPPORTED,
                   "only a model that was compiled in this process can be saved: copy the file it was loaded from");
    return error(compiled->save(path));
  });
}

sinter_error_t *sinter_explain(const char *path, const sinter_options_t *options, char **json) {
  if (!path || !json)
    return nullArgument(path ? "json" : "path");
  return guarded([&]() -> sinter_error_t * {
    std::string explanation;
    if (options && options->isolate) {
      if (sinter_error_t *failed = isolate({"explain", path, 0, {}, "", ""}, *options, &explanation))
        return failed;
    } else {
      Compilation compilation(options);
      Expected<std::string> text = explainModel(path, compilation.options);
      if (!text)
        return compilation.failed(text.failure());
      explanation = std::move(*text);
    }
    char *copy = strdup(explanation.c_str());
    if (!copy)
      return error(SINTER_OUT_OF_MEMORY, "not enough memory for the explanation");
    *json = copy;
    return nullptr;
  });
}

void sinter_string_free(char *text) { std::free(text); }
