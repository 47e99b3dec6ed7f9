// A filter of seccomp, which is a program of the classic BPF: it sees the number of a call and its arguments, not what
// pointers lead to. Calls are listed that no reader of models needs; what is not listed works, so that C libraries may
// change what they call.
#include "tools/sinter/SandboxCalls.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace sinter {
namespace {

#if defined(__x86_64__)
constexpr uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t architecture = AUDIT_ARCH_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
constexpr uint32_t architecture = AUDIT_ARCH_RISCV64;
#else
constexpr uint32_t architecture = 0;
#endif

/// Calls that fail whatever their arguments. Those without a name in the C library's headers have the same number
/// everywhere.
constexpr uint32_t refused[] = {
    // The network.
    SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_sendto, SYS_sendmsg,
    SYS_sendmmsg,
    // Other programs and processes.
    SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_tkill, SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_pidfd_getfd, SYS_kcmp, SYS_process_madvise,
    SYS_setpgid, SYS_setsid,
#ifdef SYS_fork
    SYS_fork, SYS_vfork,
#endif
    // Names, owners, permissions and attributes of files, which Landlock does not know.
    SYS_fchmodat, SYS_fchmod, SYS_fchown, SYS_fchownat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr,
    SYS_lremovexattr, SYS_fremovexattr, SYS_utimensat, SYS_mknodat, SYS_linkat, SYS_symlinkat, SYS_open_by_handle_at,
    SYS_name_to_handle_at, SYS_chroot, 452 /* fchmodat2 */, 463 /* setxattrat */, 466 /* removexattrat */,
    469 /* file_setattr */,
#ifdef SYS_chmod
    SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat, SYS_mknod, SYS_link, SYS_symlink,
#endif
    // The system.
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_move_mount, SYS_open_tree, SYS_fsopen, SYS_fsconfig, SYS_fsmount,
    SYS_fspick, 442 /* mount_setattr */, SYS_unshare, SYS_setns, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd,
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_add_key, SYS_request_key, SYS_keyctl,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct,
    SYS_quotactl, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_sethostname,
    SYS_setdomainname, SYS_syslog, SYS_personality, SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid,
    SYS_setresgid, SYS_setgroups, SYS_setfsuid, SYS_setfsgid, SYS_capset,
#ifdef SYS_iopl
    SYS_iopl, SYS_ioperm, SYS_kexec_file_load,
#endif
    // Memory that other processes have.
    SYS_shmget, SYS_shmat, SYS_msgget, SYS_semget, SYS_mq_open};

class Filter {
public:
  void loadField(uint32_t offset) { add(BPF_LD | BPF_W | BPF_ABS, offset); }
  /// The low half of an argument; the high one is nought for what is compared here, or the call fails in the kernel.
  void loadArgument(unsigned number) { loadField(static_cast<uint32_t>(offsetof(seccomp_data, args) + 8 * number)); }
  void answer(uint32_t action) { add(BPF_RET | BPF_K, action); }
  /// Skips the next `count` instructions unless the loaded word is `value`.
  void unlessEqual(uint32_t value, uint8_t count) {
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count));
  }
  void ifEqual(uint32_t value, uint8_t count) { code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, count, 0)); }
  void keepBits(uint32_t mask) { add(BPF_ALU | BPF_AND | BPF_K, mask); }
  void loadNumber() { loadField(offsetof(seccomp_data, nr)); }

  /// A rule for the call `number`: it fails where bits `mask` of the argument are `value`, or, with `others`, are not.
  void denyArgument(uint32_t number, unsigned argument, uint32_t mask, uint32_t value, bool others = false) {
    unlessEqual(number, 5);
    loadArgument(argument);
    keepBits(mask);
    others ? ifEqual(value, 1) : unlessEqual(value, 1);
    answer(denial);
    loadNumber();
  }
  /// Whether the kernel took it.
  bool install() {
    sock_fprog program = {static_cast<unsigned short>(code.size()), code.data()};
    return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
  }

  static constexpr uint32_t denial = SECCOMP_RET_ERRNO | EPERM;

private:
  void add(uint16_t what, uint32_t operand) { code.push_back(BPF_STMT(what, operand)); }
  std::vector<sock_filter> code;
};

} // namespace

bool confineCalls() {
  if (architecture == 0)
    return false;
  Filter filter;
  filter.loadField(offsetof(seccomp_data, arch));
  filter.ifEqual(architecture, 1);
  filter.answer(SECCOMP_RET_KILL_PROCESS);
  filter.loadNumber();
#if defined(__x86_64__)
  // The numbers of x32 mean the same calls again.
  filter.keepBits(0xc0000000);
  filter.ifEqual(0, 1);
  filter.answer(Filter::denial);
  filter.loadNumber();
#endif
  for (uint32_t number : refused) {
    filter.unlessEqual(number, 1);
    filter.answer(Filter::denial);
  }
  // Threads, but no processes. clone3 has its flags in memory, where a filter does not see them; C libraries then use
  // clone.
  filter.unlessEqual(SYS_clone3, 1);
  filter.answer(SECCOMP_RET_ERRNO | ENOSYS);
  filter.denyArgument(SYS_clone, 0, CLONE_THREAD, 0);
  auto self = static_cast<uint32_t>(::getpid());
  for (uint32_t number : {SYS_kill, SYS_tgkill})
    filter.denyArgument(number, 0, ~0u, self, /*others=*/true);
  filter.denyArgument(SYS_prlimit64, 0, ~0u, 0, /*others=*/true);
  // Calls that put input into a terminal, as if it had been typed.
  for (uint32_t command : {0x5412u /* TIOCSTI */, 0x541cu /* TIOCLINUX */})
    filter.denyArgument(SYS_ioctl, 1, ~0u, command);
  filter.answer(SECCOMP_RET_ALLOW);
  return filter.install();
}

} // namespace sinter
