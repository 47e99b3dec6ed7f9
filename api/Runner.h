// Runs one compiled model on the caller's tensors: they are checked, copied only where they must be, and run.
#pragma once

#include "runtime/Model.h"
#include "sinter/sinter.h"

#include <mutex>
#include <optional>

namespace sinter::api {

/// The settings that the runners of a session share.
struct RunnerSetup {
  int threads = 0;
  std::optional<sinter_allocator_t> allocator;
  std::shared_ptr<ThreadPool> pool; ///< null: the runner makes its own
};

class Runner {
public:
  static sinter_error_t *create(std::shared_ptr<const Model> model, const RunnerSetup &setup,
                                std::unique_ptr<Runner> &runner);

  /// See sinter_session_run.
  sinter_error_t *run(std::span<const sinter_tensor_t> given, std::span<sinter_tensor_t> results);
  /// From any thread, while others run or set threads.
  void cancel() {
    std::lock_guard lock(replacing);
    session->cancel();
  }
  sinter_error_t *setThreads(int threads);
  int threads() const { return session->threads(); }
  /// Null where oneDNN has the threads.
  const std::shared_ptr<ThreadPool> &pool() const { return session->pool(); }
  const std::shared_ptr<const Model> &model() const { return compiled; }

private:
  /// An input or output of the model, and the memory that stands in for the caller's where a kernel cannot use that.
  struct Port {
    const SinterTensorInfo *info;
    const char *role;
    size_t bytes;
    std::shared_ptr<void> memory;
    std::vector<int64_t> strides; ///< dense ones, for memory that is handed out
    std::vector<int64_t> shape;   ///< the true one after a run, where a run says it
  };
  struct Ports {
    std::vector<Port> inputs, outputs;
  };
  static std::vector<Port> portsOf(std::span<const SinterTensorInfo> infos, const char *role);
  static sinter_error_t *checkTensor(const Port &port, const sinter_tensor_t &tensor);

  std::vector<Port> &inputs() { return variants[chosen].inputs; }
  std::vector<Port> &outputs() { return variants[chosen].outputs; }
  sinter_error_t *start(int threads, std::shared_ptr<ThreadPool> pool);
  sinter_error_t *choose(std::span<const sinter_tensor_t> given);
  sinter_error_t *bindInput(size_t index, const sinter_tensor_t &tensor);
  sinter_error_t *bindOutput(size_t index, sinter_tensor_t &tensor);
  sinter_error_t *checkOverlaps();
  sinter_error_t *provide(Port &port);
  void tellTrueSizes(std::span<sinter_tensor_t> results);

  std::shared_ptr<const Model> compiled;
  std::optional<sinter_allocator_t> allocator;
  std::shared_ptr<void> arena;
  std::mutex replacing; ///< guards the pointer, which cancel() follows from other threads
  std::unique_ptr<Session> session;
  std::vector<Ports> variants; ///< of the model
  size_t chosen = 0;           ///< the variant of the run
  std::vector<const void *> inputData;
  std::vector<void *> outputData;
};

} // namespace sinter::api
