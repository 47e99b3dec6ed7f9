// Confines itself as `sinter compile --sandbox` does and tries what a reader that is taken over would try; or runs a
// program as on a kernel that lacks something.
//
//   confined try FOLDER                       writes into FOLDER, and nothing else works; 77 where it cannot confine
//   confined without landlock|seccomp CMD...  CMD, on a kernel without it
//   confined unwritable-code CMD...           CMD, whose memory cannot be writable and executable
#include "tools/sinter/Sandbox.h"
#include "tools/sinter/SandboxCalls.h"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

int failures = 0;

/// Expects that the call failed for want of permission.
void refused(const char *what, long result) {
  bool isRefused = result < 0 && (errno == EPERM || errno == EACCES);
  failures += !isRefused;
  std::printf("%-40s %s\n", what, isRefused ? "refused" : result < 0 ? std::strerror(errno) : "POSSIBLE");
}
void allowed(const char *what, bool isDone) {
  failures += !isDone;
  std::printf("%-40s %s\n", what, isDone ? "possible" : std::strerror(errno));
}

bool create(const std::string &path) {
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  return file >= 0 && ::write(file, "x", 1) == 1 && ::close(file) == 0;
}

int tryAll(const std::string &folder) {
  std::string inside = folder + "/inside", outside = folder + "/outside";
  ::mkdir(inside.c_str(), 0755);
  ::mkdir(outside.c_str(), 0755);
  std::string victim = outside + "/victim";
  if (!create(victim))
    return 1;
  int readOnly = ::open(victim.c_str(), O_RDONLY);
  sinter::SandboxPolicy policy;
  policy.writable = {inside};
  policy.memory = int64_t(1) << 30;
  sinter::Expected<std::string> missing = sinter::enterSandbox(policy);
  if (!missing || !missing->empty()) {
    std::printf("this system %s\n", missing ? missing->c_str() : missing.failure().message.c_str());
    return 77;
  }
  // Threads inherit it.
  std::thread([&] {
    allowed("a file in the folder", create(inside + "/a"));
    allowed("renaming it", ::rename((inside + "/a").c_str(), (inside + "/b").c_str()) == 0);
    allowed("removing it", ::unlink((inside + "/b").c_str()) == 0);
    allowed("a folder in the folder", ::mkdir((inside + "/c").c_str(), 0755) == 0);
    allowed("reading elsewhere", ::access(victim.c_str(), R_OK) == 0 && ::open(victim.c_str(), O_RDONLY) >= 0);
    refused("a file elsewhere", create(outside + "/new") ? 0 : -1);
    refused("writing to a file elsewhere", ::open(victim.c_str(), O_WRONLY));
    refused("emptying a file elsewhere", ::truncate(victim.c_str(), 0));
    refused("removing a file elsewhere", ::unlink(victim.c_str()));
    refused("renaming a file into the folder", ::rename(victim.c_str(), (inside + "/d").c_str()));
    refused("a folder elsewhere", ::mkdir((outside + "/e").c_str(), 0755));
    refused("a link in the folder", ::symlink(victim.c_str(), (inside + "/f").c_str()));
    refused("a second name in the folder", ::link(victim.c_str(), (inside + "/g").c_str()));
    refused("permissions of a file elsewhere", ::chmod(victim.c_str(), 0777));
    refused("the same through a descriptor", ::fchmod(readOnly, 0777));
    refused("owner of a file elsewhere", ::chown(victim.c_str(), 1, 1));
    refused("a socket of the internet", ::socket(AF_INET, SOCK_STREAM, 0));
    refused("a local socket", ::socket(AF_UNIX, SOCK_STREAM, 0));
    refused("another program", ::execl("/bin/true", "true", nullptr));
    refused("a process", ::fork());
    refused("tracing the parent", ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr));
    refused("a signal to the parent", ::kill(::getppid(), 0));
    refused("mounting", ::syscall(SYS_mount, "none", inside.c_str(), "tmpfs", 0, nullptr));
    refused("namespaces", ::syscall(SYS_unshare, 0x10000000));
    refused("limits of the parent", ::syscall(SYS_prlimit64, ::getppid(), RLIMIT_CORE, nullptr, nullptr));
    rlimit more = {RLIM_INFINITY, RLIM_INFINITY};
    bool isRaised = ::setrlimit(RLIMIT_DATA, &more) == 0 && ::mmap(nullptr, size_t(2) << 30, PROT_READ | PROT_WRITE,
                                                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
    // Root may raise its limits.
    if (::geteuid() != 0)
      refused("more memory", isRaised ? 0 : (errno = EPERM, -1));
  }).join();
  struct stat info;
  allowed("the file elsewhere is as it was",
          ::stat(victim.c_str(), &info) == 0 && info.st_size == 1 && (info.st_mode & 0777) == 0644);
  return failures ? 1 : 0;
}

/// Makes one system call fail with `error`, where its argument is `value` if that is not negative.
void withoutCall(uint32_t number, uint32_t error, int64_t value = -1) {
  bool always = value < 0;
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
      BPF_JUMP(BPF_JMP | (always ? BPF_JGE : BPF_JEQ) | BPF_K, always ? 0 : static_cast<uint32_t>(value), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  sock_fprog program = {std::size(code), code};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
    std::exit(77);
}

/// Makes memory that is writable and executable fail.
void withoutWritableCode() {
  sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 2, 0),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 1, 0),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
                        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args) + 16),
                        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROT_WRITE | PROT_EXEC, 0, 1),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  sock_fprog program = {std::size(code), code};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
    std::exit(77);
}

} // namespace

int main(int argc, char **argv) {
  std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "try" && argc == 3)
    return tryAll(argv[2]);
  int command = mode == "without" ? 3 : 2;
  if (argc <= command)
    return 2;
  if (mode == "without" && std::string(argv[2]) == "landlock")
    withoutCall(444, ENOSYS);
  else if (mode == "without")
    withoutCall(SYS_prctl, EINVAL, PR_SET_SECCOMP);
  else
    withoutWritableCode();
  ::execv(argv[command], argv + command);
  return 2;
}
