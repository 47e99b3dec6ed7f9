// Limits first, then Landlock, which says where files may be written, then seccomp, which says what else may be asked
// of the kernel.
#include "tools/sinter/Sandbox.h"

#include "codegen/Output.h"
#include "runtime/MappedFile.h"
#include "runtime/Output.h"
#include "tools/sinter/SandboxCalls.h"
#include "tools/sinter/SandboxFiles.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <llvm/Support/raw_ostream.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sinter {
namespace {

void onTimeUp(int) {
  removeTemporaries();
  constexpr std::string_view text =
      "sinter: error: the sandbox's limit of processor time is reached: raise it (--sandbox-seconds)\n";
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0)
    ::_exit(1);
  ::_exit(1);
}

/// Lowers a limit; never raises one.
void lower(int resource, rlim_t soft, rlim_t hard) {
  rlimit limit;
  auto kind = static_cast<decltype(RLIMIT_CORE)>(resource);
  if (::getrlimit(kind, &limit) != 0)
    return;
  limit.rlim_max = std::min(limit.rlim_max, hard);
  limit.rlim_cur = std::min({limit.rlim_cur, soft, limit.rlim_max});
  ::setrlimit(kind, &limit);
}

void setLimits(const SandboxPolicy &policy) {
  lower(RLIMIT_CORE, 0, 0);
  lower(RLIMIT_DATA, static_cast<rlim_t>(policy.memory), static_cast<rlim_t>(policy.memory));
  auto seconds = static_cast<rlim_t>(policy.seconds);
  std::signal(SIGXCPU, onTimeUp);
  lower(RLIMIT_CPU, seconds, seconds + 2);
}

/// Blocks what this process waits for while a child runs.
class WaitedSignals {
public:
  WaitedSignals() {
    sigemptyset(&set);
    for (int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD})
      sigaddset(&set, number);
    pthread_sigmask(SIG_BLOCK, &set, &before);
  }
  ~WaitedSignals() { restore(); }
  WaitedSignals(const WaitedSignals &) = delete;
  WaitedSignals &operator=(const WaitedSignals &) = delete;
  void restore() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }

  sigset_t set;

private:
  sigset_t before;
};

} // namespace

Expected<std::string> enterSandbox(const SandboxPolicy &policy) {
  setLimits(policy);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return Failure{ErrorCode::Unsupported, fmt::format("the process cannot be confined: {}", std::strerror(errno))};
  std::string missing;
  auto lacks = [&](const char *what) { missing += (missing.empty() ? "" : "; it ") + std::string(what); };
  if (!confineFiles(policy.writable))
    lacks("has no Landlock: a reader that is taken over could write to other files");
  if (!confineCalls())
    lacks("has no seccomp: a reader that is taken over could use the network and start programs");
  return missing;
}

Expected<int> runConfined(const SandboxPolicy &policy, const std::function<int()> &work,
                          const std::function<void(const std::string &)> &warn, const std::function<void()> &cleanUp) {
  std::fflush(nullptr);
  WaitedSignals signals;
  pid_t parent = ::getpid(), child = ::fork();
  if (child < 0)
    return Failure{ErrorCode::OutOfMemory, fmt::format("cannot start a process: {}", std::strerror(errno))};
  if (child == 0) {
    signals.restore();
    // Should the parent be killed, nobody would take what is written.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent)
      ::_exit(1);
    Expected<std::string> missing = enterSandbox(policy);
    if (missing && !missing->empty())
      warn(*missing);
    int status = missing ? work() : 1;
    if (!missing)
      warn(missing.failure().message);
    std::fflush(nullptr);
    ::_exit(status);
  }
  auto kill = [&](int &status) {
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
  };
  time_t end = ::time(nullptr) + policy.seconds;
  for (int status = 0;;) {
    if (pid_t ended = ::waitpid(child, &status, WNOHANG); ended == child) {
      if (WIFEXITED(status))
        return WEXITSTATUS(status);
      int number = WTERMSIG(status);
      return Failure{ErrorCode::Internal,
                     fmt::format("the confined process was ended by signal {} ({}): nothing is written", number,
                                 ::strsignal(number))};
    }
    timespec wait{std::max<time_t>(end - ::time(nullptr), 0), 0};
    int number = ::sigtimedwait(&signals.set, nullptr, &wait);
    if (number == SIGCHLD || (number < 0 && errno == EINTR))
      continue;
    kill(status);
    cleanUp();
    if (number < 0)
      return Failure{
          ErrorCode::Unsupported,
          fmt::format("the model takes longer than the sandbox's limit of {} seconds: raise it (--sandbox-seconds)",
                      policy.seconds)};
    std::signal(number, SIG_DFL);
    std::raise(number);
    signals.restore();
    ::_exit(1);
  }
}

//===- Outputs ------------------------------------------------------------===//

namespace fs = std::filesystem;

Expected<SandboxOutputs> SandboxOutputs::beside(const std::string &output) {
  std::error_code error;
  fs::path folder = fs::path(output).parent_path();
  for (const fs::path &place : {isStream(output) ? fs::temp_directory_path(error)
                                : folder.empty() ? fs::path(".")
                                                 : folder,
                                fs::temp_directory_path(error)}) {
    std::string name = (place / ".sinter-XXXXXX").string();
    if (::mkdtemp(name.data()))
      return SandboxOutputs(fs::absolute(name, error).string());
  }
  return Failure{ErrorCode::Io, fmt::format("cannot make a folder beside '{}' or among temporary files: {}", output,
                                            std::strerror(errno))};
}

SandboxOutputs::~SandboxOutputs() { remove(); }

void SandboxOutputs::remove() {
  std::error_code error;
  if (!folder_.empty())
    fs::remove_all(folder_, error);
}

std::vector<std::string> SandboxOutputs::writable() const {
  std::vector<std::string> all = streams_;
  all.push_back(folder_);
  return all;
}

std::string SandboxOutputs::standIn(const std::string &path, bool isExecutable) {
  if (isStream(path)) {
    streams_.push_back(path);
    return path;
  }
  // Outputs of different folders may have one name.
  fs::path folder = fs::path(folder_) / std::to_string(products_.size());
  std::error_code error;
  fs::create_directory(folder, error);
  std::string standIn = (folder / fs::path(path).filename()).string();
  products_.push_back({standIn, path, isExecutable, /*isOptional=*/false});
  return standIn;
}

void SandboxOutputs::expectBeside(const std::string &path) {
  fs::path last = products_.back().standIn;
  products_.push_back(
      {(last.parent_path() / fs::path(path).filename()).string(), path, /*isExecutable=*/false, /*isOptional=*/true});
}

Status SandboxOutputs::commit() {
  OutputSet outputs;
  for (const Product &product : products_) {
    std::error_code error;
    // The process that wrote here is not trusted: no link leads from its folder.
    fs::file_type type = fs::symlink_status(product.standIn, error).type();
    if (type == fs::file_type::not_found && product.isOptional)
      continue;
    if (type != fs::file_type::regular)
      return {ErrorCode::Internal, fmt::format("the confined process left no file for '{}'", product.path)};
    Expected<std::shared_ptr<const MappedFile>> written = MappedFile::open(product.standIn);
    if (!written)
      return written.failure();
    Expected<std::string> temporary = outputs.add(product.path, product.isExecutable);
    if (!temporary)
      return temporary.failure();
    auto write = [&](llvm::raw_ostream &out) {
      out.write(reinterpret_cast<const char *>((*written)->bytes().data()), (*written)->bytes().size());
    };
    if (Status status = codegen::fillOutput(*temporary, product.path, write); !status.ok())
      return status;
  }
  return outputs.commit();
}

} // namespace sinter
