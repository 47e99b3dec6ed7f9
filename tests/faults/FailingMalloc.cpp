// Stands in for glibc's allocation functions where it is preloaded: counts their calls, and fails those that it is told
// to. It tells, too, how many blocks are in use, which is how leaks are found.
//   FAIL_ALLOCATION=N,M   the calls N to N+M-1 fail, from the start of the program on; M is 1 where it is left out
//   COUNT_ALLOCATIONS=1   says on the standard error how many calls there were, when the program exits
#include "tests/faults/FailingMalloc.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <malloc.h>
#include <unistd.h>

extern "C" {
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *block);
}

namespace {

std::atomic<long> calls = 0, blocks = 0, first = 0, last = 0;

/// Counts a call, and says whether it is to fail.
bool fails() {
  long call = ++calls;
  if (call < first.load(std::memory_order_relaxed) || call > last.load(std::memory_order_relaxed))
    return false;
  errno = ENOMEM;
  return true;
}

void *counted(void *block) {
  if (block)
    ++blocks;
  return block;
}

/// Reads the environment before main, without memory.
__attribute__((constructor)) void start() {
  const char *text = std::getenv("FAIL_ALLOCATION");
  if (!text)
    return;
  char *end = nullptr;
  long from = std::strtol(text, &end, 10), count = *end == ',' ? std::strtol(end + 1, nullptr, 10) : 1;
  failAllocations(from, count);
}

__attribute__((destructor)) void finish() {
  if (!std::getenv("COUNT_ALLOCATIONS"))
    return;
  char text[64];
  int length = std::snprintf(text, sizeof text, "allocations: %ld\n", calls.load());
  if (::write(STDERR_FILENO, text, static_cast<size_t>(length)) < 0)
    return;
}

} // namespace

extern "C" {

void failAllocations(long from, long count) {
  calls = 0;
  last = count > 0 ? from + count - 1 : 0;
  first = from;
}
long countedAllocations() { return calls; }
long usedBlocks() { return blocks; }

void *malloc(size_t bytes) { return fails() ? nullptr : counted(__libc_malloc(bytes)); }
void *calloc(size_t count, size_t bytes) { return fails() ? nullptr : counted(__libc_calloc(count, bytes)); }
void *realloc(void *block, size_t bytes) {
  if (fails())
    return nullptr;
  void *made = __libc_realloc(block, bytes);
  blocks += (made && !block) - (block && !made && bytes == 0);
  return made;
}
void *memalign(size_t alignment, size_t bytes) {
  return fails() ? nullptr : counted(__libc_memalign(alignment, bytes));
}
void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
int posix_memalign(void **block, size_t alignment, size_t bytes) {
  void *made = memalign(alignment, bytes);
  if (!made)
    return ENOMEM;
  *block = made;
  return 0;
}
void free(void *block) {
  if (block)
    --blocks;
  __libc_free(block);
}
}
