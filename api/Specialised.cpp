// A list of runners, the last used one first; only shapes that are not in it ask the compiler for a model.
#include "api/Specialised.h"
#include "api/Errors.h"

#include <algorithm>
#include <fmt/format.h>

using namespace sinter;
using namespace sinter::api;

/// Each keeps scratch memory.
static constexpr size_t maxEntries = 8;

static bool isLeftOut(const sinter_tensor_t &tensor) { return !tensor.data && tensor.rank == 0; }

static Shape shapeOf(const sinter_tensor_t &tensor) {
  return isLeftOut(tensor) ? Shape{-1} : Shape(tensor.shape, tensor.shape + tensor.rank);
}

static bool hasShape(const sinter_tensor_t &tensor, const Shape &shape) {
  if (isLeftOut(tensor))
    return shape == Shape{-1};
  bool isValid = tensor.rank == 0 || (tensor.rank > 0 && tensor.shape);
  return isValid && std::equal(tensor.shape, tensor.shape + tensor.rank, shape.begin(), shape.end());
}

/// The entry for these shapes if they say all; it becomes the last used one.
SpecialisedRunners::Entry *SpecialisedRunners::known(std::span<const sinter_tensor_t> given) {
  auto found = std::ranges::find_if(entries, [&](const Entry &entry) {
    return entry.goesByShapes && std::ranges::equal(given, entry.shapes, hasShape);
  });
  if (found == entries.end())
    return nullptr;
  entries.splice(entries.begin(), entries, found);
  return &entries.front();
}

sinter_error_t *SpecialisedRunners::makeEntry(std::span<const sinter_tensor_t> given, const sinter_model &compiled,
                                              Entry &entry) {
  for (const sinter_tensor_t &tensor : given)
    entry.shapes.push_back(shapeOf(tensor));
  for (const sinter_tensor_info_t &info : compiled.inputs) {
    auto sameName = [&](const sinter_tensor_info_t &other) { return std::string_view(other.name) == info.name; };
    auto found = std::ranges::find_if(model->inputs, sameName);
    if (found == model->inputs.end())
      return error(SINTER_INTERNAL,
                   fmt::format("the model compiled for these shapes has an input '{}' of its own", info.name));
    entry.order.push_back(static_cast<size_t>(found - model->inputs.begin()));
  }
  entry.goesByShapes = entry.order.size() == model->inputs.size();
  return Runner::create(compiled.model, setup, entry.runner);
}

sinter_error_t *SpecialisedRunners::entryFor(std::span<const sinter_tensor_t> given, Entry *&entry) {
  entry = known(given);
  if (entry)
    return nullptr;
  std::unique_ptr<sinter_model> compiled;
  if (sinter_error_t *failed = model->specialise(given, compiled))
    return failed;
  auto isSame = [&](const Entry &other) { return &other.runner->model()->abi() == &compiled->model->abi(); };
  auto found = std::ranges::find_if(entries, isSame);
  if (found == entries.end()) {
    Entry made;
    if (sinter_error_t *failed = makeEntry(given, *compiled, made))
      return failed;
    if (!setup.pool)
      setup.pool = made.runner->pool();
    entries.push_front(std::move(made));
    if (entries.size() > maxEntries)
      entries.pop_back();
  } else {
    entries.splice(entries.begin(), entries, found);
  }
  entry = &entries.front();
  return nullptr;
}

/// Makes `runner` (null: none) the one to cancel; false where the run was cancelled before.
bool SpecialisedRunners::begin(Runner *runner) {
  std::lock_guard lock(mutex);
  running = runner;
  return !std::exchange(cancelled, false) || !runner;
}

sinter_error_t *SpecialisedRunners::run(std::span<const sinter_tensor_t> given, std::span<sinter_tensor_t> results) {
  begin(nullptr);
  for (size_t i = 0; i < given.size(); ++i)
    if (given[i].type != model->inputs[i].type && !isLeftOut(given[i]))
      return model->check(i, given[i]);
  Entry *entry = nullptr;
  if (sinter_error_t *failed = entryFor(given, entry))
    return failed;
  bound.clear();
  for (size_t number : entry->order)
    bound.push_back(given[number]);
  if (!begin(entry->runner.get()))
    return error(SINTER_CANCELLED, "the run was cancelled");
  sinter_error_t *failed = entry->runner->run(bound, results);
  begin(nullptr);
  return failed;
}

void SpecialisedRunners::cancel() {
  std::lock_guard lock(mutex);
  cancelled = true;
  if (running)
    running->cancel();
}

void SpecialisedRunners::setThreads(int threads) {
  entries.clear();
  setup.threads = threads;
  setup.pool = nullptr;
}
