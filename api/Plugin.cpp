// Opens the plug-in beside this library or on the search path, checks its version, and registers its factory, once.
#include "api/Plugin.h"
#include "runtime/OptionMark.h"

#include <algorithm>
#include <dlfcn.h>
#include <fmt/format.h>
#include <mutex>

namespace sinter::api {
namespace {

/// Beside this library, then where the system looks.
void *openPlugin() {
  Dl_info self;
  if (dladdr(reinterpret_cast<void *>(&provideFallback), &self) && self.dli_fname) {
    std::string path = self.dli_fname;
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1);
    if (void *handle = dlopen((path + SINTER_PLUGIN).c_str(), RTLD_NOW | RTLD_LOCAL))
      return handle;
  }
  return dlopen(SINTER_PLUGIN, RTLD_NOW | RTLD_LOCAL);
}

} // namespace

Status provideFallback(const Model &model) {
  if (std::ranges::none_of(model.kernels(), [](auto &kernel) { return kernel.fallback != nullptr; }))
    return {};
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  if (fallbackFactory())
    return {};
  void *handle = openPlugin();
  if (!handle) {
    const char *reason = dlerror();
    return {ErrorCode::Incompatible,
            fmt::format("the model has kernels that run in oneDNN, and {} cannot be opened ({}): install it, or "
                        "recompile with {}",
                        SINTER_PLUGIN, reason ? reason : "unknown error", optionMark("backend", "llvm"))};
  }
  // The library stays: its threads do.
  auto version = reinterpret_cast<const char *(*)()>(dlsym(handle, "sinter_onednn_version"));
  auto factory = reinterpret_cast<FallbackFactory (*)()>(dlsym(handle, "sinter_onednn_factory"));
  if (!version || !factory || std::string_view(version()) != SINTER_VERSION)
    return {ErrorCode::Incompatible,
            fmt::format("{} is of another version than this runtime, " SINTER_VERSION ": install them together",
                        SINTER_PLUGIN)};
  setFallbackFactory(factory());
  return {};
}

} // namespace sinter::api
