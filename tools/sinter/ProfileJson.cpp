// Objects hold the fields in a fixed order; a figure that is unknown is null, and names are made valid UTF-8.
#include "tools/sinter/ProfileJson.h"

#include "tools/sinter/Json.h"

#include <map>

namespace sinter {

using llvm::json::Array;
using llvm::json::fixUTF8;
using llvm::json::Object;
using llvm::json::Value;

static Array textsOf(const std::vector<std::string> &texts) {
  Array array;
  for (const std::string &text : texts)
    array.push_back(fixUTF8(text));
  return array;
}

/// Null for a roofline that could not be measured.
static Value orNull(double value) { return value > 0 ? finiteOrNull(value) : Value(nullptr); }

/// The fields that a kernel and the sum of all have in common.
static Object figuresOf(const KernelProfile &kernel) {
  return Object{{"calls", kernel.calls},
                {"median_ms", kernel.ms},
                {"min_ms", kernel.minMs},
                {"share", kernel.share},
                {"flops", kernel.flops},
                {"gflops", finiteOrNull(kernel.gflops())},
                {"bytes", kernel.bytes},
                {"gb_per_s", finiteOrNull(kernel.gbPerSecond())},
                {"roofline_ms", orNull(kernel.rooflineMs)},
                {"share_of_roofline", finiteOrNull(kernel.shareOfRoofline())}};
}

static Object kernelJson(const KernelProfile &kernel) {
  Object object = figuresOf(kernel);
  object["name"] = fixUTF8(kernel.name);
  object["nodes"] = textsOf(kernel.nodes);
  object["ops"] = fixUTF8(kernel.ops);
  object["backend"] = kernel.backend;
  object["algorithm"] = kernel.algorithm.empty() ? Value(nullptr) : Value(fixUTF8(kernel.algorithm));
  object["limit"] = kernel.rooflineMs > 0 ? Value(kernel.boundByBytes ? "bytes" : "flops") : Value(nullptr);
  return object;
}

Object profileJson(const ModelProfile &profile) {
  Array bandwidth, kernels;
  for (const StreamBandwidth::Point &point : profile.bandwidth.points())
    bandwidth.push_back(Object{{"bytes", point.bytes}, {"gb_per_s", point.gbPerSecond}});
  for (const KernelProfile &kernel : profile.kernels)
    kernels.push_back(kernelJson(kernel));
  return Object{{"model", fixUTF8(profile.model)},
                {"threads", profile.threads},
                {profile.isCompiled ? "load_ms" : "compile_ms", profile.readyMs},
                {"runs", static_cast<int64_t>(profile.runs)},
                {"runs_per_kernel", profile.runsPerKernel},
                {"unprofiled_ms", profile.unprofiledMs},
                {"profiled_ms", profile.profiledMs},
                {"overhead", finiteOrNull(profile.overhead())},
                {"outside_kernels_ms", profile.outsideMs},
                {"peak_gflops", orNull(profile.peakGflops)},
                {"bandwidth", std::move(bandwidth)},
                {"kernels", std::move(kernels)},
                {"total", figuresOf(profile.total())}};
}

std::string traceText(const ModelProfile &profile, const std::vector<std::vector<KernelCall>> &runs) {
  using Microseconds = std::chrono::duration<double, std::micro>;
  std::string text = "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n";
  text += printJsonLine(Object{{"ph", "M"},
                               {"pid", 1},
                               {"tid", 1},
                               {"name", "process_name"},
                               {"args", Object{{"name", fixUTF8("sinter " + profile.model)}}}});
  for (size_t run = 0; run < runs.size(); ++run) {
    std::map<int32_t, int> phases;
    for (const KernelCall &call : runs[run]) {
      const KernelProfile &kernel = profile.kernels[static_cast<size_t>(call.kernel)];
      Object arguments{{"ops", fixUTF8(kernel.ops)},
                       {"flops", kernel.flops},
                       {"bytes", kernel.bytes},
                       {"backend", kernel.backend},
                       {"run", static_cast<int64_t>(run)},
                       {"phase", phases[call.kernel]++}};
      if (!kernel.algorithm.empty())
        arguments["algorithm"] = fixUTF8(kernel.algorithm);
      text += ",\n" + printJsonLine(Object{{"ph", "X"},
                                           {"pid", 1},
                                           {"tid", 1},
                                           {"cat", "kernel"},
                                           {"name", fixUTF8(kernel.name)},
                                           {"ts", Microseconds(call.begin - runs[0][0].begin).count()},
                                           {"dur", Microseconds(call.end - call.begin).count()},
                                           {"args", std::move(arguments)}});
    }
  }
  return text + "\n]}\n";
}

} // namespace sinter
