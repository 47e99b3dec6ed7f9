// The runners of a session of an open model: one for each of the shapes it met last.
#pragma once

#include "api/ModelHandle.h"
#include "api/Runner.h"

#include <list>
#include <mutex>

namespace sinter::api {

class SpecialisedRunners {
public:
  SpecialisedRunners(std::shared_ptr<const OpenModel> model, RunnerSetup setup)
      : model(std::move(model)), setup(std::move(setup)) {}

  sinter_error_t *run(std::span<const sinter_tensor_t> given, std::span<sinter_tensor_t> results);
  /// From any thread.
  void cancel();
  /// Runners begin anew.
  void setThreads(int threads);

private:
  struct Entry {
    std::vector<Shape> shapes; ///< of all inputs; {-1} of one that is left out
    bool goesByShapes = false; ///< no input became a constant: the shapes say all
    std::vector<size_t> order; ///< for each input of the compiled model, its number among those of the open one
    std::unique_ptr<Runner> runner;
  };
  Entry *known(std::span<const sinter_tensor_t> given);
  sinter_error_t *entryFor(std::span<const sinter_tensor_t> given, Entry *&entry);
  sinter_error_t *makeEntry(std::span<const sinter_tensor_t> given, const sinter_model &compiled, Entry &entry);
  bool begin(Runner *runner);

  std::shared_ptr<const OpenModel> model;
  RunnerSetup setup;
  std::list<Entry> entries; ///< the last used first
  std::vector<sinter_tensor_t> bound;
  std::mutex mutex; ///< guards the rest, which cancel() looks at
  Runner *running = nullptr;
  bool cancelled = false;
};

} // namespace sinter::api
