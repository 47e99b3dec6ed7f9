// posix_spawn of /proc/self/exe with both output streams in one pipe.
#include "tools/sinter/Process.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace sinter {
namespace {

constexpr size_t keptBytes = 65536;

/// Reads until the end, keeping the tail; false if the deadline passed first.
bool drain(int fd, std::chrono::steady_clock::time_point deadline, std::string &output) {
  char buffer[4096];
  while (true) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0)
      return false;
    pollfd poller{fd, POLLIN, 0};
    int ready = ::poll(&poller, 1, static_cast<int>(std::min<int64_t>(left, 1000)));
    if (ready == 0 || (ready < 0 && errno == EINTR))
      continue;
    ssize_t got = ready < 0 ? -1 : ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return true;
    output.append(buffer, static_cast<size_t>(got));
    if (output.size() > 2 * keptBytes)
      output.erase(0, output.size() - keptBytes);
  }
}

/// Waits for the process to end; false if the deadline passed first.
bool await(pid_t child, std::chrono::steady_clock::time_point deadline, int &status) {
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    ::usleep(1000);
  }
  return true;
}

} // namespace

Expected<ProcessResult> runSelf(const std::vector<std::string> &arguments, double seconds) {
  auto fail = [](int error) {
    return Failure{ErrorCode::Io, fmt::format("cannot start a process: {}", std::strerror(error))};
  };
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return fail(errno);
  std::vector<char *> argv{const_cast<char *>("sinter")};
  for (const std::string &argument : arguments)
    argv.push_back(const_cast<char *>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  pid_t child;
  int error = ::posix_spawn(&child, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    return fail(error);
  }

  ProcessResult result;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                                         std::chrono::duration<double>(seconds));
  int status = 0;
  result.timedOut = !drain(ends[0], deadline, result.output) || !await(child, deadline, status);
  if (result.timedOut) {
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
  }
  ::close(ends[0]);
  result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  result.exitStatus = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  return result;
}

} // namespace sinter
