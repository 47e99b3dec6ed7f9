// --precision bf16 against the reference in f32: operands of products have eight bits, so a sum of n products is off by
// some 2^-8 of their root mean square times the root of n. Other targets refuse it.
#include "compiler/Explain.h"
#include "tests/unit/RunModel.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <unistd.h>

namespace sinter {
namespace {

std::string values(std::mt19937 &random, int64_t count) {
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::string text;
  for (int64_t i = 0; i < count; ++i)
    text += (i ? ", " : "") + std::to_string(uniform(random));
  return text;
}

/// A constant of the name, given flat.
std::string constant(std::mt19937 &random, const std::string &name, const std::string &type, int64_t rank,
                     const std::string &sizes, int64_t count) {
  std::string flat = "tensor<" + std::to_string(count) + "xf32>", shape = "tensor<" + std::to_string(rank) + "xi64>";
  return "  %f" + name + " = nn.constant dense<[" + values(random, count) + "]> : " + flat + "\n  %s" + name +
         " = nn.constant dense<[" + sizes + "]> : " + shape + "\n  %" + name + " = nn.reshape %f" + name + ", %s" +
         name + " : (" + flat + ", " + shape + ") -> " + type + "\n";
}

std::vector<Tensor> run(const std::string &text, const CompileOptions &options, int threads,
                        std::string *algorithms = nullptr) {
  std::string path = testing::TempDir() + "sinter_precision_" + std::to_string(getpid()) + ".mlir";
  std::ofstream(path) << text;
  std::vector<Tensor> outputs = compileAndRun(path, options, threads);
  if (algorithms)
    *algorithms = *explainModel(path, options);
  std::filesystem::remove(path);
  return outputs;
}

void check(const std::string &text, double tolerance) {
  SCOPED_TRACE(text.substr(0, 2000));
  CompileOptions narrow, reference;
  narrow.backend = "llvm";
  narrow.precision = "bf16";
  reference.backend = "reference";
  std::string explanation;
  std::vector<Tensor> want = run(text, reference, 1), one = run(text, narrow, 1, &explanation),
                      two = run(text, narrow, 2);
  EXPECT_NE(explanation.find("bf16 pairs"), std::string::npos);
  ASSERT_TRUE(want.size() == 1 && one.size() == 1 && two.size() == 1);
  ASSERT_EQ(one[0].shape(), want[0].shape());
  EXPECT_EQ(std::memcmp(one[0].data(), two[0].data(), one[0].bytes()), 0) << "threads change bits";
  std::vector<double> got = toDoubles(one[0]), expected = toDoubles(want[0]);
  double largest = 0, worst = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    largest = std::max(largest, std::fabs(expected[i]));
    worst = std::max(worst, std::fabs(got[i] - expected[i]));
  }
  EXPECT_LE(worst, tolerance * largest);
  EXPECT_GT(worst, 0) << "computed in f32";
}

std::string number(int64_t n) { return std::to_string(n); }

TEST(Precision, ConvolutionsOfPairs) {
  if (!__builtin_cpu_supports("avx512bf16"))
    GTEST_SKIP() << "this processor has no AVX512-BF16";
  std::mt19937 random(1);
  // Whole blocks, a block and a half, an odd channel; borders, strides, two in a row with a residual sum.
  for (int64_t channels : {16, 24, 33})
    for (int64_t stride : {1, 2}) {
      std::string c = number(channels), x = "tensor<1x" + c + "x9x9xf32>", w = "tensor<" + c + "x" + c + "x3x3xf32>";
      std::string side = stride == 1 ? "9" : "5", y = "tensor<1x" + c + "x" + side + "x" + side + "xf32>",
                  b = "tensor<" + c + "xf32>";
      std::string sizes = c + ", " + c + ", 3, 3";
      std::string text =
          "func.func @main(%x: " + x + " {nn.name = \"x\"}) -> (" + y + " {nn.name = \"y\"}) {\n" +
          constant(random, "w", w, 4, sizes, channels * channels * 9) +
          constant(random, "v", w, 4, sizes, channels * channels * 9) + constant(random, "b", b, 1, c, channels) +
          "  %1 = nn.conv %x, %w, %b {strides = array<i64: " + number(stride) + ", " + number(stride) +
          ">, pads = array<i64: 1, 1, 1, 1>} : (" + x + ", " + w + ", " + b + ") -> " + y + "\n  %2 = nn.relu %1 : (" +
          y + ") -> " + y + "\n  %3 = nn.conv %2, %v {pads = array<i64: 1, 1, 1, 1>} : (" + y + ", " + w + ") -> " + y +
          "\n  %4 = nn.add %3, %2 : (" + y + ", " + y + ") -> " + y + "\n  return %4 : " + y + "\n}\n";
      check(text, 0.02);
    }
}

TEST(Precision, MatrixProducts) {
  if (!__builtin_cpu_supports("avx512bf16"))
    GTEST_SKIP() << "this processor has no AVX512-BF16";
  std::mt19937 random(2);
  for (int64_t rows : {1, 5, 16}) {
    std::string m = number(rows), x = "tensor<" + m + "x100xf32>", y = "tensor<" + m + "x40xf32>",
                w = "tensor<40x100xf32>";
    check("func.func @main(%x: " + x + " {nn.name = \"x\"}) -> (" + y + " {nn.name = \"y\"}) {\n" +
              constant(random, "w", w, 2, "40, 100", 4000) + constant(random, "b", "tensor<40xf32>", 1, "40", 40) +
              "  %1 = nn.gemm %x, %w, %b {alpha = 0.5 : f32, trans_b} : (" + x + ", " + w + ", tensor<40xf32>) -> " +
              y + "\n  return %1 : " + y + "\n}\n",
          0.02);
  }
}

TEST(Precision, OtherTargetsRefuse) {
  CompileOptions options;
  options.precision = "bf16";
  options.targetCpu = "x86-64-v3";
  std::string path = testing::TempDir() + "sinter_precision_refused_" + std::to_string(getpid()) + ".mlir";
  std::ofstream(path) << "func.func @main(%x: tensor<4xf32> {nn.name = \"x\"}) -> (tensor<4xf32> {nn.name = \"y\"}) {\n"
                         "  %y = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>\n  return %y : tensor<4xf32>\n}\n";
  auto compiled = compileInProcess(path, options);
  std::filesystem::remove(path);
  ASSERT_FALSE(compiled);
  EXPECT_NE(compiled.failure().message.find("AVX512-BF16"), std::string::npos) << compiled.failure().message;
}

} // namespace
} // namespace sinter
