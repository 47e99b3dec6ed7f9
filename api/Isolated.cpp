// The process that compiles where a program asks for that by the option "isolate": a client of the public interface,
// which does what it is told over a socket. Where LLVM aborts, this process ends and nobody else.
#include "api/IsolateWords.h"
#include "sinter/sinter.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace sinter::api;

namespace {

constexpr const char *outOfMemory = "out of memory: the model or its shapes are too large";

/// One thread speaks at a time; whoever has the last word keeps it.
std::atomic_flag isSpeaking;
void beginToSpeak() {
  while (isSpeaking.test_and_set(std::memory_order_acquire))
    ::sched_yield();
}

[[noreturn]] void finish(const char *kind, int32_t code, const char *text) {
  beginToSpeak();
  if (sendWord(isolateSocket, kind) && (kind[0] == 'd' || sendWord(isolateSocket, bytesOf(&code, 1))))
    sendWord(isolateSocket, text);
  ::_exit(0);
}

[[noreturn]] void fail(int32_t code, const char *message) { finish("failed", code, message); }

void failed(sinter_error_t *error) {
  if (error)
    fail(sinter_error_code(error), sinter_error_message(error));
}

/// Code of LLVM's without exceptions lies between operator new and whoever would catch what it throws.
void onNoMemory() { fail(SINTER_OUT_OF_MEMORY, outOfMemory); }

/// MLIR does not look at every pointer that malloc gives it.
void onSegmentFault(int signal, siginfo_t *info, void *) {
  constexpr uintptr_t firstPages = 1 << 16;
  if (errno == ENOMEM && reinterpret_cast<uintptr_t>(info->si_addr) < firstPages)
    onNoMemory();
  std::signal(signal, SIG_DFL);
  ::raise(signal);
}

std::string next() {
  std::optional<std::string> word = receiveWord(isolateSocket);
  if (!word)
    ::_exit(1);
  return *word;
}

int32_t tellProgress(void *, const char *stage, double fraction) {
  beginToSpeak();
  bool heard = sendWord(isolateSocket, "progress") && sendWord(isolateSocket, stage) &&
               sendWord(isolateSocket, bytesOf(&fraction, 1));
  isSpeaking.clear(std::memory_order_release);
  return !heard;
}

void tellWarning(void *, const char *message) {
  beginToSpeak();
  sendWord(isolateSocket, "warning") && sendWord(isolateSocket, message) && sendWord(isolateSocket, "");
  isSpeaking.clear(std::memory_order_release);
}

/// Options as the host recorded them: the function, then its arguments.
void readOptions(sinter_options_t *options) {
  for (std::string kind = next(); kind != "end"; kind = next()) {
    std::string name = next();
    if (kind == "option") {
      failed(sinter_options_set(options, name.c_str(), next().c_str()));
    } else if (kind == "shape") {
      std::string sizes = next();
      failed(sinter_options_set_shape(options, name.c_str(), reinterpret_cast<const int64_t *>(sizes.data()),
                                      static_cast<int32_t>(sizes.size() / 8)));
    } else if (kind == "dimension") {
      failed(sinter_options_set_dimension(options, name.c_str(), valueOf<int64_t>(next())));
    } else if (kind == "empty") {
      failed(sinter_options_set_empty(options, name.c_str()));
    } else if (kind == "range") {
      double low = valueOf<double>(next()), high = valueOf<double>(next());
      failed(sinter_options_set_input_range(options, name.c_str(), low, high));
    } else if (kind == "value") {
      auto type = valueOf<int32_t>(next());
      std::string shape = next(), data = next();
      sinter_tensor_t tensor = {data.data(), reinterpret_cast<const int64_t *>(shape.data()), nullptr,
                                static_cast<int32_t>(shape.size() / 8), type};
      failed(sinter_options_set_value(options, name.c_str(), &tensor));
    } else if (kind == "tells") {
      failed(sinter_options_set_progress(options, tellProgress, nullptr));
    } else if (kind == "warns") {
      failed(sinter_options_set_warning(options, tellWarning, nullptr));
    } else {
      fail(SINTER_INTERNAL, "the process that compiles was told something that it does not know");
    }
  }
}

/// The model's bytes, which the host left in memory of its own.
std::pair<const void *, size_t> content() {
  struct stat info = {};
  if (::fstat(isolateContent, &info) != 0 || info.st_size == 0)
    return {"", 0};
  auto bytes = static_cast<size_t>(info.st_size);
  void *data = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, isolateContent, 0);
  if (data == MAP_FAILED)
    fail(SINTER_OUT_OF_MEMORY, outOfMemory);
  return {data, bytes};
}

} // namespace

int main() {
  struct stat info = {};
  if (::fstat(isolateSocket, &info) != 0 || !S_ISSOCK(info.st_mode)) {
    std::fputs("sinter-isolated: this program is run by libsinter, for the option \"isolate\"\n", stderr);
    return 1;
  }
  std::set_new_handler(onNoMemory);
  struct sigaction action = {};
  action.sa_sigaction = onSegmentFault;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSEGV, &action, nullptr);
  rlimit none = {0, 0}; // nobody looks at a core
  ::setrlimit(RLIMIT_CORE, &none);

  if (next() != sinter_version())
    fail(SINTER_INCOMPATIBLE, "sinter-isolated is of another version than libsinter: install them together");
  std::string verb = next(), path = next(), format = next(), output = next(), emit = next(), memory = next();
  sinter_options_t *options = nullptr;
  failed(sinter_options_create(&options));
  readOptions(options);
  // The host says no more: where its end closes, nobody waits for the result.
  std::thread([] {
    char byte;
    while (::recv(isolateSocket, &byte, 1, 0) < 0 && errno == EINTR) {
    }
    ::_exit(1);
  }).detach();
  if (auto bytes = valueOf<uint64_t>(memory); bytes > 0) {
    rlimit limit = {static_cast<rlim_t>(bytes), static_cast<rlim_t>(bytes)};
    ::setrlimit(RLIMIT_AS, &limit);
  }

  char *text = nullptr;
  if (verb == "explain") {
    failed(sinter_explain(path.c_str(), options, &text));
  } else if (verb == "content") {
    auto [data, bytes] = content();
    sinter_model_t *model = nullptr;
    failed(sinter_options_set(options, "open", "false"));
    failed(sinter_compile_memory(data, bytes, valueOf<int32_t>(format), path.c_str(), options, &model));
    failed(sinter_model_save(model, output.c_str()));
  } else {
    failed(sinter_compile_to_file(path.c_str(), output.c_str(), emit.c_str(), options));
  }
  finish("done", 0, text ? text : "");
}
