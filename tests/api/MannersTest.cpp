// The library is a guest: signals, threads and memory are the host's.
#include "tests/api/ApiTest.h"

#include <array>
#include <atomic>
#include <csignal>
#include <fstream>
#include <sys/mman.h>
#include <thread>

using namespace api_test;

namespace {

/// The action of every signal, the mask, and the stack for handlers.
struct Signals {
  Signals() {
    for (int i = 1; i < 65; ++i)
      sigaction(i, nullptr, &actions[static_cast<size_t>(i)]);
    sigprocmask(SIG_BLOCK, nullptr, &mask);
    sigaltstack(nullptr, &stack);
  }
  std::array<struct sigaction, 65> actions = {};
  sigset_t mask;
  stack_t stack = {};
};

/// How many signals have another handler than `before`, or mask or stack differ.
int differences(const Signals &before) {
  Signals now;
  int count = before.stack.ss_sp != now.stack.ss_sp;
  for (int i = 1; i < 65; ++i)
    count += before.actions[static_cast<size_t>(i)].sa_handler != now.actions[static_cast<size_t>(i)].sa_handler ||
             sigismember(&before.mask, i) != sigismember(&now.mask, i);
  return count;
}

} // namespace

TEST(Manners, SignalsAreTheHosts) {
  Signals before;
  Model model;
  ASSERT_EQ(compileText(sumModel, &model.handle).code, SINTER_OK);
  EXPECT_EQ(differences(before), 0) << "after a compilation";
  std::string path = temporaryFile(".so"), object = temporaryFile(".o"), input = temporaryFile(".mlir");
  ASSERT_DONE(sinter_model_save(model.handle, path.c_str()));
  EXPECT_EQ(differences(before), 0) << "after sinter_model_save";
  std::ofstream(input) << sumModel;
  for (const char *kind : {"so", "obj", "asm"}) {
    ASSERT_DONE(sinter_compile_to_file(input.c_str(), object.c_str(), kind, nullptr));
    EXPECT_EQ(differences(before), 0) << "after sinter_compile_to_file " << kind;
  }
  Model loaded;
  ASSERT_DONE(sinter_model_load(path.c_str(), &loaded.handle));
  Session session;
  ASSERT_DONE(sinter_session_create(loaded.handle, nullptr, &session.handle));
  EXPECT_EQ(differences(before), 0) << "after loading";
}

TEST(Manners, CancelAndSetThreadsMayRace) {
  Model model;
  ASSERT_EQ(compileText(sumModel, &model.handle).code, SINTER_OK);
  Session session;
  ASSERT_DONE(sinter_session_create(model.handle, nullptr, &session.handle));
  std::atomic<bool> done = false;
  std::thread canceller([&] {
    while (!done)
      sinter_session_cancel(session.handle);
  });
  for (int i = 0; i < 300; ++i)
    EXPECT_DONE(sinter_session_set_threads(session.handle, 1 + i % 2));
  done = true;
  canceller.join();
}

/// A shape at the end of a page, before one that cannot be read.
TEST(Manners, ShapesAreReadNoFurtherThanTheyMustBe) {
  auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  auto *memory =
      static_cast<char *>(mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(mprotect(memory + page, page, PROT_NONE), 0);
  auto *shape = reinterpret_cast<int64_t *>(memory + page) - 2;
  shape[0] = 2;
  shape[1] = 3;
  Model model;
  ASSERT_EQ(compileText(sumModel, &model.handle).code, SINTER_OK);
  Session session;
  ASSERT_DONE(sinter_session_create(model.handle, nullptr, &session.handle));
  float data[6] = {}, result[6];
  sinter_tensor_t input = f32(data, nullptr, shape), output = f32(result);
  EXPECT_DONE(sinter_session_run(session.handle, &input, 1, &output, 1));
  input.rank = 100000; // the caller's mistake; it has two sizes
  EXPECT_FAILS(sinter_session_run(session.handle, &input, 1, &output, 1), SINTER_INVALID_ARGUMENT, "100000");
  munmap(memory, 2 * page);
}

namespace {
/// Aligned for the first block, which is the scratch memory; not for later ones.
struct Misaligning {
  int calls = 0, blocks = 0;
  static void *allocate(void *context, size_t bytes, size_t alignment) {
    auto &self = *static_cast<Misaligning *>(context);
    ++self.blocks;
    auto *block = static_cast<char *>(std::aligned_alloc(alignment, (bytes / alignment + 2) * alignment));
    return block + (self.calls++ ? 8 : 0);
  }
  static void release(void *context, void *block, size_t) {
    auto &self = *static_cast<Misaligning *>(context);
    --self.blocks;
    auto address = reinterpret_cast<uintptr_t>(block);
    std::free(reinterpret_cast<void *>(address - address % 64));
  }
};
} // namespace

TEST(Manners, MisalignedMemoryIsRefusedEverywhere) {
  Model model;
  ASSERT_EQ(compileText(sumModel, &model.handle).code, SINTER_OK);
  Misaligning misaligning;
  {
    sinter_allocator_t hook = {&misaligning, Misaligning::allocate, Misaligning::release};
    sinter_session_config_t config = {sizeof config, 1, &hook};
    Session session;
    ASSERT_DONE(sinter_session_create(model.handle, &config, &session.handle));
    float data[6] = {};
    sinter_tensor_t input = f32(data), output = {};
    EXPECT_FAILS(sinter_session_run(session.handle, &input, 1, &output, 1), SINTER_INVALID_ARGUMENT, "not aligned");
  }
  EXPECT_EQ(misaligning.blocks, 0);
}
