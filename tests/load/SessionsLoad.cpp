// A service's day in minutes: threads run sessions of three models with open shapes at 26 sizes each, new
// sessions come and go, runs are cancelled, and every result must have the bits of the first run at its size.
// Resident memory must not grow once every size was seen by all.
#include "sinter/sinter.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fstream>
#include <latch>
#include <random>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int sizes = 26, threads = 8;

[[noreturn]] void stop(const std::string &sentence) {
  fmt::print(stderr, "sessions-load: {}\n", sentence);
  std::exit(1);
}

template <typename T> T need(sinter::Result<T> result) {
  if (!result)
    stop(std::string(result.error().message()));
  return *std::move(result);
}

/// Every shape stays compiled: what is measured is running.
sinter::Options options() { return sinter::Options().set("backend", "llvm").set("shape-cache", std::to_string(sizes)); }

/// Two convolutions with a BatchNorm between them, of images of any size.
constexpr const char *images =
    R"(func.func @main(%x: tensor<1x3x?x?xf32> {nn.name = "x", nn.dims = ["", "", "h", "w"]}) -> tensor<1x4x?x?xf32> {
  %w = nn.constant dense<0.0625> : tensor<8x3x3x3xf32>
  %v = nn.constant dense<-0.125> : tensor<4x8x3x3xf32>
  %scale = nn.constant dense<[1.0, -2.0, 0.5, 3.0, -1.0, 0.25, 1.5, -0.75]> : tensor<8xf32>
  %shift = nn.constant dense<[0.0, 1.0, -0.5, 0.25, 2.0, -1.0, 0.125, 0.5]> : tensor<8xf32>
  %mean = nn.constant dense<[0.5, -0.5, 0.0, 0.25, -0.25, 1.0, 0.75, -1.0]> : tensor<8xf32>
  %variance = nn.constant dense<[1.0, 0.5, 2.0, 0.25, 4.0, 1.5, 0.75, 3.0]> : tensor<8xf32>
  %a = nn.conv %x, %w {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x3x?x?xf32>, tensor<8x3x3x3xf32>) -> tensor<1x8x?x?xf32>
  %b = nn.batch_norm %a, %scale, %shift, %mean, %variance {epsilon = 1.0e-05 : f32} : (tensor<1x8x?x?xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<1x8x?x?xf32>
  %c = nn.relu %b : (tensor<1x8x?x?xf32>) -> tensor<1x8x?x?xf32>
  %d = nn.conv %c, %v {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x8x?x?xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x?x?xf32>
  return %d : tensor<1x4x?x?xf32>
})";

/// Scores of every token with every other, as in attention, for texts of any length.
constexpr const char *tokens =
    R"(func.func @main(%x: tensor<?x48xf32> {nn.name = "x", nn.dims = ["tokens", ""]}) -> tensor<?x48xf32> {
  %t = nn.transpose %x {perm = array<i64: 1, 0>} : (tensor<?x48xf32>) -> tensor<48x?xf32>
  %s = nn.matmul %x, %t : (tensor<?x48xf32>, tensor<48x?xf32>) -> tensor<?x?xf32>
  %p = nn.softmax %s {axis = 1 : i64} : (tensor<?x?xf32>) -> tensor<?x?xf32>
  %y = nn.matmul %p, %x : (tensor<?x?xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
  return %y : tensor<?x48xf32>
})";

/// A model, and at each size an input and the bits of the first result.
struct Work {
  sinter::Model model;
  std::vector<std::vector<float>> inputs, expected;
  std::vector<sinter::Shape> shapes;

  Work(sinter::Model given, const std::vector<sinter::Shape> &all) : model(std::move(given)), shapes(all) {
    std::mt19937 random(11);
    std::uniform_real_distribution<float> uniform(-1, 1);
    sinter::Session session = need(model.session(1));
    for (const sinter::Shape &shape : shapes) {
      std::vector<float> &input = inputs.emplace_back(sinter::Tensor(static_cast<float *>(nullptr), shape).size());
      for (float &v : input)
        v = uniform(random);
      std::vector<sinter::Tensor> outputs = need(session.run({sinter::Tensor(input.data(), shape)}));
      std::span<const float> values = outputs.front().as<float>();
      expected.emplace_back(values.begin(), values.end());
    }
  }

  /// The bits of the first run, or cancelled where `mayCancel`.
  bool same(sinter::Session &session, size_t size, bool mayCancel) {
    auto outputs = session.run({sinter::Tensor(inputs[size].data(), shapes[size])});
    if (!outputs)
      return mayCancel && outputs.error().code() == SINTER_CANCELLED;
    std::span<const float> values = outputs->front().as<float>();
    return values.size() == expected[size].size() &&
           std::memcmp(values.data(), expected[size].data(), values.size_bytes()) == 0;
  }
};

sinter::Model compiled(std::string_view text) {
  return need(sinter::Model::compile(std::as_bytes(std::span(text)), SINTER_MLIR, options()));
}

/// Kilobytes of memory that no file backs.
long residentKilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "RssAnon:") {
      long kilobytes = 0;
      status >> kilobytes;
      return kilobytes;
    }
  return 0;
}

struct Load {
  std::vector<Work> work;
  std::chrono::seconds length;
  std::latch warm{threads};
  std::atomic<long> runs = 0, wrong = 0, sessions = 0, cancels = 0;
};

/// One client: every model at every size once, then sizes at random; every hundredth run a new session, every
/// tenth one beside a cancel.
void serve(Load &load, int number) {
  std::mt19937 random(static_cast<unsigned>(number));
  std::vector<Work> &work = load.work;
  std::vector<sinter::Session> own;
  auto renew = [&](size_t i) {
    own[i] = need(work[i].model.session(1 + static_cast<int>(random() % 3)));
    ++load.sessions;
  };
  for (Work &each : work)
    own.push_back(need(each.model.session(1 + number % 3)));
  for (size_t i = 0; i < work.size(); ++i)
    for (size_t size = 0; size < sizes; ++size)
      load.wrong += !work[i].same(own[i], size, false);
  load.warm.arrive_and_wait();
  Clock::time_point end = Clock::now() + load.length;
  for (long run = 0; Clock::now() < end; ++run) {
    size_t i = random() % work.size(), size = random() % sizes;
    if (run % 100 == 99)
      renew(i);
    if (run % 10 == 9) {
      std::thread other([&] { own[i].cancel(); });
      load.wrong += !work[i].same(own[i], size, true);
      other.join();
      ++load.cancels;
    } else {
      load.wrong += !work[i].same(own[i], size, false);
    }
    ++load.runs;
  }
}

std::vector<sinter::Shape> shapesOf(auto shapeAt) {
  std::vector<sinter::Shape> shapes;
  for (int64_t i = 0; i < sizes; ++i)
    shapes.push_back(shapeAt(i));
  return shapes;
}

} // namespace

int main(int count, char **arguments) {
  long seconds = 900;
  for (int i = 1; i < count; ++i) {
    std::string_view text = i + 1 < count && std::string_view(arguments[i]) == "--seconds" ? arguments[++i] : "";
    auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (text.empty() || error != std::errc() || rest != text.data() + text.size() || seconds < 1)
      stop("usage: sessions-load [--seconds N]   (900 without it)");
  }
  Load load{.work = {}, .length = std::chrono::seconds(seconds)};
  std::vector<Work> &work = load.work;
  work.emplace_back(need(sinter::Model::compile(SINTER_SOURCE_DIR "/examples/digits/digits.onnx", options())),
                    shapesOf([](int64_t i) { return sinter::Shape{i + 1, 1, 8, 8}; }));
  work.emplace_back(compiled(images), shapesOf([](int64_t i) { return sinter::Shape{1, 3, 5 + 3 * i, 40 - i}; }));
  work.emplace_back(compiled(tokens), shapesOf([](int64_t i) { return sinter::Shape{1 + 5 * i, 48}; }));

  std::vector<std::thread> clients;
  for (int t = 0; t < threads; ++t)
    clients.emplace_back(serve, std::ref(load), t);
  load.warm.wait();
  Clock::time_point begin = Clock::now();
  std::vector<long> resident;
  for (int tenth = 1; tenth <= 10; ++tenth) {
    std::this_thread::sleep_until(begin + std::chrono::milliseconds(100 * seconds * tenth));
    resident.push_back(residentKilobytes());
  }
  for (std::thread &client : clients)
    client.join();
  auto inMegabytes = [](long kilobytes) { return static_cast<double>(kilobytes) / 1e3; };
  fmt::print("{} threads, {} models at {} sizes, {} s: {} runs, {} sessions, {} cancels, {} wrong\n", threads,
             work.size(), sizes, seconds, load.runs.load(), load.sessions.load(), load.cancels.load(),
             load.wrong.load());
  fmt::print("anonymous memory in MB:");
  for (long kilobytes : resident)
    fmt::print(" {:.1f}", inMegabytes(kilobytes));
  fmt::print("\n");
  // The scratch memory of sessions for their last shapes differs from moment to moment by some megabytes.
  constexpr long slack = 16'000;
  if (resident.back() > resident.front() + slack)
    stop(fmt::format("resident memory grew from {:.1f} to {:.1f} MB", inMegabytes(resident.front()),
                     inMegabytes(resident.back())));
  if (load.wrong > 0)
    stop(fmt::format("{} results differ from the first ones", load.wrong.load()));
  return 0;
}
