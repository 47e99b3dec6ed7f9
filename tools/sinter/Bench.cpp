// `sinter bench`: repeated runs on random inputs, beside what the processor can do at most at that moment.
#include "runtime/PeakFlops.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/Inputs.h"
#include "tools/sinter/Json.h"
#include "tools/sinter/Median.h"
#include "tools/sinter/OpenModel.h"
#include "tools/sinter/Print.h"

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
  sinter bench bert.onnx --dim batch=1 --shapes sequence=64 --shapes sequence=128
                                                  one after another; a .so of several shapes runs all of them

The inputs are uniform in [0, 1), from a fixed seed. The peak is that of f32 fused multiply-adds on as many threads,
measured right after the runs.)";

using llvm::json::Object;
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

/// The measurements of one variant.
struct Timing {
  std::string shapes; ///< "x=1x3x224x224,..."; empty where there is one variant, of sizes that are known
  double readyMs = 0, least = 0, middle = 0, gflop = 0, peak = 0;
  int threads = 0;
  size_t runs = 0;

  double gflops() const { return gflop / (middle * 1e-3); }
};

Object rowOf(const std::string &model, const Timing &t) {
  Object object{{"model", llvm::json::fixUTF8(model)},
                {"threads", t.threads},
                {isCompiled(model) ? "load_ms" : "compile_ms", t.readyMs},
                {"runs", static_cast<int64_t>(t.runs)},
                {"min_ms", t.least},
                {"median_ms", t.middle},
                {"gflop", t.gflop},
                {"gflops", finiteOrNull(t.gflops())},
                {"peak_gflops", t.peak},
                {"share_of_peak", finiteOrNull(t.gflops() / t.peak)}};
  if (!t.shapes.empty())
    object["shapes"] = llvm::json::fixUTF8(t.shapes);
  return object;
}

std::string text(const std::string &model, const Timing &t) {
  return fmt::format("{}{}{}: {} threads, {} runs\n"
                     "  {} in {:.4g} ms\n"
                     "  min {:.4g} ms, median {:.4g} ms\n"
                     "  {:.4g} GFLOP a run: {:.4g} GFLOP/s, {:.1f} % of the peak of {:.4g} GFLOP/s measured now\n",
                     model, t.shapes.empty() ? "" : " ", t.shapes, t.threads, t.runs,
                     isCompiled(model) ? "loaded" : "compiled", t.readyMs, t.least, t.middle, t.gflop, t.gflops(),
                     100 * t.gflops() / t.peak, t.peak);
}

int BenchCommand::run() {
  if (Status s = common.finish(); !s.ok())
    return report(s.failure());
  auto shapes = common.compile.shapes;
  if (Status s = assumeOpenSizes(model, common); !s.ok())
    return report(s.failure());
  bool areAssumed = shapes != common.compile.shapes;
  Clock::time_point start = Clock::now();
  Expected<std::vector<std::shared_ptr<const Model>>> variants = openVariants(model, common);
  if (!variants)
    return report(variants.failure());
  llvm::json::Array rows;
  for (const std::shared_ptr<const Model> &variant : *variants) {
    Expected<std::unique_ptr<Session>> session = Session::create(variant, common.threads);
    if (!session)
      return report(session.failure());
    Timing timing{variants->size() > 1 || areAssumed ? shapesOf(*variant) : "", millisecondsSince(start)};
    Expected<std::vector<double>> times = measure(**session);
    if (!times)
      return report(times.failure());
    timing.threads = (*session)->threads();
    timing.peak = measurePeakGflops(timing.threads);
    timing.runs = times->size();
    timing.least = *std::min_element(times->begin(), times->end());
    timing.middle = median(std::move(*times));
    timing.gflop = variant->flops() * 1e-9;
    if (json)
      rows.push_back(rowOf(model, timing));
    else
      sinter::print("{}", text(model, timing));
    start = Clock::now();
  }
  if (json)
    sinter::print("{}\n", printJson(rows.size() == 1 ? std::move(rows[0])
                                                     : llvm::json::Value(Object{{"variants", std::move(rows)}})));
  return 0;
}

} // namespace

void addBench(CLI::App &app, int &status) {
  auto command = std::make_shared<BenchCommand>();
  CLI::App *sub = app.add_subcommand("bench", "Time a model on random inputs");
  sub->add_option("MODEL", command->model, "The model: .onnx, .mlir of the nn stage, or a compiled .so")->required();
  sub->add_option("--seconds", command->seconds, "How long to repeat (default: 1)")
      ->type_name("S")
      ->check(CLI::Range(0.001, 86400.0).description(""));
  declareFormat(*sub, command->json);
  command->common.declare(*sub, {OptionScope::Shapes, OptionScope::Cache});
  command->common.declareThreads(*sub);
  command->common.declareCheckWeights(*sub);
  sub->footer(examples);
  sub->callback([command, &status] { status = command->run(); });
}

} // namespace sinter
