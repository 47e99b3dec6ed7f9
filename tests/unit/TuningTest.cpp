// Schedules and the cache of measured ones: every schedule gives the same results but for roundings, however far its
// wishes go; a choice in a cache is followed; what is no cache is neither believed nor written over.
#include "compiler/Explain.h"
#include "compiler/tuning/Candidates.h"
#include "compiler/tuning/KernelKey.h"
#include "compiler/tuning/Tuner.h"
#include "ir/Ops.h"
#include "passes/AssignBackend.h"
#include "runtime/onednn/OneDnn.h"
#include "tests/unit/RunModel.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <sstream>
#include <unistd.h>

namespace sinter {
namespace {

using namespace codegen;

std::string tensor(const Shape &shape) {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + "f32>";
}

std::string constant(const std::string &name, const Shape &shape, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-0.2f, 0.2f);
  std::string hex;
  for (int64_t i = 0; i < *elementCount(shape); ++i) {
    float value = uniform(random);
    unsigned char bytes[4];
    std::memcpy(bytes, &value, 4);
    for (unsigned char byte : bytes)
      hex += {"0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15]};
  }
  return "  %" + name + " = nn.constant dense<\"0x" + hex + "\"> : " + tensor(shape) + "\n";
}

std::string convolution(const std::string &y, const std::string &x, const std::string &w, const Shape &in,
                        const Shape &weights, const Shape &out, int64_t stride) {
  std::string pad = std::to_string(weights[2] / 2), s = std::to_string(stride);
  return "  %" + y + " = nn.conv %" + x + ", %" + w + " {pads = array<i64: " + pad + ", " + pad + ", " + pad + ", " +
         pad + ">, strides = array<i64: " + s + ", " + s + ">, dilations = array<i64: 1, 1>, group = 1 : i64} : (" +
         tensor(in) + ", " + tensor(weights) + ") -> " + tensor(out) + "\n";
}

/// Convolutions of 3x3, with and without stride, and a pointwise one; then a product. `width` is that of the channels.
std::string network(int64_t width, unsigned seed = 1) {
  Shape x{1, 3, 18, 21}, a{1, width, 18, 21}, b{1, width, 9, 11}, c{1, 40, 9, 11};
  Shape first{width, 3, 3, 3}, square{width, width, 3, 3}, point{40, width, 1, 1}, matrix{11, 37};
  return "func.func @main(%x: " + tensor(x) + " {nn.name = \"x\"}) -> (" + tensor({1, 40, 9, 37}) +
         " {nn.name = \"y\"}) {\n" + constant("w0", first, seed) + constant("w1", square, seed + 1) +
         constant("w2", square, seed + 2) + constant("w3", point, seed + 3) + constant("m", matrix, seed + 4) +
         convolution("a", "x", "w0", x, first, a, 1) + convolution("b", "a", "w1", a, square, a, 1) +
         "  %r = nn.relu %b : (" + tensor(a) + ") -> " + tensor(a) + "\n" +
         convolution("c", "r", "w2", a, square, b, 2) + convolution("d", "c", "w3", b, point, c, 1) +
         "  %y = nn.matmul %d, %m : (" + tensor(c) + ", " + tensor(matrix) + ") -> " + tensor({1, 40, 9, 37}) +
         "\n  return %y : " + tensor({1, 40, 9, 37}) + "\n}\n";
}

class Tuning : public testing::Test {
protected:
  void SetUp() override {
    folder = testing::TempDir() + "sinter-tuning-" + std::to_string(getpid());
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string write(const std::string &name, const std::string &text) {
    std::ofstream(folder + "/" + name) << text;
    return folder + "/" + name;
  }
  std::string read(const std::string &path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  struct Kernel {
    std::string name, key;
    std::vector<Choice> candidates;
  };
  /// The kernels of a model that generated code computes.
  std::vector<Kernel> kernelsOf(const std::string &path) {
    CompileOptions options;
    options.tune.cachePath = folder + "/none";
    auto target = targetFor(options);
    auto model = loadModel(path, options);
    EXPECT_TRUE(model && lowerToKernels(*model, options, *target).ok());
    machine = machineKey(*target);
    std::vector<Kernel> kernels;
    (*model->module)->walk([&](nn::KernelOp kernel) {
      kernels.push_back({kernel.getName().str(), kernelKey(kernel), candidatesFor(kernel, *target)});
    });
    return kernels;
  }

  CompileOptions withCache(const std::string &path) {
    CompileOptions options;
    options.tune.cachePath = path;
    options.tune.warn = [this](const std::string &text) { warnings.push_back(text); };
    return options;
  }

  std::string folder, machine;
  std::vector<std::string> warnings;
};

void expectEqual(const Tensor &a, const Tensor &b) {
  ASSERT_EQ(a.shape(), b.shape());
  double largest = 0, difference = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(b.as<float>()[i])));
    difference = std::max(difference, std::abs(static_cast<double>(a.as<float>()[i]) - b.as<float>()[i]));
  }
  EXPECT_LE(difference, 2e-5 * largest);
}

TEST_F(Tuning, SchedulesAreReadAsTheyAreWritten) {
  for (const char *text : {"", "winograd=0", "winograd=6 tile=6x4", "tile=64x1 outer=-1 inner=2"}) {
    std::optional<Schedule> schedule = parseSchedule(text);
    ASSERT_TRUE(schedule) << text;
    EXPECT_EQ(toString(*schedule), text);
  }
  for (const char *text :
       {"winograd=3", "winograd=12", "winograd=-4", "winograd=", "tile=0x4", "tile=65x1", "tile=4", "tile=4x",
        "tile=99999999999999999999x1", "outer=5", "inner=-5", "outer=1.5", "frobnicate=1", "tile", "=", "tile=-4x4"})
    EXPECT_FALSE(parseSchedule(text)) << text;
  for (const char *text : {"onednn", "llvm", "llvm tile=6x4"})
    EXPECT_EQ(toString(*parseChoice(text)), text);
  for (const char *text : {"", "gpu", "onednn tile=6x4", "llvm tile=6"})
    EXPECT_FALSE(parseChoice(text)) << text;
}

TEST_F(Tuning, KernelsAreKnownByWhatTheyCompute) {
  std::vector<Kernel> narrow = kernelsOf(write("narrow.mlir", network(32))),
                      wide = kernelsOf(write("wide.mlir", network(48))),
                      again = kernelsOf(write("again.mlir", network(32, 77)));
  ASSERT_EQ(narrow.size(), again.size());
  ASSERT_EQ(narrow.size(), wide.size());
  for (size_t i = 0; i < narrow.size(); ++i) {
    EXPECT_EQ(narrow[i].key, again[i].key) << "other weights, the same kernel " << narrow[i].name;
    // The product at the end sees none of the channels.
    if (!narrow[i].candidates.empty() && i + 2 < narrow.size()) {
      EXPECT_NE(narrow[i].key, wide[i].key) << "other channels, another kernel " << narrow[i].name;
    }
    EXPECT_EQ(narrow[i].key.size(), 32u);
  }
  CompileOptions options;
  Target here = *targetFor(options);
  options.targetCpu = "x86-64-v3";
  options.targetTriple = "x86_64-linux-gnu";
  EXPECT_NE(machineKey(here), machineKey(*targetFor(options)));
}

TEST_F(Tuning, EveryScheduleComputesTheSame) {
  onednn::registerFallback();
  std::string path = write("net.mlir", network(48));
  std::vector<Kernel> kernels = kernelsOf(path);
  CompileOptions plain;
  Tensor expected = compileAndRun(path, plain, 1).front();
  std::vector<Choice> choices;
  for (const Kernel &kernel : kernels)
    for (const Choice &choice : kernel.candidates)
      if (!llvm::is_contained(choices, choice))
        choices.push_back(choice);
  EXPECT_GT(choices.size(), 10u);
  EXPECT_TRUE(llvm::is_contained(choices, Choice::of("onednn"))) << "oneDNN takes convolutions in channel blocks";
  // And wishes beyond all reason.
  for (int64_t outer : {-4, 4})
    for (int64_t inner : {-4, 4})
      for (Schedule schedule : {Schedule{.winograd = 6, .tileRows = 64, .tileVectors = 64},
                                Schedule{.winograd = 0, .tileRows = 1, .tileVectors = 5}}) {
        schedule.outer = outer, schedule.inner = inner;
        choices.push_back(Choice::of(schedule));
      }
  for (const Choice &choice : choices) {
    SCOPED_TRACE(toString(choice));
    std::string file = folder + "/cache.json";
    std::filesystem::remove(file);
    TuningCache cache(file, nullptr);
    for (const Kernel &kernel : kernels)
      cache.put(machine, kernel.key, {choice, 1, 2, true, kernel.name});
    ASSERT_TRUE(cache.write().ok());
    std::vector<Tensor> outputs = compileAndRun(path, withCache(file), 2);
    ASSERT_EQ(outputs.size(), 1u);
    expectEqual(outputs.front(), expected);
  }
  EXPECT_TRUE(warnings.empty());
}

TEST_F(Tuning, AForcedChoiceIsFollowedAndExplained) {
  std::string path = write("net.mlir", network(32)), file = folder + "/cache.json";
  std::vector<Kernel> kernels = kernelsOf(path);
  std::string row;
  for (const Kernel &kernel : kernels)
    row += (row.empty() ? "" : ", ") + ("{\"machine\": \"" + machine + "\", \"kernel\": \"" + kernel.key +
                                        "\", \"choice\": \"llvm winograd=4 tile=3x2\", \"ms\": 1, \"default_ms\": 2}");
  write("cache.json", "{\"sinter_tuning\": 1, \"kernels\": [" + row + "]}");
  std::string with = *explainModel(path, withCache(file)), without = *explainModel(path, CompileOptions());
  EXPECT_NE(with.find("Winograd F(2x2, 3x3)"), std::string::npos) << with;
  EXPECT_NE(with.find("\"schedule\":\"winograd=4 tile=3x2\""), std::string::npos) << with;
  EXPECT_NE(with.find("measured on this processor: 1 ms, the cost model's schedule 2 ms"), std::string::npos) << with;
  EXPECT_EQ(without.find("tile=3x2"), std::string::npos);
  EXPECT_EQ(without.find("measured"), std::string::npos);
  // Neither another processor's choices count nor, under strict, Winograd's algorithm.
  CompileOptions strict = withCache(file);
  strict.math = "strict";
  EXPECT_EQ(explainModel(path, strict)->find("Winograd F("), std::string::npos);
}

TEST_F(Tuning, OneDnnIsChosenOnlyWhereItMayBe) {
  // Its relu turns NaN into 0, so it takes the product with a relu only where the product cannot be NaN: finite inputs
  // do not suffice, since their products may overflow.
  std::string text =
      "func.func @main(%x: tensor<8x64xf32> {nn.name = \"x\"}) -> (tensor<8x48xf32> {nn.name = \"y\"}) {\n" +
      constant("m", {64, 48}, 3) +
      "  %p = nn.matmul %x, %m : (tensor<8x64xf32>, tensor<64x48xf32>) -> tensor<8x48xf32>\n"
      "  %y = nn.relu %p : (tensor<8x48xf32>) -> tensor<8x48xf32>\n  return %y : tensor<8x48xf32>\n}\n";
  std::string path = write("product.mlir", text), file = folder + "/cache.json";
  std::vector<Kernel> kernels = kernelsOf(path);
  ASSERT_EQ(kernels.size(), 1u);
  TuningCache cache(file, nullptr);
  cache.put(machine, kernels[0].key, {Choice::of("onednn"), 1, 2, true, ""});
  ASSERT_TRUE(cache.write().ok());
  CompileOptions options = withCache(file);
  EXPECT_EQ(explainModel(path, options)->find("onednn"), std::string::npos);
  options.assumeFinite = true;
  EXPECT_EQ(explainModel(path, options)->find("onednn"), std::string::npos);
  options.inputRanges["x"] = {-8, 8};
  std::string explanation = *explainModel(path, options);
  EXPECT_NE(explanation.find("\"backend\":\"onednn\""), std::string::npos) << explanation;
  EXPECT_NE(explanation.find("measured on this processor: 1 ms, generated code 2 ms"), std::string::npos)
      << explanation;
  options.backend = "llvm";
  EXPECT_EQ(explainModel(path, options)->find("\"onednn\""), std::string::npos);
}

TEST_F(Tuning, CachesSurviveARoundTrip) {
  std::string file = folder + "/new/folder/cache.json";
  TuningCache cache(file, nullptr);
  cache.put("a \"machine\"", "k1", {Choice::of(Schedule{.tileRows = 4, .tileVectors = 2}), 0.5, 1, true, "conv"});
  cache.put("a \"machine\"", "k2", {Choice::of("onednn"), 0.25, 1, false, "gemm"});
  ASSERT_TRUE(cache.write().ok());
  // Another process, which knows nothing of these.
  TuningCache other(folder + "/new/folder/cache.json", nullptr);
  other.put("b", "k1", {});
  ASSERT_TRUE(other.write().ok());
  TuningCache back(file, nullptr);
  ASSERT_TRUE(back.find("a \"machine\"", "k1") && back.find("a \"machine\"", "k2") && back.find("b", "k1"));
  EXPECT_EQ(toString(back.find("a \"machine\"", "k1")->choice), "llvm tile=4x2");
  EXPECT_EQ(back.find("a \"machine\"", "k2")->speedup(), 4);
  EXPECT_TRUE(back.find("a \"machine\"", "k1")->isComplete);
  EXPECT_FALSE(back.find("a \"machine\"", "k2")->isComplete);
  EXPECT_FALSE(back.find("b", "k2"));
}

TEST_F(Tuning, CachesAreBounded) {
  std::string file = folder + "/cache.json";
  TuningCache cache(file, nullptr);
  for (size_t i = 0; i < TuningCache::maxEntries + 3; ++i)
    cache.put("m", std::to_string(i), {});
  ASSERT_TRUE(cache.write().ok());
  TuningCache back(file, nullptr);
  EXPECT_FALSE(back.find("m", "0"));
  EXPECT_FALSE(back.find("m", "2"));
  EXPECT_TRUE(back.find("m", "3"));
}

TEST_F(Tuning, WhatIsNoCacheIsLeftAlone) {
  std::string path = write("net.mlir", network(16));
  for (std::string text :
       {std::string("not json"), std::string("{\"kernels\": ["), std::string(100000, '['), std::string("{}"),
        std::string("{\"sinter_tuning\": 2, \"kernels\": []}"), std::string("{\"sinter_tuning\": 1, \"kernels\": 3}"),
        std::string("\0\xff", 2), std::string()}) {
    SCOPED_TRACE(text.substr(0, 40));
    warnings.clear();
    std::string file = write("cache.json", text);
    EXPECT_TRUE(explainModel(path, withCache(file)));
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("cache.json"), std::string::npos);
    TuningCache cache(file, nullptr);
    cache.put("m", "k", {});
    EXPECT_TRUE(cache.write().ok());
    EXPECT_EQ(read(file), text);
  }
  // Entries without sense do not spoil the others.
  std::string good = "{\"machine\": \"m\", \"kernel\": \"k\", \"choice\": \"llvm\", \"ms\": 1, \"default_ms\": 1}";
  std::string bad;
  for (const char *row : {"3", "{}", "null", "{\"machine\": \"m\", \"kernel\": \"x\"}",
                          "{\"machine\": \"m\", \"kernel\": \"x\", \"choice\": \"llvm tile=1\"}",
                          "{\"machine\": 1, \"kernel\": \"x\", \"choice\": \"llvm\"}",
                          "{\"machine\": \"m\", \"kernel\": \"x\", \"choice\": \"llvm\", \"ms\": -1}",
                          "{\"machine\": \"m\", \"kernel\": \"x\", \"choice\": \"llvm\", \"ms\": 1e999}"})
    bad += std::string(row) + ", ";
  TuningCache cache(write("cache.json", "{\"sinter_tuning\": 1, \"kernels\": [" + bad + good + "]}"), nullptr);
  EXPECT_TRUE(cache.find("m", "k"));
  EXPECT_FALSE(cache.find("m", "x"));
}

TEST_F(Tuning, MeasuringFillsTheCacheAndKeepsTheResults) {
  onednn::registerFallback();
  std::string path = write("net.mlir", network(32)), file = folder + "/cache.json";
  Tensor expected = compileAndRun(path, CompileOptions(), 1).front();
  CompileOptions options = withCache(file);
  options.tune.measure = true;
  options.tune.seconds = 20;
  std::string done;
  options.tune.done = [&](const std::string &text) { done = text; };
  expectEqual(compileAndRun(path, options, 1).front(), expected);
  EXPECT_NE(done.find("kernels"), std::string::npos);
  TuningCache cache(file, nullptr);
  size_t known = 0;
  for (const Kernel &kernel : kernelsOf(path))
    known += cache.find(machine, kernel.key) != nullptr;
  EXPECT_GE(known, 4u);
}

TEST_F(Tuning, RefusedWhereItCannotMeasure) {
  std::string path = write("net.mlir", network(16));
  CompileOptions options;
  options.tune.measure = true;
  options.tune.cachePath = folder + "/cache.json";
  for (const char *backend : {"onednn", "reference"}) {
    options.backend = backend;
    EXPECT_NE(compileInProcess(path, options).failure().message.find(backend), std::string::npos);
  }
  options.backend = "auto";
  options.targetTriple = "aarch64-linux-gnu";
  Status status = compileToFile(path, folder + "/out.so", Emit::So, options);
  EXPECT_NE(status.message().find("@{tune@} measures on this machine"), std::string::npos) << status.message();
  EXPECT_FALSE(std::filesystem::exists(folder + "/out.so"));
}

} // namespace
} // namespace sinter
