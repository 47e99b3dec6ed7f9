// Models in the benchmarks: sessions of Sinter's runtime behind C functions, and a run that times each kernel
// by standing between the model and its callbacks.
#include "benchmarks/host/Host.h"

#include "runtime/Model.h"
#include "runtime/ParallelFor.h"
#include "runtime/PeakFlops.h"
#include "runtime/onednn/OneDnn.h"

#include <chrono>

using namespace sinter;
using Clock = std::chrono::steady_clock;

struct SinterBenchmark {
  std::shared_ptr<Model> model;
  std::unique_ptr<Session> session;
  std::vector<Tensor> inputs, outputs;
  // Only profiling needs these: a session keeps its own to itself.
  Tensor arena;
  std::unique_ptr<Fallback> fallback;
};

namespace {

std::string lastError;

template <typename T> T failed(std::string message, T result) {
  lastError = std::move(message);
  return result;
}

/// The context of the callbacks of a profiled run.
struct Profile {
  SinterBenchmark &benchmark;
  double *seconds;

  template <typename Call> int32_t time(int32_t kernel, Call call) {
    Clock::time_point start = Clock::now();
    int32_t code = call();
    seconds[kernel] += std::chrono::duration<double>(Clock::now() - start).count();
    return code;
  }
};

int32_t timeParallelFor(void *context, int32_t kernel, SinterKernelFn fn, void *const *buffers, int64_t total,
                        int64_t grain) {
  auto *profile = static_cast<Profile *>(context);
  return profile->time(kernel, [&] {
    parallelFor(fn, buffers, total, grain, profile->benchmark.session->threads());
    return 0;
  });
}

int32_t timeFallback(void *context, int32_t kernel, void *const *buffers) {
  auto *profile = static_cast<Profile *>(context);
  return profile->time(kernel, [&] { return profile->benchmark.fallback->call(kernel, buffers); });
}

/// Allocates what a profiled run needs, once.
Status prepareProfile(SinterBenchmark &benchmark) {
  if (benchmark.arena.data())
    return {};
  std::optional<Tensor> arena = Tensor::allocate(DType::U8, {benchmark.model->abi().arenaBytes + 1});
  if (!arena)
    return {ErrorCode::OutOfMemory, "not enough memory for a second arena"};
  bool needsFallback = false;
  for (const SinterKernelInfo &kernel : benchmark.model->kernels())
    needsFallback |= kernel.fallback != nullptr;
  if (needsFallback) {
    auto fallback = onednn::createFallback(benchmark.model->abi(), benchmark.session->threads());
    if (!fallback)
      return fallback.failure();
    benchmark.fallback = std::move(*fallback);
  }
  benchmark.arena = std::move(*arena);
  return {};
}

} // namespace

const char *sinterBenchmarkError() { return lastError.c_str(); }

SinterBenchmark *sinterBenchmarkLoad(const char *path, int32_t threads) {
  onednn::registerFallback();
  auto benchmark = std::make_unique<SinterBenchmark>();
  auto model = Model::load(path);
  if (!model)
    return failed<SinterBenchmark *>(model.failure().message, nullptr);
  benchmark->model = *model;
  auto session = Session::create(*model, threads);
  if (!session)
    return failed<SinterBenchmark *>(session.failure().message, nullptr);
  benchmark->session = std::move(*session);
  auto outputs = benchmark->session->makeOutputs();
  if (!outputs)
    return failed<SinterBenchmark *>(outputs.failure().message, nullptr);
  benchmark->outputs = std::move(*outputs);
  return benchmark.release();
}

void sinterBenchmarkFree(SinterBenchmark *model) { delete model; }

int32_t sinterBenchmarkBind(SinterBenchmark *model, void *data, int64_t count) {
  auto infos = model->model->inputs();
  if (infos.size() != 1 || typeOf(infos[0]) != DType::F32 || elementCount(shapeOf(infos[0])) != count)
    return failed("the model's input is not one f32 tensor of the size given", 1);
  model->inputs = {Tensor::view(DType::F32, shapeOf(infos[0]), data)};
  return 0;
}

const float *sinterBenchmarkOutput(SinterBenchmark *model, int32_t index, int64_t *count) {
  if (index < 0 || static_cast<size_t>(index) >= model->outputs.size() ||
      model->outputs[static_cast<size_t>(index)].type() != DType::F32)
    return failed<const float *>("the model has no such f32 output", nullptr);
  Tensor &output = model->outputs[static_cast<size_t>(index)];
  *count = output.size();
  return output.as<float>().data();
}

int32_t sinterBenchmarkRun(SinterBenchmark *model) {
  Status status = model->session->run(model->inputs, model->outputs);
  return status.ok() ? 0 : failed(status.message(), 1);
}

int32_t sinterBenchmarkProfile(SinterBenchmark *model, double *seconds) {
  if (Status status = prepareProfile(*model); !status.ok())
    return failed(status.message(), 1);
  std::vector<const void *> inputs;
  for (const Tensor &tensor : model->inputs)
    inputs.push_back(tensor.data());
  std::vector<void *> outputs;
  for (Tensor &tensor : model->outputs)
    outputs.push_back(tensor.data());
  Profile profile{*model, seconds};
  SinterCallbacks callbacks{&profile, timeParallelFor, model->fallback ? timeFallback : nullptr};
  const SinterModel &abi = model->model->abi();
  FlushSubnormals mode(abi.flags & 1);
  if (int32_t code = abi.run(&callbacks, model->arena.data(), inputs.data(), outputs.data()))
    return failed("the model failed with error code " + std::to_string(code), code);
  return 0;
}

int32_t sinterBenchmarkKernels(const SinterBenchmark *model) { return model->model->abi().kernelCount; }

const char *sinterBenchmarkKernelOps(const SinterBenchmark *model, int32_t kernel) {
  return model->model->abi().kernels[kernel].ops;
}

double sinterBenchmarkKernelFlops(const SinterBenchmark *model, int32_t kernel) {
  return model->model->abi().kernels[kernel].flops;
}

double sinterBenchmarkPeak(int32_t threads) { return measurePeakGflops(threads); }
