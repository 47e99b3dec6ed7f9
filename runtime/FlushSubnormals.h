// The processor's flushing of subnormals.
#pragma once

#include <cstdint>

namespace sinter {

/// Flushes subnormal operands and results to zero (x86: FTZ and DAZ of MXCSR; AArch64: FPCR.FZ) while it
/// lives, on this thread, if `enable`; restores the mode it found.
class FlushSubnormals {
public:
  explicit FlushSubnormals(bool enable);
  ~FlushSubnormals();
  FlushSubnormals(const FlushSubnormals &) = delete;
  FlushSubnormals &operator=(const FlushSubnormals &) = delete;
  /// Whether this thread flushes now.
  static bool active();

private:
  uint64_t saved_;
};

} // namespace sinter
