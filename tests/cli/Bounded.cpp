// Forks, sets RLIMIT_CPU, runs the program, and reads time and memory from wait4.
#include "tests/cli/Bounded.h"
#include "tests/cli/Cli.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sinter::cli {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool isSanitised = true;
#else
constexpr bool isSanitised = false;
#endif

struct Usage {
  int status = -1; ///< -1: a signal ended it
  int signal = 0;
  double seconds = 0, megabytes = 0;
  std::string err;
};

/// Runs a program whose processor time is limited by the system.
Usage runLimited(const std::vector<std::string> &words) {
  std::string err = pathOf("hostile.err");
  pid_t child = ::fork();
  if (child == 0) {
    constexpr rlim_t seconds = isSanitised ? 200 : 10;
    rlimit time{seconds, seconds + 1}, core{0, 0};
    ::setrlimit(RLIMIT_CPU, &time);
    ::setrlimit(RLIMIT_CORE, &core);
    int null = ::open("/dev/null", O_RDWR), file = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(null, 0), ::dup2(null, 1), ::dup2(file, 2);
    std::vector<char *> arguments;
    for (const std::string &word : words)
      arguments.push_back(const_cast<char *>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  int status = 0;
  rusage used{};
  ::wait4(child, &status, 0, &used);
  Usage usage;
  usage.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  usage.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  auto seconds = [](const timeval &time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  usage.seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
  usage.megabytes = static_cast<double>(used.ru_maxrss) / 1024;
  usage.err = readText("hostile.err");
  return usage;
}

} // namespace

size_t countOf(const std::string &text, std::string_view part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
    ++count;
  return count;
}

void expectBounded(const std::vector<std::string> &words) {
  Usage usage = runLimited(words);
  std::string said = words[0].substr(words[0].rfind('/') + 1);
  for (size_t i = 1; i < words.size(); ++i)
    said += " " + words[i].substr(0, 200);
  SCOPED_TRACE(
      fmt::format("{}\n{:.1f} s, {:.0f} MB\n{}", said, usage.seconds, usage.megabytes, usage.err.substr(0, 2000)));
  EXPECT_TRUE(usage.status == 0 || usage.status == 1) << "signal " << usage.signal;
  if (!isSanitised) {
    EXPECT_LT(usage.megabytes, words[1] == "inspect" ? 500 : 2048);
  }
  if (usage.status == 1) {
    EXPECT_EQ(countOf(usage.err, "error: "), 1u);
    // The line before it may name the target, or warn.
    EXPECT_EQ(usage.err.find('\n', usage.err.find("error: ")), usage.err.size() - 1) << "more than a sentence";
  }
  EXPECT_EQ(usage.err.find("LLVM ERROR"), std::string::npos);
  EXPECT_TRUE(std::none_of(usage.err.begin(), usage.err.end(),
                           [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\n'; }));
}

void expectBoundedCompile(const std::string &path) {
  std::string output = pathOf("hostile.so");
  std::filesystem::remove(output);
  expectBounded({SINTER_PROGRAM, "inspect", path});
  expectBounded({SINTER_PROGRAM, "compile", path, "-o", output});
}

} // namespace sinter::cli
