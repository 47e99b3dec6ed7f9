// `sinter profile`: the time of every kernel, by the user's node names, beside what the machine allows it.
#include "runtime/BackendChoice.h"
#include "runtime/Output.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/Inputs.h"
#include "tools/sinter/Json.h"
#include "tools/sinter/OpenModel.h"
#include "tools/sinter/Print.h"
#include "tools/sinter/ProfileJson.h"
#include "tools/sinter/ProfileText.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <limits>
#include <memory>
#include <sys/ioctl.h>
#include <unistd.h>

namespace sinter {
namespace {

constexpr const char *examples = R"(Examples:
  sinter profile resnet50.onnx                    the 20 most expensive kernels, all threads
  sinter profile resnet50.so --threads 1 --all    every kernel
  sinter profile resnet50.onnx --trace run.json   what chrome://tracing and ui.perfetto.dev draw
  sinter profile yolo.onnx --shape images=1x3x640x640 --format json

The inputs are those of `sinter bench`. Runs that are observed and runs that are not take turns, so that the difference is
the cost of observing. The peak (f32 fused multiply-adds) and the bandwidth (buffers of several sizes, read and written) are
those of as many threads, measured right after the runs. docs/performance.md explains the figures and the JSON.)";

struct ProfileCommand {
  CommonOptions common;
  std::string model, trace;
  double seconds = 1;
  int rows = 20, traceRuns = 3;
  bool json = false, all = false;

  int run();

private:
  Status check() const;
  Status writeTrace(Session &session, std::span<const Tensor> inputs, const ModelProfile &profile) const;
  ProfileStyle style() const;
};

/// Rejects wrong options before time is spent.
Status ProfileCommand::check() const {
  namespace fs = std::filesystem;
  if (BackendChoice(common.compile.backend).isReference())
    return {ErrorCode::InvalidArgument, "--backend reference has no kernels to profile: choose another one"};
  if (trace.empty())
    return {};
  if (isStream(trace))
    return {};
  std::error_code error;
  fs::path path(trace), folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (fs::is_directory(path, error))
    return {ErrorCode::Io, fmt::format("cannot write '{}': it is a folder", trace)};
  if (!fs::is_directory(folder, error))
    return {ErrorCode::Io, fmt::format("cannot write '{}': the folder '{}' does not exist", trace, folder.string())};
  if (::access(folder.c_str(), W_OK) != 0 && !fs::is_other(path, error))
    return {ErrorCode::Io,
            fmt::format("cannot write '{}': the folder '{}' is write-protected", trace, folder.string())};
  if (fs::equivalent(path, model, error))
    return {ErrorCode::InvalidArgument,
            fmt::format("'{}' is both the model and the trace: give another --trace", trace)};
  return {};
}

Status ProfileCommand::writeTrace(Session &session, std::span<const Tensor> inputs, const ModelProfile &profile) const {
  auto runs = recordRuns(session, inputs, traceRuns);
  if (!runs)
    return runs.failure();
  std::string text = traceText(profile, *runs);
  return writeFile(trace, std::as_bytes(std::span(text)));
}

ProfileStyle ProfileCommand::style() const {
  ProfileStyle style;
  style.rows = all ? std::numeric_limits<size_t>::max() : static_cast<size_t>(rows);
  style.colour = isatty(STDOUT_FILENO) != 0;
  winsize size{};
  if (style.colour && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    style.width = size.ws_col;
  return style;
}

int ProfileCommand::run() {
  Status status = common.finish();
  if (status.ok())
    status = check();
  if (status.ok())
    status = assumeOpenSizes(model, common);
  if (!status.ok())
    return report(status.failure());
  auto start = std::chrono::steady_clock::now();
  Expected<std::shared_ptr<const Model>> compiled = openModel(model, common);
  if (!compiled)
    return report(compiled.failure());
  Expected<std::unique_ptr<Session>> session = Session::create(*compiled, common.threads);
  if (!session)
    return report(session.failure());
  ModelProfile profile;
  profile.readyMs = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  profile.model = model;
  profile.isCompiled = isCompiled(model);
  profile.threads = (*session)->threads();
  profile.kernels = describeKernels(**compiled);
  Expected<std::vector<Tensor>> inputs = randomInputs(**compiled, 0, 1);
  if (!inputs)
    return report(inputs.failure());
  if (status = measureRuns(**session, *inputs, seconds, profile); !status.ok())
    return report(status.failure());
  measureRoofline(profile);
  if (!trace.empty())
    if (status = writeTrace(**session, *inputs, profile); !status.ok())
      return report(status.failure());
  FILE *out = trace == standardOutput ? stderr : stdout; // a trace is alone there
  if (json)
    sinter::print(out, "{}\n", printJson(profileJson(profile)));
  else
    sinter::print(out, "{}", profileText(profile, style()));
  return 0;
}

} // namespace

void addProfile(CLI::App &app, int &status) {
  auto command = std::make_shared<ProfileCommand>();
  CLI::App *sub = app.add_subcommand("profile", "Time every kernel of a model, beside what the machine allows it");
  sub->add_option("MODEL", command->model, "The model: .onnx, .mlir of the nn stage, or a compiled .so")->required();
  sub->add_option("--seconds", command->seconds, "How long to repeat (default: 1)")
      ->type_name("S")
      ->check(CLI::Range(0.001, 86400.0).description(""));
  sub->add_option("--rows", command->rows, "Kernels in the table, the most expensive ones (default: 20)")
      ->type_name("N")
      ->check(CLI::Range(0, 1'000'000).description(""));
  sub->add_flag("--all", command->all, "Every kernel in the table");
  CLI::Option *trace =
      sub->add_option("--trace", command->trace, "Write the calls of some runs, one after another, as a Chrome trace")
          ->type_name("FILE");
  sub->add_option("--trace-runs", command->traceRuns, "Runs in the trace (default: 3)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000).description(""))
      ->needs(trace);
  declareFormat(*sub, command->json);
  command->common.declare(*sub);
  command->common.declareThreads(*sub);
  command->common.declareCheckWeights(*sub);
  sub->footer(examples);
  sub->callback([command, &status] { status = command->run(); });
}

} // namespace sinter
