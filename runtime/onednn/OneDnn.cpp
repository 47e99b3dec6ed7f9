// The fallback that runs kernels by oneDNN's primitives, and what becomes of oneDNN's exceptions.
#include "runtime/onednn/OneDnn.h"
#include "runtime/OptionMark.h"
#include "runtime/onednn/OpenMpTeam.h"
#include "runtime/onednn/Primitives.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace sinter::onednn {
namespace {

/// Runs `body`; what it throws becomes the failure of kernel `name`.
template <typename F> Status guarded(std::string_view name, F body) {
  std::string remedy = "compile with " + optionMark("backend", "llvm");
  try {
    body();
    return {};
  } catch (const std::bad_alloc &) {
    return {ErrorCode::OutOfMemory, fmt::format("kernel '{}': not enough memory for oneDNN", name)};
  } catch (const dnnl::error &error) {
    if (error.status == dnnl_out_of_memory)
      return {ErrorCode::OutOfMemory, fmt::format("kernel '{}': not enough memory for oneDNN", name)};
    return {ErrorCode::Unsupported, fmt::format("kernel '{}': oneDNN refuses it ({}); {}", name, error.what(), remedy)};
  } catch (const std::exception &error) {
    return {ErrorCode::Internal, fmt::format("kernel '{}': oneDNN failed ({}); {}", name, error.what(), remedy)};
  }
}

class OneDnnFallback : public Fallback {
public:
  static Expected<std::unique_ptr<Fallback>> create(const SinterModel &model, int threads) {
    std::unique_ptr<OneDnnFallback> fallback(new OneDnnFallback(threads));
    ThreadCount scope(threads);
    for (int32_t k = 0; k < model.kernelCount; ++k) {
      const SinterKernelInfo &info = model.kernels[k];
      if (Status status = info.fallback ? fallback->add(k, info) : Status(); !status.ok())
        return status.failure();
    }
    Status status = guarded("all", [&] { fallback->allocateScratchpad(); });
    if (!status.ok())
      return status.failure();
    return std::unique_ptr<Fallback>(std::move(fallback));
  }

  int32_t call(int32_t kernel, void *const *buffers) override {
    auto found = kernels.find(kernel);
    if (found == kernels.end()) {
      error = fmt::format("kernel {} has no oneDNN primitive", kernel);
      return 1;
    }
    ThreadCount scope(threads);
    Entry &entry = found->second;
    Status status = guarded(entry.name, [&] {
      entry.kernel->run(stream, buffers, scratchpad.get_data_handle());
      stream.wait();
    });
    if (status.ok())
      return 0;
    error = status.message();
    return 1;
  }

  void parallelFor(SinterKernelFn fn, void *const *buffers, int64_t total, int64_t grain) override {
    onednn::parallelFor(fn, buffers, total, grain, threads);
  }

  void begin(bool flush) override { mode.emplace(flush, threads); }
  void end() override { mode.reset(); }

  std::string lastError() const override { return error; }

private:
  struct Entry {
    std::string name;
    std::unique_ptr<KernelPrimitives> kernel;
  };

  explicit OneDnnFallback(int threads) : threads(threads), engine(dnnl::engine::kind::cpu, 0), stream(engine) {}

  Status add(int32_t index, const SinterKernelInfo &info) {
    std::string name = info.name ? info.name : fmt::format("#{}", index);
    Expected<Description> description = parseDescription(info.fallback);
    if (!description)
      return {description.failure().code,
              fmt::format("kernel '{}': {}; recompile the model", name, description.failure().message)};
    return guarded(name, [&] { kernels[index] = {name, std::make_unique<KernelPrimitives>(*description, engine)}; });
  }

  void allocateScratchpad() {
    size_t bytes = 1;
    for (auto &[index, entry] : kernels)
      bytes = std::max(bytes, entry.kernel->scratchpadBytes());
    scratchpad = memory({{static_cast<int64_t>(bytes)}, memory::data_type::u8, memory::format_tag::a}, engine);
  }

  int threads;
  dnnl::engine engine;
  dnnl::stream stream;
  std::unordered_map<int32_t, Entry> kernels;
  memory scratchpad;
  std::optional<FlushTeam> mode;
  std::string error;
};

} // namespace

Expected<std::unique_ptr<Fallback>> createFallback(const SinterModel &model, int threads) {
  Expected<std::unique_ptr<Fallback>> fallback = Failure{};
  Status status = guarded("all", [&] { fallback = OneDnnFallback::create(model, threads); });
  if (!status.ok())
    return status.failure();
  return fallback;
}

void registerFallback() { setFallbackFactory(createFallback); }

Status check(const Description &description) {
  return guarded("", [&] { KernelPrimitives(description, dnnl::engine(dnnl::engine::kind::cpu, 0)); });
}

} // namespace sinter::onednn
