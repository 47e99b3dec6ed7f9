// Handlers are installed before main; each removes temporary files, writes one line without allocating, and exits.
#include "tools/sinter/LastWord.h"
#include "runtime/Output.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <llvm/Support/ErrorHandling.h>
#include <new>
#include <unistd.h>

namespace sinter {
namespace {

/// Memory is short for all threads at once: the first has the word, the others wait for its end.
void takeTheWord() {
  static std::atomic<bool> isTaken = false;
  while (isTaken.exchange(true))
    ::pause();
}

/// Memory may be short: nothing is allocated, and destructors do not run.
[[noreturn]] void end(const char *what, const char *detail) {
  takeTheWord();
  removeTemporaries();
  char text[512];
  int length = std::snprintf(text, sizeof text, "sinter: error: %s%s%.200s%s\n", what, *detail ? " (" : "", detail,
                             *detail ? ")" : "");
  if (length > 0 && ::write(STDERR_FILENO, text, std::min<size_t>(static_cast<size_t>(length), sizeof text - 1)) < 0)
    ::_exit(1);
  ::_exit(1);
}

constexpr const char *outOfMemory = "out of memory: the model or its shapes are too large";

void onFatalError(void *, const char *reason, bool) {
  end("the compiler cannot go on: the model or its shapes may be too large", reason);
}

void onBadAlloc(void *, const char *, bool) { end(outOfMemory, ""); }

/// Where operator new finds no memory. An exception would pass through functions of LLVM's, which are compiled without
/// them: what these leave half done is then destroyed, or waited for.
void onNoMemory() { end(outOfMemory, ""); }

/// abort() by code that asks nobody before.
void onAbort(int) { end("the compiler cannot go on: the model or its shapes may be too large", "it was aborted"); }

/// A crash ends as one, with nothing left on disk.
void onCrash(int signal, siginfo_t *info, void *) {
  // MLIR does not look at every pointer that malloc gives it.
  constexpr uintptr_t firstPages = 1 << 16;
  if (signal == SIGSEGV && errno == ENOMEM && reinterpret_cast<uintptr_t>(info->si_addr) < firstPages)
    end(outOfMemory, "");
  // Files are mapped: what somebody cuts off while it is read is gone.
  if (signal == SIGBUS && info->si_code == BUS_ADRERR)
    end("a file became shorter while it was read: run the command again", "");
  takeTheWord();
  removeTemporaries();
  constexpr char text[] = "sinter: error: the compiler crashed: please report it with the model\n";
  if (::write(STDERR_FILENO, text, sizeof text - 1) < 0)
    ::_exit(1);
  std::signal(signal, SIG_DFL);
  ::raise(signal); // blocked until this returns
}

[[noreturn]] void onTerminate() {
  try {
    if (std::exception_ptr thrown = std::current_exception())
      std::rethrow_exception(thrown);
  } catch (const std::bad_alloc &) {
    end(outOfMemory, "");
  } catch (const std::exception &error) {
    end("the compiler cannot go on", error.what());
  } catch (...) {
  }
  end("the compiler cannot go on", "");
}

} // namespace

/// The handlers that need no LLVM. Libraries make their constants before main runs, and may lack memory for them.
static void installEarly() {
  std::set_new_handler(onNoMemory);
  std::set_terminate(onTerminate);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // which report crashes themselves
  std::signal(SIGABRT, onAbort);
  // Where the stack is what ran out, there is another.
  static char stack[1 << 15];
  stack_t other = {};
  other.ss_sp = stack;
  other.ss_size = sizeof stack;
  ::sigaltstack(&other, nullptr);
  struct sigaction action = {};
  action.sa_sigaction = onCrash;
  action.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK);
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL})
    ::sigaction(signal, &action, nullptr);
#endif
}

/// The first code of the program that the loader runs, before that of the libraries.
__attribute__((section(".preinit_array"), used)) static void (*const first)() = installEarly;

void installLastWord() {
  llvm::install_fatal_error_handler(onFatalError);
  llvm::install_bad_alloc_error_handler(onBadAlloc);
}

} // namespace sinter
