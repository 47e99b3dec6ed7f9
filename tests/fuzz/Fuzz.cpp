// Forks a child for each case, which reports through shared memory; its signal, time and log say what was found.
#include "tests/fuzz/Fuzz.h"
#include "tests/fuzz/Coverage.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <execinfo.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string_view>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sinter::fuzz {

int64_t Choices::integer() {
  static constexpr int64_t limits[] = {INT64_MAX,        INT64_MIN,        INT64_MAX - 1,    INT32_MAX, INT32_MIN,
                                       int64_t(1) << 32, int64_t(1) << 40, int64_t(1) << 62, 65536,     255,
                                       1000003};
  static constexpr int64_t small[] = {0, 1, -1, 2, -2, 3, -3, 4, 5, 7, 8, 16, 17, 64, 100};
  return oneIn(3) ? of(limits) : of(small);
}

float Choices::real() {
  using Limits = std::numeric_limits<float>;
  static constexpr float values[] = {0,
                                     -0.0F,
                                     1,
                                     -1,
                                     0.5F,
                                     -0.25F,
                                     2,
                                     3,
                                     1e-6F,
                                     1e6F,
                                     Limits::max(),
                                     Limits::lowest(),
                                     Limits::denorm_min(),
                                     Limits::infinity(),
                                     -Limits::infinity(),
                                     Limits::quiet_NaN()};
  return of(values);
}

void mutateBytes(std::string &bytes, Choices &choices) {
  for (size_t i = 0, n = 1 + choices.below(4); i < n && !bytes.empty(); ++i) {
    size_t at = choices.below(bytes.size()), length = 1 + choices.below(std::min<size_t>(bytes.size() - at, 16));
    switch (choices.below(7)) {
    case 0:
      bytes[at] = static_cast<char>(choices.below(256));
      break;
    case 1:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << choices.below(8)));
      break;
    case 2:
      bytes[at] = static_cast<char>(bytes[at] + (choices.oneIn(2) ? 1 : -1));
      break;
    case 3:
      bytes.erase(at, length);
      break;
    case 4:
      bytes.insert(at, bytes.substr(choices.below(bytes.size()), length));
      break;
    case 5:
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), length, choices.oneIn(2) ? '\xff' : '\0');
      break;
    default:
      if (choices.oneIn(4))
        bytes.resize(at);
    }
  }
}

std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> filesOf(const std::vector<std::string> &paths, const std::vector<std::string> &endings) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  auto add = [&](const fs::path &path) {
    if (std::ranges::count(endings, path.extension().string()))
      files.push_back(path.string());
  };
  std::error_code error;
  for (const std::string &path : paths) {
    if (!fs::is_directory(path, error)) {
      add(path);
      continue;
    }
    for (const fs::directory_entry &entry : fs::recursive_directory_iterator(path, error))
      add(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

void writeFile(const std::string &path, const std::string &bytes) { std::ofstream(path, std::ios::binary) << bytes; }

bool Arguments::parse(int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (!name.starts_with("--")) {
      seeds.emplace_back(name);
      continue;
    }
    const char *value = ++i < argc ? argv[i] : "";
    if (name == "--seconds")
      seconds = std::atof(value);
    else if (name == "--count")
      count = std::strtoull(value, nullptr, 10);
    else if (name == "--seed")
      seed = std::strtoull(value, nullptr, 10);
    else if (name == "--keep")
      keep = value;
    else if (name == "--case")
      file = value;
    else if (name == "--replay")
      replay = value;
    else if (name == "--new")
      newPlaces = value;
    else
      return std::fprintf(stderr,
                          "usage: %s [--seconds N] [--count N] [--seed N] [--keep FOLDER] [--case FILE] [--replay "
                          "FOLDER] [--new FOLDER] [SEED...]\n",
                          argv[0]),
             false;
  }
  return true;
}

namespace {

using Clock = std::chrono::steady_clock;
constexpr double secondsPerCase = 10; ///< of processor time (docs/limits.md); six times as much with sanitizers
constexpr long megabytesPerCase = 2048;
#ifdef __SANITIZE_ADDRESS__
constexpr bool isSanitized = true;
#else
constexpr bool isSanitized = false;
#endif

/// The message of a child to its parent, in memory of both.
struct Report {
  int stage, outcome;
  std::array<void *, 24> frames; ///< of a crash
  std::array<char, 1024> finding;
};
Report *report = nullptr;

void onCrash(int signal) {
  // A crash, as the kernel calls it, ends the process as it would have, after a look at where it was.
  backtrace(report->frames.data(), static_cast<int>(report->frames.size()));
  std::signal(signal, SIG_DFL);
  raise(signal);
}

void limitThisProcess() {
  const auto seconds = static_cast<rlim_t>((isSanitized ? 6 : 1) * secondsPerCase);
  struct rlimit none = {0, 0}, time = {seconds, seconds + 1};
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_CPU, &time);
  if (isSanitized)
    return; // has address space and handlers of its own
  struct rlimit memory = {rlim_t(4) << 30, rlim_t(4) << 30};
  setrlimit(RLIMIT_DATA, &memory);
  static std::array<char, 1 << 16> stack;
  stack_t other = {stack.data(), 0, stack.size()};
  sigaltstack(&other, nullptr);
  struct sigaction action = {};
  action.sa_handler = onCrash;
  action.sa_flags = static_cast<int>(SA_ONSTACK | SA_RESETHAND);
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
    sigaction(signal, &action, nullptr);
}

/// Waits for the child; false once it is out of time, and then it is gone. Processor time is limited by the system:
/// this is for one that sleeps, on a machine that has other work.
bool await(pid_t child, int &status, struct rusage &used) {
  const Clock::time_point end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(
                         std::chrono::duration<double>(secondsPerCase * (isSanitized ? 60 : 20)));
  constexpr std::chrono::seconds longest(5); // of what may take long
  Clock::time_point since = Clock::now();
  for (useconds_t pause = 100; wait4(child, &status, WNOHANG, &used) == 0;
       pause = std::min<useconds_t>(2 * pause, 5000)) {
    const Clock::time_point now = Clock::now();
    if (report->stage != static_cast<int>(Stage::MayTakeLong))
      since = now;
    if (now > end || now - since > longest) {
      kill(child, SIGKILL);
      wait4(child, &status, 0, &used);
      return false;
    }
    usleep(pause);
  }
  return true;
}

/// The most telling line of the child's standard error: that of a sanitizer or an assertion, and where.
std::string complaint(const std::string &log) {
  for (std::string_view mark :
       {"ERROR: ", "runtime error: ", "Assertion ", "LLVM ERROR", "terminate called", "what():"})
    if (size_t at = log.find(mark); at != std::string::npos) {
      size_t start = log.rfind('\n', at) + 1;
      std::string text = log.substr(start, log.find('\n', at) - start);
      // The first frame in this repository.
      for (size_t frame = log.find("    #", at); frame != std::string::npos; frame = log.find("    #", frame + 1)) {
        std::string line = log.substr(frame, log.find('\n', frame) - frame);
        if (line.find("sinter::") != std::string::npos)
          return text + line;
      }
      return text;
    }
  return {};
}

std::string crashText(int signal, const std::string &log) {
  std::string text = "signal " + std::to_string(signal) + " (" + strsignal(signal) + ")" +
                     (complaint(log).empty() ? "" : ": ") + complaint(log);
  int known = 0;
  while (known < static_cast<int>(report->frames.size()) && report->frames[static_cast<size_t>(known)])
    ++known;
  if (char **symbols = known ? backtrace_symbols(report->frames.data(), known) : nullptr) {
    for (int i = 2; i < known; ++i) // behind the handler and the kernel's frame
      text += std::string("\n    ") + symbols[i];
    std::free(symbols);
  }
  return text;
}

std::string runInChild(const Case &test, const std::string &input, const std::string &logPath) {
  *report = {};
  pid_t child = fork();
  if (child == 0) {
    if (!std::freopen(logPath.c_str(), "w", stderr))
      _exit(9);
    limitThisProcess();
    beginCase();
    std::string finding = test(input);
    endCase();
    std::snprintf(report->finding.data(), report->finding.size(), "%s", finding.c_str());
    std::fflush(stderr);
    _exit(finding.empty() ? 0 : 1);
  }
  if (child < 0)
    return std::perror("fork"), "no process";
  int status = 0;
  struct rusage used = {};
  const bool isGone = !await(child, status, used),
             isOutOfTime = isGone || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
  if (report->stage == static_cast<int>(Stage::MayTakeLong) && isOutOfTime)
    return "";
  if (isOutOfTime)
    return "hang";
  if (WIFSIGNALED(status))
    return crashText(WTERMSIG(status), readFile(logPath));
  if (WEXITSTATUS(status) == 0 && report->stage != static_cast<int>(Stage::Ran) &&
      used.ru_maxrss > 1024 * megabytesPerCase * (isSanitized ? 3 : 1))
    return "takes " + std::to_string(used.ru_maxrss / 1024) + " MB";
  if (WEXITSTATUS(status) == 0)
    return {};
  return report->finding[0]
             ? report->finding.data()
             : "exit status " + std::to_string(WEXITSTATUS(status)) + ": " + complaint(readFile(logPath));
}

/// A text that findings of one cause share: the first lines, without their numbers and names.
std::string signature(const std::string &finding) {
  std::string result;
  size_t lines = 0;
  bool quoted = false;
  for (char c : finding) {
    lines += c == '\n';
    quoted ^= c == '\'';
    if (lines == 4)
      break;
    if (!quoted && (lines > 0 || !std::isdigit(static_cast<unsigned char>(c))))
      result += c;
  }
  return result;
}

std::vector<std::string> reached;

} // namespace

const std::vector<std::string> &reachedByNew() { return reached; }

void enterStage(Stage stage) {
  if (report)
    report->stage = static_cast<int>(stage);
}

void noteOutcome(Outcome outcome) {
  if (report)
    report->outcome = static_cast<int>(outcome);
}

int runCases(const Arguments &arguments, const std::string &ending, const std::function<std::string(Choices &)> &make,
             const Case &test) {
  if (!arguments.file.empty()) {
    std::string finding = test(readFile(arguments.file));
    return std::printf("%s\n", finding.empty() ? "no finding" : finding.c_str()), !finding.empty();
  }
  startCoverage();
  void *shared = mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED)
    return std::perror("mmap"), 1;
  report = static_cast<Report *>(shared);
  void *warm[1];
  backtrace(warm, 1); // loads what it needs before a signal handler does
  std::vector<std::string> files;
  if (!arguments.replay.empty()) {
    files = filesOf({arguments.replay}, {ending});
    if (files.empty())
      return std::fprintf(stderr, "%s has no file that ends in %s\n", arguments.replay.c_str(), ending.c_str()), 1;
  }
  const std::string log = "/tmp/sinter-fuzz-" + std::to_string(getpid()) + ".log";
  const Clock::time_point end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(arguments.seconds));
  const Clock::time_point start = Clock::now();
  std::map<std::string, int> seen;
  uint64_t cases = 0, accepted = 0, findings = 0;
  for (; arguments.replay.empty() ? cases < arguments.count && Clock::now() < end : cases < files.size(); ++cases) {
    const uint64_t seed = arguments.seed + cases;
    Choices choices(seed);
    std::string input = files.empty() ? make(choices) : readFile(files[cases]), finding = runInChild(test, input, log);
    accepted += report->outcome == static_cast<int>(Outcome::Accepted);
    constexpr size_t maxBytes = 65536; // of what is kept
    if (takeNewPlaces() && input.size() <= maxBytes) {
      reached.push_back(input);
      if (!arguments.newPlaces.empty())
        writeFile(arguments.newPlaces + "/new-" + std::to_string(seed) + ending, input);
    }
    if (finding.empty())
      continue;
    ++findings;
    if (int &times = seen[signature(finding)]; ++times <= 2) {
      std::string path = files.empty() ? arguments.keep + "/finding-" + std::to_string(seed) + ending : files[cases];
      if (files.empty())
        writeFile(path, input);
      std::printf("FINDING seed %llu, kept as %s: %s\n", static_cast<unsigned long long>(seed), path.c_str(),
                  finding.c_str());
      std::fflush(stdout);
    }
  }
  std::remove(log.c_str());
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf("%llu cases from seed %llu, %llu accepted, %llu findings of %zu kinds; %.1f cases a second",
              static_cast<unsigned long long>(cases), static_cast<unsigned long long>(arguments.seed),
              static_cast<unsigned long long>(accepted), static_cast<unsigned long long>(findings), seen.size(),
              static_cast<double>(cases) / std::max(seconds, 1e-3));
  if (size_t places = placesReached())
    std::printf("; %zu places reached, %zu inputs reached new ones", places, reached.size());
  std::printf("\n");
  return cases == 0 || findings > 0;
}

std::string faultOf(const Failure &failure) {
  if (failure.code == ErrorCode::Internal)
    return "internal error: " + failure.message;
  return failure.message.empty() ? "an error without a message" : "";
}

} // namespace sinter::fuzz
