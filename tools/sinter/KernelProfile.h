// The measurements of `sinter profile`: the time of every kernel, beside the least time that the machine needs.
#pragma once

#include "runtime/Model.h"
#include "runtime/StreamBandwidth.h"

#include <string>
#include <vector>

namespace sinter {

struct KernelProfile {
  std::string name;               ///< as in the model, perhaps not UTF-8
  std::vector<std::string> nodes; ///< the user's nodes that it computes, those folded into its constants too
  std::string ops;                ///< what is computed, joined by '+'
  std::string backend;            ///< "llvm" or "onednn"
  std::string algorithm;          ///< "Winograd F(4x4, 3x3)"; empty: the ops' own arithmetic
  double flops = 0, bytes = 0;    ///< of one run
  int calls = 0;                  ///< in one run: its phases
  double ms = 0, minMs = 0;       ///< median over runs, and the least, of all its calls
  double share = 0;               ///< of the sum of all kernels' `ms`
  double rooflineMs = 0;          ///< what the machine needs at least; 0: unknown
  bool boundByBytes = false;      ///< whether that is the time to move the bytes, not to compute

  double gflops() const { return flops / ms * 1e-6; }
  double gbPerSecond() const { return bytes / ms * 1e-6; }
  /// Above 1 where an algorithm needs fewer operations than are counted; NaN if unknown.
  double shareOfRoofline() const;
};

struct ModelProfile {
  std::string model;
  bool isCompiled = false; ///< before: `readyMs` is the time to load it
  double readyMs = 0;
  int threads = 1;
  size_t runs = 0;       ///< with and without being observed, each
  int runsPerKernel = 1; ///< a kernel is observed in one of so many runs
  double unprofiledMs = 0, profiledMs = 0;
  double outsideMs = 0; ///< of a profiled run, not in kernels
  double peakGflops = 0;
  StreamBandwidth bandwidth{{}};
  std::vector<KernelProfile> kernels; ///< in the model's order

  /// The cost of the observer, as a share: -0.01 or so where that drowns in noise.
  double overhead() const { return profiledMs / unprofiledMs - 1; }
  /// Sums over kernels; its `share` is 1.
  KernelProfile total() const;
};

/// One call of a kernel during a run.
struct KernelCall {
  int32_t kernel;
  RunObserver::TimePoint begin, end;
};

/// The kernels with all that the model says of them, nothing measured yet.
std::vector<KernelProfile> describeKernels(const Model &model);

/// Runs the model for about `seconds` on `inputs`, by turns unobserved and observed, and fills what is
/// measured by it. Where observing all kernels would take a hundredth of a run or more, each run observes a part of
/// them.
Status measureRuns(Session &session, std::span<const Tensor> inputs, double seconds, ModelProfile &profile);

/// Measures peak and bandwidth, and fills what follows from them.
void measureRoofline(ModelProfile &profile);

/// The calls of some more runs.
Expected<std::vector<std::vector<KernelCall>>> recordRuns(Session &session, std::span<const Tensor> inputs, int runs);

} // namespace sinter
