// Sets FTZ and DAZ in MXCSR on x86-64, FZ in FPCR on AArch64, and writes only where the mode changes.
#include "runtime/FlushSubnormals.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sinter {
namespace {

#if defined(__x86_64__)
constexpr uint64_t flushBits = 0x8040; // FTZ and DAZ
uint64_t readMode() { return _mm_getcsr(); }
void writeMode(uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
#elif defined(__aarch64__)
constexpr uint64_t flushBits = 1u << 24; // FZ
uint64_t readMode() {
  uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void writeMode(uint64_t mode) { asm volatile("msr fpcr, %0" ::"r"(mode)); }
#else
constexpr uint64_t flushBits = 0;
uint64_t readMode() { return 0; }
void writeMode(uint64_t) {}
#endif

} // namespace

FlushSubnormals::FlushSubnormals(bool enable) : saved_(readMode()) {
  uint64_t mode = enable ? saved_ | flushBits : saved_ & ~flushBits;
  if (mode != saved_)
    writeMode(mode);
}

FlushSubnormals::~FlushSubnormals() {
  if (readMode() != saved_)
    writeMode(saved_);
}

bool FlushSubnormals::active() { return flushBits != 0 && (readMode() & flushBits) == flushBits; }

} // namespace sinter
