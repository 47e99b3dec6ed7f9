// The host's side. posix_spawn, not fork: the host may have threads, whose locks a forked child would inherit held; a
// new program inherits nothing but the descriptors that it is given. It is a program of ours beside the library, since
// LLVM in the host's own image is what must not run.
#include "api/Isolate.h"
#include "api/Errors.h"
#include "api/IsolateWords.h"
#include "api/Specialise.h"
#include "codegen/Output.h"
#include "runtime/Descriptor.h"
#include "runtime/MappedFile.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>
#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sinter::api {
namespace {

/// sinter/sinter-isolated in the folder of this library.
std::string helperPath() {
  Dl_info self;
  if (!dladdr(reinterpret_cast<void *>(&sinter_compile), &self) || !self.dli_fname)
    return "";
  std::string path = self.dli_fname;
  path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1);
  return path + "sinter/sinter-isolated";
}

/// The descriptor behind those that the child gets, so that none is overwritten before it is moved.
int moveUp(int descriptor) {
  constexpr int first = 16;
  if (descriptor < 0)
    return descriptor;
  int moved = ::fcntl(descriptor, F_DUPFD_CLOEXEC, first);
  ::close(descriptor);
  return moved;
}

sinter_error_t *cannotStart(const std::string &program, int number) {
  if (number == ENOENT)
    return error(SINTER_IO,
                 fmt::format("the option 'isolate' needs the program '{}', which is missing: install it with libsinter",
                             program));
  return error(number == ENOMEM ? SINTER_OUT_OF_MEMORY : SINTER_IO,
               fmt::format("cannot start '{}': {}", program, std::strerror(number)));
}

/// A process that compiles.
class Child {
public:
  Child() = default;
  ~Child() {
    kill();
    end();
  }
  Child(const Child &) = delete;
  Child &operator=(const Child &) = delete;

  sinter_error_t *start(const IsolateRequest &request) {
    std::string program = helperPath();
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      return cannotStart(program, errno);
    bool hasContent = request.verb == "content";
    socket.emplace(moveUp(ends[0]));
    complaints.emplace(moveUp(memfd_create("sinter-complaints", MFD_CLOEXEC)));
    Descriptor theirs(moveUp(ends[1])), content(hasContent ? moveUp(memfd_create("sinter-model", MFD_CLOEXEC)) : -1);
    if (content.fd >= 0 && !fill(content.fd, request.content))
      return error(SINTER_OUT_OF_MEMORY,
                   fmt::format("not enough memory to hand over a model of {} bytes", request.content.size()));
    if (socket->fd < 0 || theirs.fd < 0 || complaints->fd < 0 || (hasContent && content.fd < 0))
      return cannotStart(program, errno);

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    // The standard output is the child's where it is the output.
    if (request.output != standardOutput)
      posix_spawn_file_actions_adddup2(&actions, complaints->fd, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, complaints->fd, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, theirs.fd, isolateSocket);
    if (content.fd >= 0)
      posix_spawn_file_actions_adddup2(&actions, content.fd, isolateContent);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    posix_spawn_file_actions_addclosefrom_np(&actions, isolateContent + (content.fd >= 0));
#endif
    // Signals as a new program expects them; those of a terminal are the host's business.
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    char name[] = "sinter-isolated", *arguments[] = {name, nullptr};
    std::fflush(stdout);
    pid_t made = 0;
    int number = ::posix_spawn(&made, program.c_str(), &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (number != 0)
      return cannotStart(program, number);
    process = made;
    return nullptr;
  }

  void kill() const {
    if (process > 0)
      ::kill(process, SIGKILL);
  }
  /// Waits until it has ended, without taking its number from it: what it left on disk carries that.
  void await() const {
    siginfo_t info;
    while (process > 0 && ::waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOWAIT) != 0 &&
           errno == EINTR) {
    }
  }
  /// Its status, as waitpid tells it; nothing where the host's own handling of SIGCHLD took that.
  std::optional<int> end() {
    if (process <= 0)
      return std::nullopt;
    int status = 0;
    pid_t got;
    while ((got = ::waitpid(process, &status, 0)) < 0 && errno == EINTR) {
    }
    process = 0;
    return got > 0 ? std::optional(status) : std::nullopt;
  }
  pid_t id() const { return process; }

  /// The end of what it printed.
  std::string complaint() const {
    constexpr off_t most = 2000;
    struct stat info = {};
    ::fstat(complaints->fd, &info);
    std::string text(static_cast<size_t>(std::min(info.st_size, most)), '\0');
    ssize_t got = ::pread(complaints->fd, text.data(), text.size(), info.st_size - static_cast<off_t>(text.size()));
    text.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
    return text;
  }

  std::optional<Descriptor> socket;

private:
  static bool fill(int descriptor, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      ssize_t put = ::write(descriptor, bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR)
        continue;
      if (put <= 0)
        return false;
      bytes = bytes.subspan(static_cast<size_t>(put));
    }
    return true;
  }

  std::optional<Descriptor> complaints;
  pid_t process = 0;
};

/// Why a process that answered nothing ended.
sinter_error_t *explainEnd(const std::optional<int> &status, const std::string &complaint) {
  bool lacksMemory =
      complaint.find("out of memory") != complaint.npos || complaint.find("bad_alloc") != complaint.npos ||
      complaint.find("llocation failed") != complaint.npos || complaint.find("annot allocate memory") != complaint.npos;
  if (lacksMemory)
    return error(SINTER_OUT_OF_MEMORY, "out of memory: the model or its shapes are too large");
  if (status && WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL)
    return error(SINTER_IO, "the process that compiled was killed, which systems do, too, where memory runs out");
  std::string end = !status                ? "ended"
                    : WIFSIGNALED(*status) ? fmt::format("ended by signal {}", WTERMSIG(*status))
                                           : fmt::format("ended with status {}", WEXITSTATUS(*status));
  std::string_view line = complaint;
  line = line.substr(0, line.find('\n'));
  return error(SINTER_INTERNAL,
               fmt::format("the process that compiled {}: the model or its shapes may be too large{}{}", end,
                           line.empty() ? "" : ": ", line));
}

/// Removes the temporary files of a child that ended while it wrote.
void sweep(const IsolateRequest &request, const sinter_options &options, pid_t process) {
  if (request.output.empty())
    return;
  for (const std::string &path : {request.output, headerPath(request.output), options.compile.weightsFile})
    if (!path.empty())
      removeTemporariesOf(path, process);
}

} // namespace

sinter_error_t *isolate(const IsolateRequest &request, const sinter_options &options, std::string *text) {
  for (std::string_view folder : {"/dev/fd/", "/proc/self/fd/"})
    if (request.output.starts_with(folder))
      return error(SINTER_UNSUPPORTED,
                   "the option 'isolate' cannot write to a descriptor of this process: give the output a name");
  Child child;
  if (sinter_error_t *failed = child.start(request))
    return failed;
  auto say = [&](std::string_view word) { return sendWord(child.socket->fd, word); };
  bool isTold = say(sinter_version()) && say(request.verb) && say(request.path) && say(bytesOf(&request.format, 1)) &&
                say(request.output) && say(request.emit) && say(bytesOf(&options.isolateMemory, 1));
  for (const std::vector<std::string> &call : options.calls)
    for (const std::string &word : call)
      isTold = isTold && say(word);
  if (options.progress)
    isTold = isTold && say("tells") && say("");
  if (options.warning)
    isTold = isTold && say("warns") && say("");
  isTold = isTold && say("end");

  sinter_error_t *failed = nullptr;
  bool isDone = false, isCancelled = false;
  double last = 0;
  while (isTold && !isDone && !failed) {
    std::optional<std::string> kind = receiveWord(child.socket->fd);
    if (!kind)
      break;
    std::optional<std::string> first = receiveWord(child.socket->fd);
    if (!first)
      break;
    if (*kind == "done") {
      isDone = true;
      if (text)
        *text = std::move(*first);
    } else if (std::optional<std::string> second = receiveWord(child.socket->fd); !second) {
      break;
    } else if (*kind == "failed") {
      failed = sinter_error_create(valueOf<int32_t>(*first), second->c_str());
    } else if (*kind == "warning") {
      if (options.warning)
        options.warning(options.warningContext, first->c_str());
    } else {
      last = std::max(last, valueOf<double>(*second));
      isCancelled = options.progress && options.progress(options.progressContext, first->c_str(), last) != 0;
      if (isCancelled)
        break;
    }
  }
  if (!isDone && !failed)
    child.kill(); // or it has ended
  if (!isDone) {
    child.await();
    sweep(request, options, child.id());
  }
  std::optional<int> status = child.end();
  if (isCancelled)
    return error(SINTER_CANCELLED, "the compilation was cancelled");
  return isDone || failed ? failed : explainEnd(status, child.complaint());
}

sinter_error_t *isolateCompile(IsolateRequest request, const sinter_options &options, sinter_model_t **model) {
  if (options.open == OpenModels::Always)
    return error(SINTER_UNSUPPORTED,
                 "the option 'isolate' compiles models for fixed shapes: leave 'open' out, and give the shapes");
  const char *folder = std::getenv("TMPDIR");
  codegen::Scratch library(std::string(folder && *folder ? folder : "/tmp") + "/sinter");
  request.output = library.path;
  request.emit = "so";
  if (sinter_error_t *failed = isolate(request, options))
    return failed;
  Expected<std::shared_ptr<const MappedFile>> file = MappedFile::open(library.path);
  if (!file)
    return error(file.failure());
  Expected<std::shared_ptr<Model>> loaded = Model::load(library.path);
  // Where the folder for temporaries holds no programs.
  if (!loaded)
    loaded = Model::loadBytes((*file)->bytes());
  if (!loaded)
    return error(loaded.failure());
  auto save = [file = *file](const std::string &path) -> Status {
    OutputSet output;
    Expected<std::string> temporary = output.add(path, /*isExecutable=*/true);
    if (!temporary)
      return temporary.failure();
    auto bytes = file->bytes();
    Status status = codegen::fillOutput(*temporary, path, [&](llvm::raw_ostream &out) {
      out.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    });
    return status.ok() ? output.commit() : status;
  };
  const SinterModel *table = &(*loaded)->abi();
  return handOutCompiled(std::make_shared<CompiledModel>(table, std::move(*loaded), std::move(save)), model);
}

} // namespace sinter::api
