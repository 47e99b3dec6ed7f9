// Declares, parses and checks the common options. What does not exist yet is refused by name, never ignored.
#include "tools/sinter/CommonOptions.h"
#include "runtime/Output.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/Print.h"

#include "compiler/CheckLimits.h"
#include "runtime/ThreadCount.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <set>
#include <unistd.h>

namespace sinter {
namespace {

constexpr const char *compileGroup = "Compile options";

template <typename T> std::optional<T> parseNumber(std::string_view text) {
  T value;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

Status invalid(std::string_view option, const std::string &value, std::string_view expected) {
  return {ErrorCode::InvalidArgument, fmt::format("{} '{}' is not of the form {}", option, value, expected)};
}

/// Parses every "NAME=VALUE" of one option by `parse` into `map`, refusing repeated names.
template <typename Map, typename Parse>
Status parseAssignments(std::string_view option, std::string_view expected, const std::vector<std::string> &texts,
                        Map &map, Parse parse) {
  for (const std::string &text : texts) {
    auto parts = splitAssignment(text);
    auto value = parts ? parse(parts->second) : decltype(parse(""))();
    if (!value || parts->first.empty())
      return invalid(option, text, expected);
    if (!map.emplace(parts->first, *value).second)
      return {ErrorCode::InvalidArgument, fmt::format("{} names '{}' twice", option, parts->first)};
  }
  return {};
}

std::optional<std::pair<double, double>> parseRange(std::string_view text) {
  size_t colon = text.find(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  auto low = parseNumber<double>(text.substr(0, colon)), high = parseNumber<double>(text.substr(colon + 1));
  if (!low || !high || !std::isfinite(*low) || !std::isfinite(*high) || *low > *high)
    return std::nullopt;
  return std::pair(*low, *high);
}

std::optional<int64_t> parseDimension(std::string_view text) {
  auto value = parseNumber<int64_t>(text);
  return value && *value >= 0 ? value : std::nullopt;
}

/// What --tune says goes to stderr: results and warnings as lines, progress as one that is written over on a terminal.
void describeTuning(TuneOptions &tune) {
  static constexpr const char *clearLine = "\r\033[K";
  bool isTerminal = isatty(STDERR_FILENO);
  auto line = [isTerminal](const char *kind, const std::string &text) {
    std::fputs(isTerminal ? clearLine : "", stderr);
    sinter::print(stderr, "sinter: {}{}\n", kind, text);
  };
  tune.warn = [line](const std::string &text) { line("warning: ", text); };
  tune.done = [line](const std::string &text) { line("tuned: ", text); };
  if (isTerminal)
    tune.progress = [](const std::string &text) {
      std::fputs(clearLine, stderr);
      sinter::print(stderr, "{}", text);
    };
}

} // namespace

std::optional<std::pair<std::string, std::string>> splitAssignment(const std::string &text) {
  size_t equals = text.rfind('=');
  if (equals == std::string::npos)
    return std::nullopt;
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

std::optional<Shape> parseShape(std::string_view text) {
  Shape shape;
  if (text == "scalar")
    return shape;
  while (true) {
    std::string_view part = text.substr(0, text.find('x'));
    auto dimension = parseDimension(part);
    if (!dimension)
      return std::nullopt;
    shape.push_back(*dimension);
    if (part.size() == text.size())
      break;
    text.remove_prefix(part.size() + 1);
  }
  return elementCount(shape) ? std::optional(shape) : std::nullopt;
}

std::optional<ShapeSet> parseShapeSet(std::string_view text) {
  ShapeSet set;
  // Names may hold commas: a part without a shape at its end belongs to the next one.
  for (size_t begin = 0, from = 0; begin < text.size();) {
    size_t comma = std::min(text.find(',', from), text.size());
    auto parts = splitAssignment(std::string(text.substr(begin, comma - begin)));
    std::optional<Shape> shape = parts ? parseShape(parts->second) : std::nullopt;
    from = comma + 1;
    if (shape && (parts->first.empty() || !set.emplace(parts->first, *shape).second))
      return std::nullopt;
    if (shape)
      begin = from;
    else if (comma == text.size())
      return std::nullopt;
  }
  return set.empty() || text.ends_with(',') ? std::nullopt : std::optional(set);
}

void CommonOptions::declareShapeSets(CLI::App &app, bool compileOnly) {
  app.add_option("--shapes", shapeSets_,
                 "One set of shapes of several, repeatable: of all inputs whose dimensions the model leaves open, or "
                 "of its symbolic dimensions (batch=1,sequence=128)")
      ->group(compileGroup)
      ->allow_extra_args(false)
      ->type_name("NAME=1x3x224x224,...");
  if (!compileOnly)
    app.add_option("--shape-cache", shapeCache,
                   fmt::format("Compiled shapes to keep, the last used ones (default: {})", defaultShapeCache))
        ->type_name("N")
        ->check(CLI::Range(1, 65536).description(""));
}

void CommonOptions::declareFailOn(CLI::App &app) {
  app.add_option_function<std::string>(
         "--fail-on", [this](const std::string &) { compile.failOnUnsound = true; },
         "unsound: fail where a rewrite changes values, instead of leaving it out")
      ->group(compileGroup)
      ->type_name("unsound")
      ->check(CLI::IsMember({"unsound"}).description(""));
}

void CommonOptions::declareCheckWeights(CLI::App &app) {
  app.add_flag("--check-weights", checkWeights,
               "Of a .so: read all weights first and compare their checksum (all else is always checked)");
}

void CommonOptions::declareSandbox(CLI::App &app) {
  constexpr const char *group = "Confinement";
  CLI::Option *flag = app.add_flag(
      "--sandbox", sandbox,
      "Confine what reads the model: no network, no other programs, no writing but the output, bounded memory and time "
      "(Landlock, seccomp; a warning says what the system lacks: SECURITY.md)");
  flag->group(group);
  app.add_option_function<int64_t>(
         "--sandbox-memory", [this](const int64_t &megabytes) { sandboxPolicy_.memory = megabytes << 20; },
         "Private memory that it may take (default: 8192)")
      ->group(group)
      ->type_name("MB")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 30).description(""))
      ->needs(flag);
  app.add_option("--sandbox-seconds", sandboxPolicy_.seconds, "Processor time that it may take (default: 600)")
      ->group(group)
      ->type_name("S")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 30).description(""))
      ->needs(flag);
}

int CommonOptions::confined(const std::function<int()> &work, SandboxOutputs *outputs) const {
  if (!sandbox)
    return work();
  if (compile.tune.measure)
    return report({ErrorCode::InvalidArgument,
                   "--sandbox runs none of the model's code, which --tune measures: leave one of them out"});
  Expected<SandboxOutputs> temporary = outputs ? SandboxOutputs() : SandboxOutputs::beside(standardOutput);
  if (!temporary)
    return report(temporary.failure());
  if (!outputs)
    outputs = &*temporary;
  SandboxPolicy policy = sandboxPolicy_;
  policy.writable = outputs->writable();
  if (!compile.dumpDir.empty()) {
    std::error_code error;
    std::filesystem::create_directories(compile.dumpDir, error);
    policy.writable.push_back(compile.dumpDir);
  }
  auto inside = [&] {
    ::setenv("TMPDIR", outputs->folder().c_str(), 1);
    return work();
  };
  auto warn = [](const std::string &missing) {
    sinter::print(stderr, "sinter: warning: --sandbox: this system {}\n", missing);
  };
  Expected<int> status = runConfined(policy, inside, warn, [&] { outputs->remove(); });
  return status ? *status : report(status.failure());
}

void CommonOptions::declare(CLI::App &app, bool compileOnly) {
  app_ = &app;
  auto option = [&](const char *name, auto &value, const char *help) {
    return app.add_option(name, value, help)->group(compileGroup);
  };
  auto list = [&](const char *name, std::vector<std::string> &values, const char *type, const char *help) {
    option(name, values, help)->allow_extra_args(false)->type_name(type);
  };
  option("-O", optimisation_, "-O0: nothing is fused, folded or reordered")
      ->type_name("0")
      ->check([](const std::string &level) {
        return level == "0" ? "" : "only -O0 exists: without it, everything is optimised";
      });
  option("--target-cpu", compile.targetCpu,
         "Processor to compile for, by LLVM's name (default: this one); several in one .so: x86-64-v3,x86-64-v2")
      ->type_name("CPU");
  option("--target-triple", compile.targetTriple, "Machine to compile for, e.g. aarch64-linux-gnu")
      ->type_name("TRIPLE");
  list("--shape", shapes_, "NAME=1x3x224x224", "Shape of an input whose dimensions the model leaves open");
  list("--empty", empty_, "NAME", "An input that is a sequence or optional and holds nothing");
  list("--dim", dims_, "NAME=N", "Value of a symbolic dimension, e.g. batch=4");
  app.add_option_function<std::vector<std::string>>(
         "--limit",
         [this](const std::vector<std::string> &texts) {
           for (const std::string &text : texts) {
             auto parts = splitAssignment(text);
             auto most = parts ? parseDimension(parts->second) : std::nullopt;
             if (!most)
               throw CLI::ValidationError("--limit", "'" + text + "' is not of the form NAME=N, N a whole number");
             compile.limits[parts->first] = *most;
           }
         },
         "What a model may ask for: value, ops, parts, fold-work, fold-bytes, table, stack (docs/limits.md)")
      ->group(compileGroup)
      ->allow_extra_args(false)
      ->type_name("NAME=N");
  list("--input-range", ranges_, "NAME=LO:HI", "Declares that an input is finite and within [LO, HI]");
  app.add_flag("--freeze-inputs", compile.freezeInputs, "Treat inputs that have a default value as constants")
      ->group(compileGroup);
  app.add_flag("--assume-finite", compile.assumeFinite, "Declare that no input holds NaN or Inf")->group(compileGroup);
  option("--backend", compile.backend, "What runs the kernels (default: auto)")
      ->type_name("auto|llvm|onednn|reference")
      ->check(CLI::IsMember({"auto", "llvm", "onednn", "reference"}).description(""));
  option("--math", compile.math, "How far results may differ by rounding (default: default)")
      ->type_name("strict|default|fast")
      ->check(CLI::IsMember({"strict", "default", "fast"}).description(""));
  option("--precision", compile.precision, "What f32 models multiply (default: f32); bf16 needs AVX512-BF16")
      ->type_name("f32|bf16")
      ->check(CLI::IsMember({"f32", "bf16"}).description(""));
  app.add_flag("--no-prune", noPrune_, "Keep channels that are proved constant")->group(compileGroup);
  app.add_flag("--verify-rewrites", compile.verifyRewrites,
               "Evaluate the model after every pass and name the rewrite that changes it (slow: seconds per "
               "10^9 multiply-adds and pass)")
      ->group(compileGroup);
  app.add_flag("--unchecked-indices", uncheckedIndices_,
               "Indices of a run that lie outside their dimension: gathers take the nearest, scatters none (default: "
               "an error)")
      ->group(compileGroup);
  app.add_flag("--no-check-rewrites", noCheckRewrites_, "Do not check the rewrites on single elements while compiling")
      ->group(compileGroup);
  CLI::Option *tune = app.add_flag(
      "--tune", compile.tune.measure,
      "Time other ways to compute each kernel on this machine, on one thread, and keep the fastest in a file for "
      "the next time (minutes)");
  tune->group(compileGroup);
  option("--tune-cache", compile.tune.cachePath,
         "That file (default: sinter/tuning.json in XDG_CACHE_HOME or ~/.cache); without --tune, use what it knows")
      ->type_name("FILE");
  option("--tune-seconds", compile.tune.seconds, "Longest time to measure for (default: 120)")
      ->type_name("S")
      ->check(CLI::Range(1.0, 1e6).description(""))
      ->needs(tune);
  list("--print-ir-after", compile.printIrAfter, "PASS", "Print the IR after a pass to stderr (all: after every one)");
  CLI::Option *dumpDir = option("--dump-dir", compile.dumpDir, "Write the IR of every stage into a folder, numbered");
  dumpDir->type_name("DIR");
  app.add_flag("--dump-weights", compile.dumpWeights,
               "Write weights and node names into the dumps too, so that each can be compiled")
      ->group(compileGroup)
      ->needs(dumpDir);
  if (!compileOnly)
    app.add_option("--threads", threads, "Threads to run with (default: all that this process may use)")
        ->type_name("N")
        ->check(CLI::Range(1, maxThreads).description(""));
}

Status CommonOptions::finish() {
  describeTuning(compile.tune);
  // A model that is compiled for several shapes is warned of once.
  compile.warn = [told = std::make_shared<std::set<std::string>>()](const std::string &text) {
    if (told->insert(text).second)
      sinter::print(stderr, "sinter: warning: {}\n", text);
  };
  if (compile.math == "strict" && compile.backend == "onednn")
    return {ErrorCode::InvalidArgument,
            "--math strict promises roundings that oneDNN's kernels do not keep: use --backend llvm"};
  compile.optimise = optimisation_.empty();
  compile.empty.insert(empty_.begin(), empty_.end());
  compile.prune = !noPrune_;
  compile.checkRewrites = !noCheckRewrites_;
  compile.checkIndices = !uncheckedIndices_;
  if (Status s = parseAssignments("--shape", "NAME=1x3x224x224", shapes_, compile.shapes, parseShape); !s.ok())
    return s;
  for (const std::string &text : shapeSets_) {
    std::optional<ShapeSet> set = parseShapeSet(text);
    if (!set)
      return invalid("--shapes", text, "NAME=1x3x224x224,NAME=..., each name once");
    if (std::ranges::find(compile.shapeSets, *set) != compile.shapeSets.end())
      return {ErrorCode::InvalidArgument, fmt::format("--shapes {} is given twice", text)};
    compile.shapeSets.push_back(std::move(*set));
  }
  if (Status s = parseAssignments("--dim", "NAME=N", dims_, compile.dims, parseDimension); !s.ok())
    return s;
  if (Status s = checkLimits(compile); !s.ok())
    return s;
  return parseAssignments("--input-range", "NAME=LO:HI with finite LO <= HI", ranges_, compile.inputRanges, parseRange);
}

std::vector<std::string> CommonOptions::usedCompileOptions() const {
  std::vector<std::string> used;
  for (const CLI::Option *option : app_->get_options())
    if (option->get_group() == compileGroup && option->count() > 0)
      used.push_back(option->get_name());
  return used;
}

void declareFormat(CLI::App &app, bool &json) {
  app.add_option_function<std::string>(
         "--format", [&json](const std::string &format) { json = format == "json"; }, "How to report (default: text)")
      ->type_name("text|json")
      ->check(CLI::IsMember({"text", "json"}).description(""));
}

} // namespace sinter
