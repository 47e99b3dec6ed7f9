// Models in the benchmarks: sessions of Sinter's runtime behind C functions.
#include "benchmarks/host/Host.h"

#include "runtime/Model.h"
#include "runtime/PeakFlops.h"
#include "runtime/StreamBandwidth.h"
#include "runtime/onednn/OneDnn.h"

#include <chrono>

using namespace sinter;

struct SinterBenchmark {
  std::shared_ptr<Model> model;
  std::unique_ptr<Session> session;
  std::vector<Tensor> inputs, outputs;
};

namespace {

std::string lastError;

template <typename T> T failed(std::string message, T result) {
  lastError = std::move(message);
  return result;
}

struct KernelTimes : RunObserver {
  explicit KernelTimes(double *seconds) : seconds(seconds) {}
  void ran(int32_t kernel, TimePoint begin, TimePoint end) override {
    seconds[kernel] += std::chrono::duration<double>(end - begin).count();
  }
  double *seconds;
};

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

int32_t sinterBenchmarkBind(SinterBenchmark *model, void *data, int64_t bytes) {
  auto infos = model->model->inputs();
  Tensor input = infos.size() == 1 ? Tensor::view(typeOf(infos[0]), shapeOf(infos[0]), data) : Tensor();
  if (infos.size() != 1 || static_cast<int64_t>(input.bytes()) != bytes)
    return failed("the model's input is not one tensor of the size given", 1);
  model->inputs = {input};
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

static int32_t run(SinterBenchmark &model, RunObserver *observer) {
  Status status = model.session->run(model.inputs, model.outputs, observer);
  return status.ok() ? 0 : failed(status.message(), 1);
}

int32_t sinterBenchmarkRun(SinterBenchmark *model) { return run(*model, nullptr); }

int32_t sinterBenchmarkProfile(SinterBenchmark *model, double *seconds) {
  KernelTimes times(seconds);
  return run(*model, &times);
}

int32_t sinterBenchmarkKernels(const SinterBenchmark *model) { return model->model->abi().kernelCount; }

const char *sinterBenchmarkKernelName(const SinterBenchmark *model, int32_t kernel) {
  return model->model->abi().kernels[kernel].name;
}

const char *sinterBenchmarkKernelOps(const SinterBenchmark *model, int32_t kernel) {
  return model->model->abi().kernels[kernel].ops;
}

double sinterBenchmarkKernelFlops(const SinterBenchmark *model, int32_t kernel) {
  return model->model->abi().kernels[kernel].flops;
}

double sinterBenchmarkPeak(int32_t threads) { return measurePeakGflops(threads); }

double sinterBenchmarkStream(int64_t readBytes, int64_t writeBytes, int32_t threads) {
  return measureStreamSeconds(readBytes, writeBytes, threads);
}
