// Each basic block hashes its return address into a table of 2^17 bytes in shared memory; collisions are accepted.
#include "tests/fuzz/Coverage.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <sys/mman.h>

#ifdef SINTER_FUZZ_GCOV
extern "C" void __gcov_dump();
extern "C" void __gcov_reset();
#else
static void __gcov_dump() {}
static void __gcov_reset() {}
#endif

namespace sinter::fuzz {

namespace {

constexpr size_t slots = size_t(1) << 17;
struct Places {
  uint8_t now[slots], ever[slots];
};
Places *places = nullptr;
std::atomic<bool> isNoting = false;

} // namespace

void startCoverage() {
  void *shared = mmap(nullptr, sizeof(Places), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared != MAP_FAILED)
    places = static_cast<Places *>(shared);
}

static bool hasNewPlaces() {
  if (places)
    for (size_t i = 0; i < slots; ++i)
      if (places->now[i] > places->ever[i])
        return true;
  return false;
}

void beginCase() {
  if (places)
    std::memset(places->now, 0, slots);
  __gcov_reset();
  isNoting = true;
}

void endCase() {
  isNoting = false;
  if (hasNewPlaces())
    __gcov_dump();
}

bool takeNewPlaces() {
  if (!hasNewPlaces())
    return false;
  for (size_t i = 0; i < slots; ++i)
    places->ever[i] = std::max(places->ever[i], places->now[i]);
  return true;
}

size_t placesReached() { return places ? static_cast<size_t>(std::count(places->ever, places->ever + slots, 1)) : 0; }

/// The compiler inserts a call of this at every block; two blocks share a slot now and then.
extern "C" __attribute__((visibility("default"))) void __sanitizer_cov_trace_pc();
extern "C" void __sanitizer_cov_trace_pc() {
  if (!isNoting.load(std::memory_order_relaxed) || !places)
    return;
  auto at = reinterpret_cast<uintptr_t>(__builtin_return_address(0));
  places->now[(at * 0x9E3779B97F4A7C15ull) >> (64 - 17)] = 1;
}

} // namespace sinter::fuzz
