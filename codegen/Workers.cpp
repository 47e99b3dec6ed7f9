// Threads take numbers from a shared counter; the first exception stops the counter and is thrown again to the caller.
#include "codegen/Workers.h"
#include "runtime/ThreadCount.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace sinter::codegen {

size_t threadsFor(int jobs) { return static_cast<size_t>(jobs > 0 ? jobs : defaultThreadCount()); }

void onThreads(size_t threads, llvm::function_ref<void()> work) {
  std::exception_ptr thrown;
  std::mutex mutex;
  auto guarded = [&] {
    try {
      work();
    } catch (...) {
      std::lock_guard lock(mutex);
      thrown = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  try {
    for (size_t i = 1; i < threads; ++i)
      others.emplace_back(guarded);
  } catch (const std::system_error &) {
    // The system has no more threads: those that there are do the work.
  }
  guarded();
  for (std::thread &other : others)
    other.join();
  if (thrown)
    std::rethrow_exception(thrown);
}

void forEachInParallel(size_t count, size_t threads, llvm::function_ref<void(size_t)> work) {
  std::atomic<size_t> next = 0;
  onThreads(std::min(threads, count), [&] {
    try {
      for (size_t i; (i = next++) < count;)
        work(i);
    } catch (...) {
      next = count;
      throw;
    }
  });
}

} // namespace sinter::codegen
