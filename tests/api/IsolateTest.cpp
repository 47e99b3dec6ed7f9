// Compiling in a process of its own: the same results, options and errors, and a host that survives whatever ends that
// process.
#include "ApiTest.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

using namespace api_test;

namespace {

const std::string digits = SINTER_SOURCE_DIR "/examples/digits/digits.onnx";

/// A folder that must be empty at the end.
struct Folder {
  std::string path = temporaryFile("");
  Folder() { std::filesystem::create_directory(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto &entry : std::filesystem::directory_iterator(path))
      found.push_back(entry.path().filename());
    std::ranges::sort(found);
    return found;
  }
};

std::string contentOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void isolate(Options &options) { ASSERT_DONE(sinter_options_set(options.handle, "isolate", "true")); }
void isolateDigits(Options &options) {
  const int64_t shape[] = {1, 1, 8, 8};
  isolate(options);
  ASSERT_DONE(sinter_options_set_shape(options.handle, "image", shape, 4));
}

TEST(Isolate, ModelsAndFilesAreTheSame) {
  Options plain, isolated;
  const int64_t shape[] = {1, 1, 8, 8};
  ASSERT_DONE(sinter_options_set_shape(plain.handle, "image", shape, 4));
  isolateDigits(isolated);
  ASSERT_DONE(sinter_options_set_input_range(isolated.handle, "image", 0, 1));
  ASSERT_DONE(sinter_options_set_input_range(plain.handle, "image", 0, 1));
  Folder here, there;
  ASSERT_DONE(sinter_compile_to_file(digits.c_str(), (here.path + "/d.so").c_str(), "so", plain.handle));
  ASSERT_DONE(sinter_compile_to_file(digits.c_str(), (there.path + "/d.so").c_str(), "so", isolated.handle));
  EXPECT_EQ(contentOf(here.path + "/d.so"), contentOf(there.path + "/d.so"));
  ASSERT_DONE(sinter_compile_to_file(digits.c_str(), (there.path + "/d.o").c_str(), "obj", isolated.handle));
  EXPECT_EQ(there.names(), (std::vector<std::string>{"d.h", "d.o", "d.so"}));

  Model model, saved;
  Options options;
  isolate(options);
  ASSERT_EQ(compileText(sumModel, &model.handle, options.handle).code, SINTER_OK);
  const std::vector<float> expected = {1, 0, 5, 4, 2, 8};
  EXPECT_EQ(runSum(model.handle), expected);
  ASSERT_DONE(sinter_model_save(model.handle, (there.path + "/sum.so").c_str()));
  ASSERT_DONE(sinter_model_load((there.path + "/sum.so").c_str(), &saved.handle));
  EXPECT_EQ(runSum(saved.handle), expected);
}

TEST(Isolate, Explains) {
  Options plain, isolated;
  const int64_t shape[] = {1, 1, 8, 8};
  ASSERT_DONE(sinter_options_set_shape(plain.handle, "image", shape, 4));
  isolateDigits(isolated);
  char *here = nullptr, *there = nullptr;
  ASSERT_DONE(sinter_explain(digits.c_str(), plain.handle, &here));
  ASSERT_DONE(sinter_explain(digits.c_str(), isolated.handle, &there));
  EXPECT_STREQ(here, there);
  sinter_string_free(here);
  sinter_string_free(there);
}

TEST(Isolate, ErrorsAreTheSame) {
  Options options;
  isolateDigits(options);
  Model model;
  EXPECT_FAILS(compileText("func.func @main() { nonsense }", &model.handle, options.handle), SINTER_INVALID_FILE,
               "test.mlir");
  Options open;
  isolate(open);
  EXPECT_FAILS(sinter_compile(digits.c_str(), open.handle, &model.handle), SINTER_INVALID_FILE, "dynamic dimension");
  EXPECT_FAILS(sinter_compile("/nonexistent.onnx", options.handle, &model.handle), SINTER_IO, "/nonexistent.onnx");
  EXPECT_FAILS(sinter_compile_to_file(digits.c_str(), "/nonexistent/d.so", "so", options.handle), SINTER_IO,
               "/nonexistent");
  EXPECT_FAILS(sinter_compile_to_file(digits.c_str(), "/dev/fd/1", "so", options.handle), SINTER_UNSUPPORTED,
               "descriptor");
  EXPECT_FAILS(sinter_options_set(options.handle, "isolate", "perhaps"), SINTER_INVALID_ARGUMENT, "true or false");
  EXPECT_FAILS(sinter_options_set(options.handle, "isolate-memory", "much"), SINTER_INVALID_ARGUMENT,
               "number of bytes");
  ASSERT_DONE(sinter_options_set(options.handle, "open", "true"));
  EXPECT_FAILS(sinter_compile(digits.c_str(), options.handle, &model.handle), SINTER_UNSUPPORTED, "fixed shapes");
}

#ifdef SINTER_FAILING_MALLOC // sanitizers take address space and signals for themselves
/// With so little memory LLVM aborts, MLIR follows null pointers, and our code reports errors; where the limit falls
/// decides.
TEST(Isolate, SurvivesWithoutMemory) {
  Folder folder;
  int failures = 0;
  for (uint64_t megabytes : {0, 220, 260, 280, 290, 300, 310, 320, 330, 340, 360, 380, 400, 440, 4000}) {
    SCOPED_TRACE(megabytes);
    Options options;
    isolateDigits(options);
    ASSERT_DONE(sinter_options_set(options.handle, "isolate-memory", std::to_string((megabytes << 20) + 1).c_str()));
    Outcome outcome(sinter_compile_to_file(digits.c_str(), (folder.path + "/d.so").c_str(), "so", options.handle));
    EXPECT_TRUE(outcome.code == SINTER_OK || outcome.code == SINTER_OUT_OF_MEMORY)
        << outcome.code << ": " << outcome.message;
    failures += outcome.code != SINTER_OK;
    EXPECT_EQ(folder.names(),
              outcome.code == SINTER_OK ? std::vector<std::string>{"d.so"} : std::vector<std::string>());
    std::filesystem::remove(folder.path + "/d.so");
  }
  EXPECT_GE(failures, 3);
}

/// One allocation of the other process fails, or all from one on.
TEST(Isolate, SurvivesEachAllocation) {
  Folder folder;
  setenv("LD_PRELOAD", SINTER_FAILING_MALLOC, 1);
  for (int i = 0; i < 16; ++i) {
    std::string fault = std::to_string(20 + 23000 * i) + (i % 2 ? ",1000000000" : ",1");
    SCOPED_TRACE(fault);
    setenv("FAIL_ALLOCATION", fault.c_str(), 1);
    Options options;
    isolateDigits(options);
    Outcome outcome(sinter_compile_to_file(digits.c_str(), (folder.path + "/d.so").c_str(), "so", options.handle));
    EXPECT_TRUE(outcome.code == SINTER_OK || outcome.code == SINTER_OUT_OF_MEMORY)
        << outcome.code << ": " << outcome.message;
    EXPECT_EQ(folder.names(),
              outcome.code == SINTER_OK ? std::vector<std::string>{"d.so"} : std::vector<std::string>());
    std::filesystem::remove(folder.path + "/d.so");
  }
  unsetenv("LD_PRELOAD");
  unsetenv("FAIL_ALLOCATION");
}
#endif

/// The processes below this one that compile.
std::vector<pid_t> compilers() {
  std::vector<pid_t> found;
  for (const auto &task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream children(task.path() / "children");
    for (pid_t child; children >> child;)
      found.push_back(child);
  }
  return found;
}

struct Watcher {
  int calls = 0, signal = 0; ///< sent at the third call
  bool cancels = false, isRising = true;
  double last = 0;

  static int32_t call(void *context, const char *stage, double fraction) {
    auto &self = *static_cast<Watcher *>(context);
    self.isRising &= fraction >= self.last && fraction <= 1 && stage[0] != 0;
    self.last = fraction;
    if (++self.calls == 3 && self.signal)
      for (pid_t child : compilers())
        kill(child, self.signal);
    return self.cancels && self.calls == 3;
  }
};

TEST(Isolate, ProgressAndCancelling) {
  Folder folder;
  for (bool cancels : {false, true}) {
    Watcher watcher;
    watcher.cancels = cancels;
    Options options;
    isolateDigits(options);
    ASSERT_DONE(sinter_options_set_progress(options.handle, Watcher::call, &watcher));
    Outcome outcome(sinter_compile_to_file(digits.c_str(), (folder.path + "/d.so").c_str(), "so", options.handle));
    EXPECT_EQ(outcome.code, cancels ? SINTER_CANCELLED : SINTER_OK) << outcome.message;
    EXPECT_TRUE(watcher.isRising);
    EXPECT_EQ(cancels, watcher.calls == 3);
    EXPECT_EQ(watcher.last == 1, !cancels);
    EXPECT_EQ(folder.names().empty(), cancels);
    std::filesystem::remove(folder.path + "/d.so");
    EXPECT_TRUE(compilers().empty());
  }
}

TEST(Isolate, ChildrenThatAreKilled) {
  Folder folder;
#ifdef SINTER_FAILING_MALLOC
  constexpr int signals[] = {SIGKILL, SIGTERM, SIGSEGV, SIGABRT};
#else
  constexpr int signals[] = {SIGKILL, SIGTERM};
#endif
  for (int signal : signals) {
    SCOPED_TRACE(signal);
    Watcher watcher;
    watcher.signal = signal;
    Options options;
    isolateDigits(options);
    ASSERT_DONE(sinter_options_set_progress(options.handle, Watcher::call, &watcher));
    EXPECT_FAILS(sinter_compile_to_file(digits.c_str(), (folder.path + "/d.so").c_str(), "so", options.handle),
                 signal == SIGKILL ? SINTER_IO : SINTER_INTERNAL, signal == SIGKILL ? "killed" : "signal");
    EXPECT_TRUE(folder.names().empty());
  }
}

/// Several at once, where the host does not want to hear of its children.
TEST(Isolate, ThreadsAndIgnoredChildren) {
  auto before = std::signal(SIGCHLD, SIG_IGN);
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      Options options;
      isolate(options);
      Model model;
      if (compileText(sumModel, &model.handle, options.handle).code == SINTER_OK)
        right += runSum(model.handle) == std::vector<float>{1, 0, 5, 4, 2, 8};
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(right, 4);
  std::signal(SIGCHLD, before);
}

} // namespace
