// How fast memory and caches are, at this moment: the other yardstick, beside PeakFlops.h, of kernels.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sinter {

/// Seconds that `threads` threads need to read and write so many bytes of buffers of that size, again and
/// again the same, so that the level of cache that holds them is the one that a kernel of that footprint
/// meets at best. The best of several rounds, 20 ms in all for what fits a cache. 0 where the system does not
/// give so much memory or so many threads.
double measureStreamSeconds(int64_t readBytes, int64_t writeBytes, int threads);

/// Bytes per second by footprint: two bytes read for each one written, on all threads together.
class StreamBandwidth {
public:
  struct Point {
    double bytes, gbPerSecond;
  };

  /// Measures footprints from 32 KB on in steps of four, up to the first that holds `largest` bytes or to 128
  /// MB, where few caches help: half a second at most. Empty where that is not possible.
  static StreamBandwidth measure(double largest, int threads);
  /// `points` in ascending order of bytes.
  explicit StreamBandwidth(std::vector<Point> points) : points_(std::move(points)) {}

  /// In GB/s, interpolated by the logarithm of the footprint; the first or last point's outside. 0 without
  /// points.
  double at(double bytes) const;
  std::span<const Point> points() const { return points_; }

private:
  std::vector<Point> points_;
};

} // namespace sinter
