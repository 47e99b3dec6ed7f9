// Runs with and without an observer take turns; each observed run times one part of the kernels, medians are kept.
#include "tools/sinter/KernelProfile.h"
#include "compiler/ParseJson.h"

#include "runtime/BackendChoice.h"
#include "runtime/PeakFlops.h"
#include "tools/sinter/Median.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <llvm/Support/JSON.h>

namespace sinter {
namespace {

using Clock = RunObserver::TimePoint::clock;

double millisecondsBetween(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double, std::milli>(end - begin).count();
}

/// Keeps the calls of a run. After the first run there is room for them, so that observing allocates nothing.
struct CallRecorder : RunObserver {
  void ran(int32_t kernel, TimePoint begin, TimePoint end) override { calls.push_back({kernel, begin, end}); }
  std::vector<KernelCall> calls;
};

/// The cost of observing a call: two readings of the clock, in milliseconds.
double costOfACall() {
  constexpr int readings = 1000;
  Clock::time_point begin = Clock::now(), last = begin;
  for (int i = 0; i < readings; ++i)
    last = Clock::now();
  return 2 * millisecondsBetween(begin, last) / readings;
}

/// Cuts the kernels into as many parts as it takes to spend less than a hundredth of a run on observing one: the ends
/// of the parts. A kernel is whole in one.
std::vector<int32_t> partsToObserve(const std::vector<int> &calls, double runMs) {
  double affordable = runMs / 100 / costOfACall(), taken = 0;
  std::vector<int32_t> ends;
  for (size_t k = 0; k < calls.size(); ++k) {
    if (taken > 0 && taken + calls[k] > affordable) {
      ends.push_back(static_cast<int32_t>(k));
      taken = 0;
    }
    taken += calls[k];
  }
  ends.push_back(static_cast<int32_t>(calls.size()));
  return ends;
}

/// Adds nodes and algorithms from the model's explanation to its kernel table, row by row.
void addExplanation(const Model &model, std::vector<KernelProfile> &kernels) {
  if (!model.abi().explanation)
    return;
  auto parsed = parseJson(model.abi().explanation);
  if (!parsed)
    return;
  const llvm::json::Object *object = parsed->getAsObject();
  const llvm::json::Array *rows = object ? object->getArray("kernels") : nullptr;
  if (!rows || rows->size() != kernels.size())
    return;
  for (size_t k = 0; k < kernels.size(); ++k) {
    const llvm::json::Object *row = (*rows)[k].getAsObject();
    if (!row || row->getString("name") != llvm::StringRef(llvm::json::fixUTF8(kernels[k].name)))
      continue;
    kernels[k].algorithm = row->getString("algorithm").value_or("").str();
    if (const llvm::json::Array *nodes = row->getArray("ops"))
      for (const llvm::json::Value &node : *nodes)
        kernels[k].nodes.push_back(node.getAsString().value_or("").str());
  }
}

} // namespace

double KernelProfile::shareOfRoofline() const {
  return rooflineMs > 0 && ms > 0 ? rooflineMs / ms : std::numeric_limits<double>::quiet_NaN();
}

KernelProfile ModelProfile::total() const {
  KernelProfile sum;
  bool isKnown = true;
  for (const KernelProfile &kernel : kernels) {
    sum.flops += kernel.flops;
    sum.bytes += kernel.bytes;
    sum.calls += kernel.calls;
    sum.ms += kernel.ms;
    sum.minMs += kernel.minMs;
    sum.share += kernel.share;
    sum.rooflineMs += kernel.rooflineMs;
    isKnown &= kernel.rooflineMs > 0 || kernel.ms == 0;
  }
  if (!isKnown)
    sum.rooflineMs = 0;
  return sum;
}

std::vector<KernelProfile> describeKernels(const Model &model) {
  std::vector<KernelProfile> kernels;
  for (const SinterKernelInfo &info : model.kernels()) {
    KernelProfile kernel;
    kernel.name = info.name;
    kernel.ops = info.ops;
    kernel.backend = backendOf(info);
    kernel.flops = info.flops;
    kernel.bytes = info.bytes;
    kernels.push_back(std::move(kernel));
  }
  addExplanation(model, kernels);
  for (KernelProfile &kernel : kernels)
    if (kernel.nodes.empty())
      kernel.nodes = {kernel.name};
  return kernels;
}

Status measureRuns(Session &session, std::span<const Tensor> inputs, double seconds, ModelProfile &profile) {
  Expected<std::vector<Tensor>> outputs = session.makeOutputs();
  if (!outputs)
    return outputs.failure();
  CallRecorder recorder;
  std::vector<std::vector<double>> samples(profile.kernels.size()); // milliseconds of each kernel, by run
  std::vector<double> plain, observed, outside;
  auto timed = [&](RunObserver *observer, double &ms) {
    recorder.calls.clear();
    Clock::time_point begin = Clock::now();
    Status status = session.run(inputs, *outputs, observer);
    ms = millisecondsBetween(begin, Clock::now());
    return status;
  };
  // Runs that warm caches, page tables and the clock up do not count.
  double ms = 0, fastest = std::numeric_limits<double>::infinity();
  Clock::time_point start = Clock::now();
  for (int i = 0; i < 3 && millisecondsBetween(start, Clock::now()) < 1000; ++i) {
    if (Status status = timed(&recorder, ms); !status.ok())
      return status;
    fastest = std::min(fastest, ms);
  }
  std::vector<int> calls(samples.size());
  for (const KernelCall &call : recorder.calls)
    ++calls[static_cast<size_t>(call.kernel)];
  const std::vector<int32_t> ends = partsToObserve(calls, fastest);
  profile.runsPerKernel = static_cast<int>(ends.size());

  std::vector<double> sums(samples.size());
  // No more runs than fit into some 100 MB of samples.
  const size_t most = std::max<size_t>(8'000'000 / (samples.size() + 3), 8);
  start = Clock::now();
  while (plain.size() < ends.size() ||
         (millisecondsBetween(start, Clock::now()) < seconds * 1e3 && plain.size() < most)) {
    // Who goes first takes turns, too.
    bool observedFirst = plain.size() % 2 != 0;
    size_t part = plain.size() % ends.size();
    recorder.first = part == 0 ? 0 : ends[part - 1];
    recorder.last = ends[part];
    for (bool observing : {observedFirst, !observedFirst}) {
      if (Status status = timed(observing ? &recorder : nullptr, ms); !status.ok())
        return status;
      (observing ? observed : plain).push_back(ms);
      if (!observing)
        continue;
      std::fill(sums.begin(), sums.end(), 0);
      for (const KernelCall &call : recorder.calls)
        sums[static_cast<size_t>(call.kernel)] += millisecondsBetween(call.begin, call.end);
      for (int32_t kernel = recorder.first; kernel < recorder.last; ++kernel) {
        auto k = static_cast<size_t>(kernel);
        samples[k].push_back(sums[k]);
        ms -= sums[k];
      }
      outside.push_back(ms);
    }
  }
  profile.runs = plain.size();
  profile.unprofiledMs = median(std::move(plain));
  profile.profiledMs = median(std::move(observed));
  for (size_t k = 0; k < samples.size(); ++k) {
    KernelProfile &kernel = profile.kernels[k];
    kernel.calls = calls[k];
    kernel.minMs = *std::min_element(samples[k].begin(), samples[k].end());
    kernel.ms = median(std::move(samples[k]));
  }
  double sum = profile.total().ms;
  profile.outsideMs = ends.size() == 1 ? median(std::move(outside)) : std::max(profile.profiledMs - sum, 0.0);
  for (KernelProfile &kernel : profile.kernels)
    kernel.share = sum > 0 ? kernel.ms / sum : 0;
  return {};
}

void measureRoofline(ModelProfile &profile) {
  double largest = 0;
  for (const KernelProfile &kernel : profile.kernels)
    largest = std::max(largest, kernel.bytes);
  profile.peakGflops = measurePeakGflops(profile.threads);
  profile.bandwidth = StreamBandwidth::measure(largest, profile.threads);
  for (KernelProfile &kernel : profile.kernels) {
    double bandwidth = profile.bandwidth.at(kernel.bytes);
    double compute = profile.peakGflops > 0 ? kernel.flops / profile.peakGflops * 1e-6 : 0;
    double move = bandwidth > 0 ? kernel.bytes / bandwidth * 1e-6 : 0;
    kernel.rooflineMs = std::max(compute, move);
    kernel.boundByBytes = move > compute;
  }
}

Expected<std::vector<std::vector<KernelCall>>> recordRuns(Session &session, std::span<const Tensor> inputs, int runs) {
  Expected<std::vector<Tensor>> outputs = session.makeOutputs();
  if (!outputs)
    return outputs.failure();
  std::vector<std::vector<KernelCall>> recorded;
  CallRecorder recorder;
  // The first one makes room in the recorder.
  for (int run = 0; run <= runs; ++run) {
    recorder.calls.clear();
    if (Status status = session.run(inputs, *outputs, &recorder); !status.ok())
      return status.failure();
    if (run > 0)
      recorded.push_back(recorder.calls);
  }
  return recorded;
}

} // namespace sinter
