// Running through the C interface: buffers of every kind, memory hooks, threads, and each way to get it wrong.
#include "ApiTest.h"

#include "runtime/Abi.h"

#include <cstring>
#include <pthread.h>
#include <sys/mman.h>
#include <thread>

using namespace api_test;

namespace {

class RunTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(compileText(sumModel, &model.handle).code, SINTER_OK);
    ASSERT_DONE(sinter_session_create(model.handle, nullptr, &session.handle));
  }
  Outcome run(sinter_tensor_t input, sinter_tensor_t &output) {
    return sinter_session_run(session.handle, &input, 1, &output, 1);
  }

  Model model;
  Session session;
  float x[6] = {0, 1, 2, 3, 4, 5}, y[6] = {};
  const std::vector<float> expected = {1, 0, 5, 4, 2, 8};
};

std::vector<float> values(const float *data, size_t count = 6) { return {data, data + count}; }

TEST_F(RunTest, DenseInPlace) {
  sinter_tensor_t output = f32(y);
  EXPECT_DONE(sinter_session_run(session.handle, std::vector{f32(x)}.data(), 1, &output, 1));
  EXPECT_EQ(values(y), expected);
  EXPECT_EQ(output.data, y);
}

TEST_F(RunTest, OutputInTheSessionsMemory) {
  sinter_tensor_t output = {};
  ASSERT_EQ(run(f32(x), output).code, SINTER_OK);
  ASSERT_EQ(output.rank, 2);
  EXPECT_EQ(output.type, SINTER_F32);
  EXPECT_EQ(output.shape[0], 2);
  EXPECT_EQ(output.shape[1], 3);
  EXPECT_EQ(output.strides[0], 12);
  EXPECT_EQ(output.strides[1], 4);
  EXPECT_EQ(values(static_cast<float *>(output.data)), expected);
  // A buffer that a run handed out cannot be the input of the run that writes it.
  sinter_tensor_t again = {};
  EXPECT_EQ(run(output, again).code, SINTER_INVALID_ARGUMENT);
}

TEST_F(RunTest, JustEnoughStack) {
  ASSERT_GT(sinter_model_stack_bytes(model.handle), 0u);
  struct Work {
    sinter_session_t *session;
    sinter_tensor_t input, output;
    sinter_error_t *error;
  } work = {session.handle, f32(x), f32(y), nullptr};
  // The C library's part of a thread's stack, and what the documented function takes besides.
  auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  size_t size = sinter_model_stack_bytes(model.handle) + SINTER_RUN_STACK_BYTES +
                static_cast<size_t>(sysconf(_SC_THREAD_STACK_MIN));
  size = (size + page - 1) / page * page;
  auto *memory =
      static_cast<char *>(mmap(nullptr, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(mprotect(memory, page, PROT_NONE), 0);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstack(&attributes, memory + page, size), 0);
  pthread_t thread;
  auto start = [](void *given) -> void * {
    auto *work = static_cast<Work *>(given);
    work->error = sinter_session_run(work->session, &work->input, 1, &work->output, 1);
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, start, &work), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  munmap(memory, size + page);
  EXPECT_DONE(work.error);
  EXPECT_EQ(values(y), expected);
}

TEST_F(RunTest, StridedTensors) {
  // The input as columns of a larger array, transposed; the output with a gap after every row.
  float wide[3][4] = {{0, 3, -1, -1}, {1, 4, -1, -1}, {2, 5, -1, -1}};
  float gaps[2][5];
  for (auto &row : gaps)
    for (float &v : row)
      v = -9;
  int64_t inputStrides[] = {sizeof(float), 4 * sizeof(float)}, outputStrides[] = {5 * sizeof(float), sizeof(float)};
  sinter_tensor_t output = f32(gaps, outputStrides);
  ASSERT_EQ(run(f32(wide, inputStrides), output).code, SINTER_OK);
  EXPECT_EQ(values(gaps[0], 5), (std::vector<float>{1, 0, 5, -9, -9}));
  EXPECT_EQ(values(gaps[1], 5), (std::vector<float>{4, 2, 8, -9, -9}));
}

TEST_F(RunTest, BroadcastAndReversedInputs) {
  float row[3] = {5, 4, 3};
  int64_t strides[] = {0, -int64_t(sizeof(float))};
  sinter_tensor_t output = f32(y);
  ASSERT_EQ(run(f32(row + 2, strides), output).code, SINTER_OK);
  EXPECT_EQ(values(y), (std::vector<float>{4, 2, 8, 4, 2, 8}));
}

TEST_F(RunTest, MisalignedBuffers) {
  alignas(4) char in[sizeof x + 1], out[sizeof y + 1];
  std::memcpy(in + 1, x, sizeof x);
  sinter_tensor_t output = f32(out + 1);
  ASSERT_EQ(run(f32(in + 1), output).code, SINTER_OK);
  std::memcpy(y, out + 1, sizeof y);
  EXPECT_EQ(values(y), expected);
}

TEST_F(RunTest, WrongTensors) {
  sinter_tensor_t good = f32(y), in = f32(x);
  auto runs = [&](sinter_tensor_t input, sinter_tensor_t output) -> sinter_error_t * {
    return sinter_session_run(session.handle, &input, 1, &output, 1);
  };
  auto changed = [](sinter_tensor_t tensor, auto change) {
    change(tensor);
    return tensor;
  };
  EXPECT_FAILS(runs(changed(in, [](auto &t) { t.type = SINTER_F64; }), good), SINTER_INVALID_ARGUMENT,
               "input 'x' must have the element type f32, but was given f64");
  EXPECT_FAILS(runs(changed(in, [](auto &t) { t.type = 99; }), good), SINTER_INVALID_ARGUMENT, "unknown type 99");
  static const int64_t wrong[] = {3, 2};
  EXPECT_FAILS(runs(in, f32(y, nullptr, wrong)), SINTER_INVALID_ARGUMENT,
               "output 'y' must have the shape 2x3, but was given 3x2");
  EXPECT_FAILS(runs(changed(in, [](auto &t) { t.rank = 1; }), good), SINTER_INVALID_ARGUMENT, "one of rank 1");
  EXPECT_FAILS(runs(changed(in, [](auto &t) { t.rank = -1; }), good), SINTER_INVALID_ARGUMENT, "no valid shape");
  EXPECT_FAILS(runs(changed(in, [](auto &t) { t.shape = nullptr; }), good), SINTER_INVALID_ARGUMENT, "no valid shape");
  EXPECT_FAILS(runs(changed(in, [](auto &t) { t.data = nullptr; }), good), SINTER_INVALID_ARGUMENT, "has no data");
  EXPECT_FAILS(runs(sinter_tensor_t{}, good), SINTER_INVALID_ARGUMENT,
               "input 'x' is missing: it must be f32 of shape 2x3");
  EXPECT_FAILS(runs(in, f32(x + 1)), SINTER_INVALID_ARGUMENT, "output 'y' overlaps input 'x'");
  EXPECT_FAILS(sinter_session_run(session.handle, &in, 1, &good, 2), SINTER_INVALID_ARGUMENT,
               "1 inputs and 1 outputs, but was given 1 and 2");
  EXPECT_FAILS(sinter_session_run(nullptr, &in, 1, &good, 1), SINTER_INVALID_ARGUMENT, "'session'");
  EXPECT_FAILS(sinter_session_run(session.handle, nullptr, 1, &good, 1), SINTER_INVALID_ARGUMENT, "'inputs'");
  EXPECT_FAILS(sinter_session_run(session.handle, &in, 1, nullptr, 1), SINTER_INVALID_ARGUMENT, "'outputs'");
  EXPECT_DONE(runs(in, good));
}

TEST(Outputs, MustNotOverlap) {
  const std::string two =
      R"(func.func @main(%x: tensor<2x3xf32> {nn.name = "x"}) -> (tensor<2x3xf32> {nn.name = "a"}, tensor<2x3xf32> {nn.name = "b"}) {
    %a = nn.relu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
    %b = nn.abs %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
    return %a, %b : tensor<2x3xf32>, tensor<2x3xf32>
  })";
  Model model;
  Session session;
  ASSERT_EQ(compileText(two, &model.handle).code, SINTER_OK);
  ASSERT_DONE(sinter_session_create(model.handle, nullptr, &session.handle));
  float x[6] = {-1, 2, -3, 4, -5, 6}, y[7];
  sinter_tensor_t in = f32(x), out[] = {f32(y), f32(y + 1)};
  EXPECT_FAILS(sinter_session_run(session.handle, &in, 1, out, 2), SINTER_INVALID_ARGUMENT,
               "output 'b' overlaps output 'a'");
}

//===- Sessions -----------------------------------------------------------===//

/// An allocator that counts, and fails on demand.
struct Counter {
  int blocks = 0, calls = 0;
  bool fails = false, misaligns = false;
  sinter_allocator_t hook = {this, allocate, release};

  static void *allocate(void *context, size_t bytes, size_t alignment) {
    auto &self = *static_cast<Counter *>(context);
    if (self.fails)
      return nullptr;
    ++self.blocks;
    ++self.calls;
    auto *block = static_cast<char *>(std::aligned_alloc(alignment, (bytes / alignment + 2) * alignment));
    return block + self.misaligns;
  }
  static void release(void *context, void *block, size_t) {
    auto &self = *static_cast<Counter *>(context);
    --self.blocks;
    std::free(static_cast<char *>(block) - self.misaligns);
  }
};

TEST_F(RunTest, CallersAllocator) {
  Counter counter;
  {
    sinter_session_config_t config = {sizeof config, 1, &counter.hook};
    Session mine;
    ASSERT_DONE(sinter_session_create(model.handle, &config, &mine.handle));
    EXPECT_EQ(counter.blocks, 1);
    sinter_tensor_t in = f32(x), out = f32(y), own = {};
    EXPECT_DONE(sinter_session_run(mine.handle, &in, 1, &out, 1));
    EXPECT_EQ(counter.calls, 1) << "a run on dense tensors allocates nothing";
    EXPECT_DONE(sinter_session_run(mine.handle, &in, 1, &own, 1));
    EXPECT_EQ(counter.calls, 2);
    counter.fails = true;
    int64_t strides[] = {0, 4};
    sinter_tensor_t strided = f32(x, strides);
    EXPECT_FAILS(sinter_session_run(mine.handle, &strided, 1, &out, 1), SINTER_OUT_OF_MEMORY,
                 "input 'x' takes 24 bytes");
  }
  EXPECT_EQ(counter.blocks, 0);
}

TEST_F(RunTest, WrongConfigurations) {
  Counter counter;
  Session mine;
  auto create = [&](size_t size, int threads, const sinter_allocator_t *allocator) {
    sinter_session_config_t config = {size, threads, allocator};
    return sinter_session_create(model.handle, &config, &mine.handle);
  };
  constexpr size_t size = sizeof(sinter_session_config_t);
  EXPECT_FAILS(create(0, 0, nullptr), SINTER_INVALID_ARGUMENT, "struct_size");
  EXPECT_FAILS(create(size, -1, nullptr), SINTER_INVALID_ARGUMENT, "must be 1 to 1024, not -1");
  EXPECT_FAILS(create(size, 100000, nullptr), SINTER_INVALID_ARGUMENT, "must be 1 to 1024");
  counter.fails = true;
  EXPECT_FAILS(create(size, 0, &counter.hook), SINTER_OUT_OF_MEMORY, "allocator");
  counter.fails = false;
  counter.misaligns = true;
  EXPECT_FAILS(create(size, 0, &counter.hook), SINTER_INVALID_ARGUMENT, "not aligned");
  counter.hook.release = nullptr;
  EXPECT_FAILS(create(size, 0, &counter.hook), SINTER_INVALID_ARGUMENT, "both functions");
  EXPECT_FAILS(sinter_session_create(nullptr, nullptr, &mine.handle), SINTER_INVALID_ARGUMENT, "'model'");
  EXPECT_FAILS(sinter_session_create(model.handle, nullptr, nullptr), SINTER_INVALID_ARGUMENT, "'session'");
  EXPECT_EQ(mine.handle, nullptr);
}

TEST_F(RunTest, Threads) {
  EXPECT_DONE(sinter_session_set_threads(session.handle, 3));
  EXPECT_EQ(sinter_session_threads(session.handle), 3);
  EXPECT_FAILS(sinter_session_set_threads(session.handle, 5000), SINTER_INVALID_ARGUMENT, "1 to 1024");
  EXPECT_FAILS(sinter_session_set_threads(nullptr, 1), SINTER_INVALID_ARGUMENT, "'session'");
  EXPECT_EQ(sinter_session_threads(session.handle), 3);
  sinter_tensor_t output = f32(y);
  ASSERT_EQ(run(f32(x), output).code, SINTER_OK);
  EXPECT_EQ(values(y), expected);
}

TEST_F(RunTest, SessionsOutliveTheModelsHandle) {
  sinter_model_free(model.handle);
  model.handle = nullptr;
  sinter_tensor_t output = f32(y);
  ASSERT_EQ(run(f32(x), output).code, SINTER_OK);
  EXPECT_EQ(values(y), expected);
}

//===- Models in tables ---------------------------------------------------===//

sinter_session_t *toCancel = nullptr;
int released = 0;

void noWork(void *const *, int64_t, int64_t) {}
/// Is cancelled between its two kernels.
int32_t runCancelled(const SinterCall *call) {
  const SinterCallbacks *callbacks = call->callbacks;
  for (int32_t kernel = 0; kernel < 2; ++kernel) {
    if (int32_t code = callbacks->parallelFor(callbacks->context, kernel, noWork, nullptr, 1, 1))
      return code;
    sinter_session_cancel(toCancel);
  }
  return 0;
}
int32_t runFailing(const SinterCall *) { return 42; }

SinterModel tableOf(int32_t (*run)(const SinterCall *)) {
  SinterModel table = {};
  table.magic = SINTER_MAGIC;
  table.abiVersion = SINTER_ABI_VERSION;
  table.run = run;
  return table;
}

TEST(Tables, CancelledAndFailingRuns) {
  SinterModel cancelled = tableOf(runCancelled), failing = tableOf(runFailing);
  Model model, other;
  Session session, otherSession;
  ASSERT_DONE(sinter_model_from_table(&cancelled, nullptr, nullptr, &model.handle));
  ASSERT_DONE(sinter_session_create(model.handle, nullptr, &session.handle));
  toCancel = session.handle;
  for (int i = 0; i < 2; ++i)
    EXPECT_FAILS(sinter_session_run(session.handle, nullptr, 0, nullptr, 0), SINTER_CANCELLED, "cancelled");
  ASSERT_DONE(sinter_model_from_table(&failing, nullptr, nullptr, &other.handle));
  ASSERT_DONE(sinter_session_create(other.handle, nullptr, &otherSession.handle));
  EXPECT_FAILS(sinter_session_run(otherSession.handle, nullptr, 0, nullptr, 0), SINTER_INTERNAL, "error code 42");
}

TEST(Tables, OwnersAreReleasedOnce) {
  SinterModel table = tableOf(runFailing);
  auto release = [](void *context) { released += *static_cast<int *>(context); };
  int seven = 7;
  Model model;
  Session session;
  released = 0;
  ASSERT_DONE(sinter_model_from_table(&table, release, &seven, &model.handle));
  EXPECT_EQ(sinter_model_context(model.handle, release), &seven);
  EXPECT_EQ(sinter_model_context(model.handle, nullptr), nullptr);
  ASSERT_DONE(sinter_session_create(model.handle, nullptr, &session.handle));
  sinter_model_free(model.handle);
  model.handle = nullptr;
  EXPECT_EQ(released, 0) << "a session uses it still";
  sinter_session_free(session.handle);
  session.handle = nullptr;
  EXPECT_EQ(released, 7);
  table.magic = 1;
  EXPECT_FAILS(sinter_model_from_table(&table, release, &seven, &model.handle), SINTER_INVALID_FILE, "magic");
  EXPECT_EQ(released, 7) << "a failure does not take the owner over";
  EXPECT_FAILS(sinter_model_from_table(nullptr, nullptr, nullptr, &model.handle), SINTER_INVALID_ARGUMENT, "'table'");
  EXPECT_FAILS(sinter_model_from_table(&table, nullptr, nullptr, nullptr), SINTER_INVALID_ARGUMENT, "'model'");
}

} // namespace
