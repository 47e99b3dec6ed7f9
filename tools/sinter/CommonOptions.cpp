// Declares the options of the table as flags, and sets what was given.
#include "tools/sinter/CommonOptions.h"
#include "runtime/OptionMark.h"
#include "runtime/Output.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/Print.h"

#include "runtime/ThreadCount.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <set>
#include <unistd.h>

namespace sinter {
namespace {

constexpr const char *compileGroup = "Compile options";

/// Prints the messages of --tune to stderr: results and warnings as lines, progress over itself on a terminal.
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

/// A switch whose flag is a word behind another flag: -O0, --fail-on unsound.
static CLI::Option *declareWord(CLI::App &app, const CompileOption &option, std::string flag,
                                const std::function<void(std::string)> &store) {
  bool isSpaced = flag.find(' ') != flag.npos;
  std::string word = flag.substr(isSpaced ? flag.find(' ') + 1 : 2);
  flag.resize(flag.size() - word.size() - isSpaced);
  std::string wrong = option.kind == OptionKind::OnSwitch
                          ? fmt::format("only {0}{1} exists: without it, everything is optimised", flag, word)
                          : fmt::format("only '{} {}' exists", flag, word);
  return app.add_option_function<std::string>(flag, store)->type_name(word)->check([=](const std::string &given) {
    return given == word ? "" : wrong;
  });
}

void CommonOptions::declare(CLI::App &app, const CompileOption &option, std::vector<std::string> &values) {
  std::string flag = optionOnCommandLine(option.name, "");
  auto turn = [&values, isOn = option.kind == OptionKind::Switch](const auto &...) {
    values = {isOn ? "true" : "false"};
  };
  CLI::Option *declared;
  if (option.isSwitch() && (flag.find(' ') != flag.npos || !flag.starts_with("--")))
    declared = declareWord(app, option, flag, turn);
  else if (option.isSwitch())
    declared = app.add_flag_callback(flag, turn);
  else if (option.kind == OptionKind::Named || option.kind == OptionKind::Repeated)
    declared = app.add_option(flag, values)->allow_extra_args(false);
  else
    declared = app.add_option_function<std::string>(flag, [&values](const std::string &text) { values = {text}; });
  if (!option.isSwitch())
    declared->type_name(std::string(option.values));
  declared->description(
      expandOptionMarks(option.flagHelp.empty() ? option.help : option.flagHelp, optionOnCommandLine));
  // A compiled model that is run takes those of caches.
  if (option.scope != OptionScope::Cache)
    declared->group(compileGroup);
}

void CommonOptions::declare(CLI::App &app, std::initializer_list<OptionScope> scopes) {
  app_ = &app;
  std::span<const CompileOption> options = compileOptions();
  given_.resize(options.size());
  for (size_t i = 0; i < options.size(); ++i)
    if (options[i].scope == OptionScope::All || std::ranges::find(scopes, options[i].scope) != scopes.end())
      declare(app, options[i], given_[i]);
}

void CommonOptions::declareThreads(CLI::App &app) {
  app.add_option("--threads", threads, "Threads to run with (default: all that this process may use)")
      ->type_name("N")
      ->check(CLI::Range(1, maxThreads).description(""));
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
  // The work may be what fills `compile`, so the flags themselves are read.
  if (!given("tune").empty())
    return report({ErrorCode::InvalidArgument,
                   "--sandbox runs none of the model's code, which --tune measures: leave one of them out"});
  Expected<SandboxOutputs> temporary = outputs ? SandboxOutputs() : SandboxOutputs::beside(standardOutput);
  if (!temporary)
    return report(temporary.failure());
  if (!outputs)
    outputs = &*temporary;
  SandboxPolicy policy = sandboxPolicy_;
  policy.writable = outputs->writable();
  if (std::string folder = given("dump-dir"); !folder.empty()) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    policy.writable.push_back(folder);
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

Status CommonOptions::finish() {
  describeTuning(compile.tune);
  // A model that is compiled for several shapes is warned of once.
  compile.warn = [told = std::make_shared<std::set<std::string>>()](const std::string &text) {
    if (told->insert(text).second)
      sinter::print(stderr, "sinter: warning: {}\n", text);
  };
  compile.words = optionOnCommandLine;
  if (Status s = setGiven(); !s.ok())
    return s;
  return checkOptions(compile);
}

Status CommonOptions::setGiven() {
  std::span<const CompileOption> options = compileOptions();
  for (size_t i = 0; i < given_.size(); ++i)
    for (const std::string &value : given_[i])
      if (Status s = setOption(compile, std::string(options[i].name), value); !s.ok())
        return s;
  if (std::string cached = given("shape-cache"); !cached.empty())
    shapeCache = static_cast<size_t>(*parseWholeNumber(cached));
  return {};
}

std::string CommonOptions::given(std::string_view option) const {
  for (size_t i = 0; i < given_.size(); ++i)
    if (compileOptions()[i].name == option && !given_[i].empty())
      return given_[i].back();
  return "";
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
