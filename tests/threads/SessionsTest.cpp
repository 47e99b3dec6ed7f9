// 16 threads run 8 sessions of 3 models while a fourth model compiles, again and again: no data race, and the results
// of serial runs.
#include "sinter/sinter.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <mutex>
#include <random>
#include <thread>

namespace {

std::string elementwise(const std::string &shape) {
  std::string type = "tensor<" + shape + "xf32>", unary = " : (" + type + ") -> " + type + "\n";
  return "func.func @main(%x: " + type + ") -> " + type + " {\n  %a = nn.sigmoid %x" + unary + "  %b = nn.exp %a" +
         unary + "  return %b : " + type + "\n}\n";
}

constexpr const char *product = R"(func.func @main(%x: tensor<64x96xf32>) -> tensor<64x64xf32> {
  %t = nn.transpose %x {perm = array<i64: 1, 0>} : (tensor<64x96xf32>) -> tensor<96x64xf32>
  %y = nn.matmul %x, %t : (tensor<64x96xf32>, tensor<96x64xf32>) -> tensor<64x64xf32>
  return %y : tensor<64x64xf32>
})";

sinter::Model compiled(const std::string &text) {
  auto model =
      sinter::Model::compile(std::as_bytes(std::span(text)), SINTER_MLIR, sinter::Options().set("backend", "llvm"));
  EXPECT_TRUE(model) << model.error().message();
  return *model;
}

/// A model, its input and what it computes of it on one thread.
struct Job {
  sinter::Model model;
  std::vector<float> input, expected;
  sinter::Shape shape;

  explicit Job(sinter::Model given)
      : model(std::move(given)), shape(model.input(0).shape.begin(), model.input(0).shape.end()) {
    std::mt19937 random(7);
    std::uniform_real_distribution<float> uniform(-1, 1);
    input.resize(sinter::Tensor(static_cast<float *>(nullptr), shape).size());
    for (float &v : input)
      v = uniform(random);
    auto session = model.session(1);
    expected = run(*session);
  }
  std::vector<float> run(sinter::Session &session) const {
    auto outputs = session.run({sinter::Tensor(input.data(), shape)});
    EXPECT_TRUE(outputs) << outputs.error().message();
    std::span<const float> values = outputs->front().as<float>();
    return {values.begin(), values.end()};
  }
};

TEST(Sessions, RunWhileAnotherModelCompiles) {
  auto digits = sinter::Model::compile(SINTER_SOURCE_DIR "/examples/digits/digits.onnx",
                                       sinter::Options().shape("image", {8, 1, 8, 8}).set("backend", "llvm"));
  ASSERT_TRUE(digits) << digits.error().message();
  std::vector<Job> jobs;
  jobs.emplace_back(*digits);
  jobs.emplace_back(compiled(elementwise("64x512")));
  jobs.emplace_back(compiled(product));
  struct Shared {
    const Job *job;
    sinter::Session session;
    std::mutex mutex;
  };
  constexpr int sessions = 8, threads = 16, runs = 25;
  std::vector<std::unique_ptr<Shared>> shared;
  for (int i = 0; i < sessions; ++i) {
    const Job &job = jobs[static_cast<size_t>(i) % jobs.size()];
    shared.push_back(std::unique_ptr<Shared>(new Shared{&job, *job.model.session(1 + i % 3), {}}));
  }
  std::atomic<int> wrong = 0, left = threads;
  std::vector<std::thread> team;
  for (int t = 0; t < threads; ++t)
    team.emplace_back([&, t] {
      Shared &mine = *shared[static_cast<size_t>(t % sessions)];
      for (int i = 0; i < runs; ++i) {
        std::lock_guard lock(mine.mutex);
        wrong += mine.job->run(mine.session) != mine.job->expected;
      }
      --left;
    });
  int compilations = 0;
  do {
    Job fresh(compiled(elementwise(std::to_string(3 + compilations) + "x40")));
    ++compilations;
  } while (left > 0);
  for (std::thread &thread : team)
    thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(compilations, 0);
}

} // namespace

// Another thread may cancel whatever the session does: also while its threads are replaced, with the object that runs.
TEST(Sessions, CancelWhileThreadsAreSet) {
  std::string text = elementwise("8x8");
  sinter_model_t *model = nullptr;
  ASSERT_EQ(sinter_compile_memory(text.data(), text.size(), SINTER_MLIR, "test.mlir", nullptr, &model), nullptr);
  sinter_session_t *session = nullptr;
  ASSERT_EQ(sinter_session_create(model, nullptr, &session), nullptr);
  std::atomic<bool> done = false;
  std::thread canceller([&] {
    while (!done)
      sinter_session_cancel(session);
  });
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(sinter_session_set_threads(session, 1 + i % 3), nullptr);
  done = true;
  canceller.join();
  sinter_session_free(session);
  sinter_model_free(model);
}
