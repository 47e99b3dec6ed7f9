// `sinter bench`: repeated runs on random inputs, beside what the processor can do at most at that moment.
#include "runtime/PeakFlops.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/Inputs.h"
#include "tools/sinter/Json.h"
#include "tools/sinter/Median.h"
#include "tools/sinter/OpenModel.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <memory>

namespace sinter {
namespace {

constexpr const char *examples = R"(Examples:
  sinter bench resnet50.onnx                      compile in memory, run for a second, all threads
  sinter bench resnet50.so --threads 1 --seconds 5
  sinter bench resnet50.onnx -O0                  what the optimisations are worth
  sinter bench yolo.onnx --shape images=1x3x640x640 --format json

The inputs are uniform in [0, 1), from a fixed seed. The peak is that of f32 fused multiply-adds on as many threads,
measured right after the runs.)";

using Clock = std::chrono::steady_clock;

double millisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct BenchCommand {
  CommonOptions common;
  std::string model;
  double seconds = 1;
  bool json = false;

  int run();

private:
  Expected<std::vector<double>> measure(Session &session) const;
};

Expected<std::vector<double>> BenchCommand::measure(Session &session) const {
  Expected<std::vector<Tensor>> inputs = randomInputs(session.model(), 0, 1);
  if (!inputs)
    return inputs.failure();
  Expected<std::vector<Tensor>> outputs = session.makeOutputs();
  if (!outputs)
    return outputs.failure();
  // Runs that warm caches, page tables and the clock up do not count.
  Clock::time_point start = Clock::now();
  for (int i = 0; i < 3 && millisecondsSince(start) < 1000; ++i)
    if (Status s = session.run(*inputs, *outputs); !s.ok())
      return s.failure();
  std::vector<double> times;
  start = Clock::now();
  while (times.empty() || (millisecondsSince(start) < seconds * 1e3 && times.size() < 10'000'000)) {
    Clock::time_point begin = Clock::now();
    if (Status s = session.run(*inputs, *outputs); !s.ok())
      return s.failure();
    times.push_back(millisecondsSince(begin));
  }
  return times;
}

int BenchCommand::run() {
  if (Status s = common.finish(); !s.ok())
    return report(s.failure());
  Clock::time_point start = Clock::now();
  Expected<std::shared_ptr<Model>> compiled = openModel(model, common);
  if (!compiled)
    return report(compiled.failure());
  Expected<std::unique_ptr<Session>> session = Session::create(*compiled, common.threads);
  if (!session)
    return report(session.failure());
  double readyMs = millisecondsSince(start);
  Expected<std::vector<double>> times = measure(**session);
  if (!times)
    return report(times.failure());
  int threads = (*session)->threads();
  double peak = measurePeakGflops(threads);

  size_t n = times->size();
  double least = *std::min_element(times->begin(), times->end()), middle = median(std::move(*times));
  double gflop = (*compiled)->flops() * 1e-9;
  double gflops = gflop / (middle * 1e-3);
  if (json) {
    fmt::print("{}\n", printJson(llvm::json::Object{{"model", llvm::json::fixUTF8(model)},
                                                    {"threads", threads},
                                                    {isCompiled(model) ? "load_ms" : "compile_ms", readyMs},
                                                    {"runs", static_cast<int64_t>(n)},
                                                    {"min_ms", least},
                                                    {"median_ms", middle},
                                                    {"gflop", gflop},
                                                    {"gflops", finiteOrNull(gflops)},
                                                    {"peak_gflops", peak},
                                                    {"share_of_peak", finiteOrNull(gflops / peak)}}));
    return 0;
  }
  fmt::print("{}: {} threads, {} runs\n", model, threads, n);
  fmt::print("  {} in {:.4g} ms\n", isCompiled(model) ? "loaded" : "compiled", readyMs);
  fmt::print("  min {:.4g} ms, median {:.4g} ms\n", least, middle);
  fmt::print("  {:.4g} GFLOP a run: {:.4g} GFLOP/s, {:.1f} % of the peak of {:.4g} GFLOP/s measured now\n",
             gflop, gflops, 100 * gflops / peak, peak);
  return 0;
}

} // namespace

void addBench(CLI::App &app, int &status) {
  auto command = std::make_shared<BenchCommand>();
  CLI::App *sub = app.add_subcommand("bench", "Time a model on random inputs");
  sub->add_option("MODEL", command->model, "The model: .onnx, .mlir of the nn stage, or a compiled .so")
      ->required();
  sub->add_option("--seconds", command->seconds, "How long to repeat (default: 1)")
      ->type_name("S")
      ->check(CLI::Range(0.001, 86400.0).description(""));
  declareFormat(*sub, command->json);
  command->common.declare(*sub);
  sub->footer(examples);
  sub->callback([command, &status] { status = command->run(); });
}

} // namespace sinter
