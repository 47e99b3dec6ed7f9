#include "codegen/Workers.h"
#include "runtime/ThreadCount.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace sinter::codegen {

size_t threadsFor(int jobs) { return static_cast<size_t>(jobs > 0 ? jobs : defaultThreadCount()); }

void forEachInParallel(size_t count, size_t threads, llvm::function_ref<void(size_t)> work) {
  std::atomic<size_t> next = 0;
  auto take = [&] {
    for (size_t i; (i = next++) < count;)
      work(i);
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < std::min(threads, count); ++i)
    others.emplace_back(take);
  take();
  for (std::thread &other : others)
    other.join();
}

} // namespace sinter::codegen
