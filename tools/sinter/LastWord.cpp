// See the header.
#include "tools/sinter/LastWord.h"
#include "runtime/Output.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <llvm/Support/ErrorHandling.h>
#include <new>
#include <unistd.h>

namespace sinter {
namespace {

/// Memory may be short: nothing is allocated, and destructors do not run.
[[noreturn]] void end(const char *what, const char *detail) {
  removeTemporaries();
  char text[512];
  int length = std::snprintf(text, sizeof text, "sinter: error: %s%s%.200s%s\n", what, *detail ? " (" : "",
                             detail, *detail ? ")" : "");
  if (length > 0 &&
      ::write(STDERR_FILENO, text, std::min<size_t>(static_cast<size_t>(length), sizeof text - 1)) < 0)
    ::_exit(1);
  ::_exit(1);
}

constexpr const char *outOfMemory = "out of memory: the model or its shapes are too large";

void onFatalError(void *, const char *reason, bool) {
  end("the compiler cannot go on: the model or its shapes may be too large", reason);
}

void onBadAlloc(void *, const char *, bool) { end(outOfMemory, ""); }

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

void installLastWord() {
  llvm::install_fatal_error_handler(onFatalError);
  llvm::install_bad_alloc_error_handler(onBadAlloc);
  std::set_terminate(onTerminate);
}

} // namespace sinter
