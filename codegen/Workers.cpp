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

void forEachInParallel(size_t count, size_t threads, llvm::function_ref<void(size_t)> work) {
  std::atomic<size_t> next = 0;
  std::exception_ptr thrown;
  std::mutex mutex;
  auto take = [&] {
    try {
      for (size_t i; (i = next++) < count;)
        work(i);
    } catch (...) {
      std::lock_guard lock(mutex);
      thrown = std::current_exception();
      next = count;
    }
  };
  std::vector<std::thread> others;
  try {
    for (size_t i = 1; i < std::min(threads, count); ++i)
      others.emplace_back(take);
  } catch (const std::system_error &) {
    // The system has no more threads: those that there are do the work.
  }
  take();
  for (std::thread &other : others)
    other.join();
  if (thrown)
    std::rethrow_exception(thrown);
}

} // namespace sinter::codegen
