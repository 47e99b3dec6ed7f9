// Measures the peak of this processor at this moment: the yardstick of `sinter bench`.
#pragma once

namespace sinter {

/// Fused multiply-adds (2 operations each) of f32 in the widest vectors present, on `threads` threads, in
/// GFLOP/s. Takes about 30 ms. 0 where the system does not give so many threads.
double measurePeakGflops(int threads);

} // namespace sinter
