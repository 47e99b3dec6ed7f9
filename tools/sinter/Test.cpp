// `sinter test`: finds recorded cases and runs each in a process of its own, several at a time.
#include "runtime/File.h"
#include "runtime/ThreadCount.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/Json.h"
#include "tools/sinter/Print.h"
#include "tools/sinter/Process.h"
#include "tools/sinter/TestCase.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

namespace sinter {
namespace {

namespace fs = std::filesystem;

constexpr const char *examples = R"(Examples:
  sinter test onnx/backend/test/data/node               every case below a folder
  sinter test data/node --list names.txt --backend onednn
  sinter test real/ --tol-of-max 1e-4                   within 1e-4 of each output's largest value
  sinter test fusion-cases/ --numbers-only              results only, not the outcomes of expect.json

A case is a folder with model.onnx and test_data_set_N/input_K.pb, output_K.pb. A case whose op, type, attribute or opset
is not supported is skipped. The tolerance is the command line's, else expect.json's, else rtol 1e-3 and
atol max(1e-7, 1e-5 * max|ref|). The exit status is 1 if a case failed.)";

/// The text before the result on the line that a case's process prints.
constexpr std::string_view resultMarker = "sinter-test-result: ";

constexpr const char *statusNames[] = {"passed", "failed", "skipped"};

struct Case {
  std::string folder, name;
  TestResult result;
  double seconds = 0;
  bool done = false;
};

struct TestCommand {
  TestOptions options;
  CLI::App *app = nullptr;
  std::vector<std::string> paths;
  std::string list;
  int jobs = 0;
  double timeout = 300;
  bool json = false;

  int run();

private:
  Expected<std::vector<Case>> findCases() const;
  Status restrictToList(std::vector<Case> &cases) const;
  std::vector<std::string> childArguments() const;
  void runCase(Case &testCase, std::vector<std::string> arguments) const;
  void runAll(std::vector<Case> &cases) const;
};

/// Adds the cases at and below `path`; names are relative to it.
void search(const fs::path &path, std::vector<Case> &cases) {
  if (isTestCase(path.string())) {
    fs::path whole = fs::absolute(path).lexically_normal();
    cases.push_back({path.string(), (whole.has_filename() ? whole : whole.parent_path()).filename().string()});
    return;
  }
  std::error_code error;
  for (fs::recursive_directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    if (it->is_directory(error) && isTestCase(it->path().string())) {
      cases.push_back({it->path().string(), it->path().lexically_relative(path).string()});
      it.disable_recursion_pending();
    }
}

Expected<std::vector<Case>> TestCommand::findCases() const {
  std::vector<Case> cases;
  for (const std::string &path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error))
      return Failure{ErrorCode::Io,
                     fmt::format("'{}' is no folder: give a test case (model.onnx and test_data_set_0 in it) or a "
                                 "folder of them",
                                 path)};
    size_t before = cases.size();
    search(path, cases);
    if (cases.size() == before)
      return Failure{ErrorCode::InvalidArgument,
                     fmt::format("no test case in '{}': a case is a folder with model.onnx and test_data_set_0", path)};
  }
  std::stable_sort(cases.begin(), cases.end(), [](const Case &a, const Case &b) { return a.name < b.name; });
  if (Status s = list.empty() ? Status() : restrictToList(cases); !s.ok())
    return s.failure();
  return cases;
}

Status TestCommand::restrictToList(std::vector<Case> &cases) const {
  Expected<std::vector<std::byte>> bytes = readFile(list);
  if (!bytes)
    return bytes.failure();
  std::set<std::string> names, found;
  std::istringstream lines(std::string(reinterpret_cast<const char *>(bytes->data()), bytes->size()));
  for (std::string name; lines >> name;)
    names.insert(name);
  std::erase_if(cases, [&](const Case &c) {
    std::string last = fs::path(c.name).filename().string();
    for (const std::string &name : {c.name, last})
      if (names.contains(name)) {
        found.insert(name);
        return false;
      }
    return true;
  });
  if (cases.empty())
    return {ErrorCode::InvalidArgument, fmt::format("none of the names in '{}' is a test case here", list)};
  if (found.size() < names.size())
    sinter::print(stderr, "sinter: {} of the {} names in '{}' are no test cases here\n", names.size() - found.size(),
                  names.size(), list);
  return {};
}

/// The options of this command that concern a case, as they were given.
std::vector<std::string> TestCommand::childArguments() const {
  std::vector<std::string> arguments{"test-case"};
  const std::set<std::string> own{"PATH", "--list", "--jobs", "--timeout", "--format"};
  for (const CLI::Option *option : app->get_options()) {
    if (option->count() == 0 || own.contains(option->get_name()))
      continue;
    for (const std::string &value : option->results()) {
      bool isFlag = option->get_type_size_max() == 0;
      std::string name = option->get_name();
      arguments.push_back(isFlag || !name.starts_with("--") ? name : name + "=" + value);
      if (!isFlag && !name.starts_with("--"))
        arguments.push_back(value);
    }
  }
  // Cases in parallel share the processors: each gets one thread unless the user says otherwise.
  if (options.common.threads == 0 && jobs > 1)
    arguments.insert(arguments.end(), {"--threads", "1"});
  return arguments;
}

void TestCommand::runCase(Case &testCase, std::vector<std::string> arguments) const {
  arguments.insert(arguments.end(), {"--", testCase.folder});
  auto start = std::chrono::steady_clock::now();
  Expected<ProcessResult> process = runSelf(arguments, timeout);
  testCase.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  testCase.result.status = TestStatus::Failed;
  if (!process) {
    testCase.result.reason = process.failure().message;
    return;
  }
  std::string_view output = process->output;
  size_t marker = output.rfind(resultMarker);
  if (marker != std::string_view::npos && !process->timedOut && process->signal == 0) {
    auto parsed = llvm::json::parse(output.substr(marker + resultMarker.size()));
    if (parsed && parsed->getAsObject()) {
      auto status = parsed->getAsObject()->getInteger("status").value_or(1);
      testCase.result.status = static_cast<TestStatus>(std::clamp<int64_t>(status, 0, 2));
      testCase.result.reason = parsed->getAsObject()->getString("reason").value_or("").str();
      return;
    }
    if (!parsed)
      llvm::consumeError(parsed.takeError());
  }
  // The last line that a dying process printed tells most.
  while (!output.empty() && output.back() == '\n')
    output.remove_suffix(1);
  std::string_view last = output.substr(output.rfind('\n') + 1);
  std::string how = process->timedOut      ? fmt::format("still running after {} s", timeout)
                    : process->signal != 0 ? fmt::format("crashed: {}", strsignal(process->signal))
                                           : fmt::format("ended with exit status {}", process->exitStatus);
  testCase.result.reason = last.empty() ? how : fmt::format("{} ({})", how, last);
}

/// Runs the cases on `jobs` threads; this thread prints their results in order.
void TestCommand::runAll(std::vector<Case> &cases) const {
  std::vector<std::string> arguments = childArguments();
  std::mutex mutex;
  std::condition_variable finished;
  size_t next = 0;
  auto work = [&] {
    std::unique_lock lock(mutex);
    while (next < cases.size()) {
      Case &mine = cases[next++];
      lock.unlock();
      runCase(mine, arguments);
      lock.lock();
      mine.done = true;
      finished.notify_one();
    }
  };
  std::vector<std::jthread> workers;
  for (int i = 0; i < std::min<int>(jobs, static_cast<int>(cases.size())); ++i)
    workers.emplace_back(work);
  for (const Case &current : cases) {
    std::unique_lock lock(mutex);
    finished.wait(lock, [&] { return current.done; });
    lock.unlock();
    if (json)
      continue;
    constexpr const char *labels[] = {"PASS", "FAIL", "SKIP"};
    sinter::print("{} {}{}{}\n", labels[static_cast<int>(current.result.status)], current.name,
                  current.result.reason.empty() ? "" : ": ", current.result.reason);
    std::fflush(stdout);
  }
}

int TestCommand::run() {
  // Checked here too, so that a wrong option is one error and not one a case.
  if (Status s = options.finish(); !s.ok())
    return report(s.failure());
  Expected<std::vector<Case>> cases = findCases();
  if (!cases)
    return report(cases.failure());
  if (jobs == 0)
    jobs = defaultThreadCount();
  runAll(*cases);

  int64_t counts[3] = {};
  llvm::json::Array rows;
  for (const Case &c : *cases) {
    ++counts[static_cast<int>(c.result.status)];
    rows.push_back(llvm::json::Object{{"name", llvm::json::fixUTF8(c.name)},
                                      {"status", statusNames[static_cast<int>(c.result.status)]},
                                      {"reason", llvm::json::fixUTF8(c.result.reason)},
                                      {"seconds", c.seconds}});
  }
  if (json)
    sinter::print(
        "{}\n", printJson(llvm::json::Object{
                    {"cases", std::move(rows)}, {"passed", counts[0]}, {"failed", counts[1]}, {"skipped", counts[2]}}));
  else
    sinter::print("{} passed, {} failed, {} skipped\n", counts[0], counts[1], counts[2]);
  return counts[1] > 0 ? 1 : 0;
}

/// The hidden command that a case's process runs.
void addTestCase(CLI::App &app, int &status) {
  struct State {
    TestOptions options;
    std::string folder;
  };
  auto state = std::make_shared<State>();
  CLI::App *sub = app.add_subcommand("test-case", "")->group("");
  sub->add_option("FOLDER", state->folder)->required();
  state->options.declare(*sub);
  sub->callback([state, &status] {
    Status s = state->options.finish();
    TestResult result =
        s.ok() ? runTestCase(state->folder, state->options) : TestResult{TestStatus::Failed, s.message()};
    // One reason is one line.
    std::replace(result.reason.begin(), result.reason.end(), '\n', ' ');
    llvm::json::Object object{{"status", static_cast<int>(result.status)},
                              {"reason", llvm::json::fixUTF8(result.reason)}};
    sinter::print("\n{}{}\n", resultMarker, printJsonLine(std::move(object)));
    status = result.status == TestStatus::Failed;
  });
}

} // namespace

void addTest(CLI::App &app, int &status) {
  auto command = std::make_shared<TestCommand>();
  CLI::App *sub = app.add_subcommand("test", "Run recorded test cases and compare");
  command->app = sub;
  sub->add_option("PATH", command->paths, "Test cases, or folders to search for them")->required();
  sub->add_option("--list", command->list, "Run only the cases named in a file, one a line")->type_name("FILE");
  sub->add_option("--jobs", command->jobs, "Cases to run at a time (default: one per processor)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024).description(""));
  sub->add_option("--timeout", command->timeout, "Seconds after which a case has failed (default: 300)")
      ->type_name("S")
      ->check(CLI::Range(0.01, 86400.0).description(""));
  declareFormat(*sub, command->json);
  command->options.declare(*sub);
  sub->footer(examples);
  sub->callback([command, &status] { status = command->run(); });
  addTestCase(app, status);
}

} // namespace sinter
