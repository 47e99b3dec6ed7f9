// sinter_session_t: one runner, or one for each of the shapes that an open model met last.
#include "api/Errors.h"
#include "api/ModelHandle.h"
#include "api/Runner.h"
#include "api/Specialised.h"
#include "runtime/ThreadCount.h"

#include <fmt/format.h>

using namespace sinter;
using namespace sinter::api;

struct sinter_session {
  RunnerSetup setup;
  size_t inputCount = 0, outputCount = 0;
  std::unique_ptr<Runner> runner;                  ///< of a compiled model
  std::unique_ptr<SpecialisedRunners> specialised; ///< of an open one
};

static sinter_error_t *readConfig(const sinter_session_config_t *config, RunnerSetup &setup) {
  if (!config)
    return nullptr;
  // A smaller struct would be from before the first version.
  if (config->struct_size < sizeof(sinter_session_config_t))
    return error(SINTER_INVALID_ARGUMENT, "set struct_size of the configuration to sizeof(sinter_session_config_t)");
  setup.threads = config->threads;
  if (!config->allocator)
    return nullptr;
  if (!config->allocator->allocate || !config->allocator->release)
    return error(SINTER_INVALID_ARGUMENT, "an allocator needs both functions, allocate and release");
  setup.allocator = *config->allocator;
  return nullptr;
}

sinter_error_t *sinter_session_create(const sinter_model_t *model, const sinter_session_config_t *config,
                                      sinter_session_t **session) {
  if (!model || !session)
    return nullArgument(model ? "session" : "model");
  return guarded([&]() -> sinter_error_t * {
    auto made = std::make_unique<sinter_session>();
    made->inputCount = model->inputs.size();
    made->outputCount = model->outputs.size();
    if (sinter_error_t *failed = readConfig(config, made->setup))
      return failed;
    Expected<int> threads = checkedThreadCount(made->setup.threads);
    if (!threads)
      return error(threads.failure());
    made->setup.threads = *threads;
    if (model->open)
      made->specialised = std::make_unique<SpecialisedRunners>(model->open, made->setup);
    else if (sinter_error_t *failed = Runner::create(model->model, made->setup, made->runner))
      return failed;
    *session = made.release();
    return nullptr;
  });
}

void sinter_session_free(sinter_session_t *session) { delete session; }
int32_t sinter_session_threads(const sinter_session_t *session) { return session ? session->setup.threads : 0; }

sinter_error_t *sinter_session_set_threads(sinter_session_t *session, int32_t threads) {
  if (!session)
    return nullArgument("session");
  return guarded([&]() -> sinter_error_t * {
    Expected<int> count = checkedThreadCount(threads);
    if (!count)
      return error(count.failure());
    if (session->specialised)
      session->specialised->setThreads(*count);
    else if (sinter_error_t *failed = session->runner->setThreads(*count))
      return failed;
    session->setup.threads = *count;
    return nullptr;
  });
}

sinter_error_t *sinter_session_run(sinter_session_t *session, const sinter_tensor_t *inputs, size_t input_count,
                                   sinter_tensor_t *outputs, size_t output_count) {
  if (!session || (!inputs && input_count > 0) || (!outputs && output_count > 0))
    return nullArgument(!session ? "session" : inputs || input_count == 0 ? "outputs" : "inputs");
  return guarded([&]() -> sinter_error_t * {
    if (input_count != session->inputCount || output_count != session->outputCount)
      return error(SINTER_INVALID_ARGUMENT,
                   fmt::format("the model has {} inputs and {} outputs, but was given {} and {} tensors",
                               session->inputCount, session->outputCount, input_count, output_count));
    std::span<const sinter_tensor_t> given(inputs, input_count);
    std::span<sinter_tensor_t> results(outputs, output_count);
    return session->specialised ? session->specialised->run(given, results) : session->runner->run(given, results);
  });
}

void sinter_session_cancel(sinter_session_t *session) {
  if (session && session->specialised)
    session->specialised->cancel();
  else if (session)
    session->runner->cancel();
}
