// Convolutions and matrix products against the reference over random shapes, awkward ones above all: pads
// wider than the kernel, maps of one pixel, odd channel counts, strides beyond the kernel. Two threads must
// give the bits of one.
#include "tests/unit/IrText.h"
#include "tests/unit/RunModel.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <regex>
#include <sstream>
#include <unistd.h>

namespace sinter {
namespace {

/// A function that applies `op` to its arguments, then, if wanted, adds a residual and clips at zero.
struct Case {
  std::string op, attributes, element = "f32";
  std::vector<Shape> operands;
  Shape result;
  bool fused = false;

  std::string text() const {
    std::vector<Shape> arguments = operands;
    if (fused)
      arguments.push_back(result);
    std::string signature, names, types, y = tensorType(result, element);
    for (size_t i = 0; i < arguments.size(); ++i) {
      std::string name = "a" + std::to_string(i), type = tensorType(arguments[i], element);
      signature += (i ? ", %" : "%") + name + ": " + type + " {nn.name = \"" + name + "\"}";
      if (i == operands.size())
        continue;
      names += (i ? ", %" : "%") + name;
      types += (i ? ", " : "") + type;
    }
    std::string text = "func.func @main(" + signature + ") -> (" + y + " {nn.name = \"y\"}) {\n  %0 = nn." + op + " " +
                       names + " {" + attributes + "} : (" + types + ") -> " + y + "\n";
    if (!fused)
      return text + "  return %0 : " + y + "\n}\n";
    return text + "  %1 = nn.add %0, %a" + std::to_string(operands.size()) + " : (" + y + ", " + y + ") -> " + y +
           "\n  %2 = nn.relu %1 : (" + y + ") -> " + y + "\n  return %2 : " + y + "\n}\n";
  }
};

Tensor evaluate(const std::string &path, const std::string &backend, int threads) {
  CompileOptions options;
  options.backend = backend;
  std::vector<Tensor> outputs = compileAndRun(path, options, threads);
  return outputs.empty() ? Tensor() : outputs.front();
}

void check(const Case &c) {
  SCOPED_TRACE(c.text());
  std::string path = testing::TempDir() + "sinter_contraction_" + std::to_string(getpid()) + ".mlir";
  std::ofstream(path) << c.text();
  Tensor want = evaluate(path, "reference", 1), one = evaluate(path, "llvm", 1), two = evaluate(path, "llvm", 2);
  std::filesystem::remove(path);
  ASSERT_EQ(one.shape(), want.shape());
  ASSERT_EQ(one.bytes(), two.bytes());
  EXPECT_TRUE(one.bytes() == 0 || std::memcmp(one.data(), two.data(), one.bytes()) == 0) << "threads change bits";
  std::vector<double> got = toDoubles(one), expected = toDoubles(want);
  double tolerance = c.element == "f16" ? 1e-2 : c.element == "bf16" ? 8e-2 : c.element == "f64" ? 1e-12 : 1e-4;
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], expected[i], tolerance * (1 + std::abs(expected[i]))) << "element " << i;
}

/// A convolution of random rank, groups and window; nothing where no output would be left.
std::optional<Case> convolution(RandomChoice &g, bool transposed) {
  size_t rank = static_cast<size_t>(g.pick({1, 2, 2, 2, 3}));
  int64_t group = g.pick({1, 1, 1, 2, 3, 8}), inputs = g.pick({1, 1, 2, 3, 5, 17}),
          outputs = g.pick({1, 1, 2, 4, 9, 20});
  Shape x{g.pick({1, 2}), group * inputs}, w{group * outputs, inputs}, y{x[0], group * outputs};
  if (transposed)
    w = {group * inputs, outputs};
  Shape strides, dilations, begins, ends;
  for (size_t d = 0; d < rank; ++d) {
    int64_t size = g.pick({1, 2, 3, 5}), in = rank == 3 ? g.pick({1, 4, 7}) : g.pick({1, 3, 7, 8, 14, 23, 40});
    strides.push_back(g.pick({1, 1, 2, 3, 7}));
    dilations.push_back(g.pick({1, 1, 2}));
    begins.push_back(transposed ? g.pick({0, 1}) : g.pick({0, 1, size + 1}));
    ends.push_back(transposed ? 0 : g.pick({0, 1, 2}));
    int64_t extent = (size - 1) * dilations[d] + 1, pads = begins[d] + ends[d];
    int64_t out = transposed ? (in - 1) * strides[d] + extent - pads : (in + pads - extent) / strides[d] + 1;
    if (out < 1 || (!transposed && in + pads < extent))
      return std::nullopt;
    x.push_back(in), w.push_back(size), y.push_back(out);
  }
  begins.insert(begins.end(), ends.begin(), ends.end());
  Case c{transposed ? "conv_transpose" : "conv", "", "f32", {x, w}, y, g.often()};
  c.attributes = "strides = " + list(strides) + ", dilations = " + list(dilations) + ", pads = " + list(begins) +
                 ", group = " + std::to_string(group) + " : i64";
  if (g.often())
    c.operands.push_back({y[1]});
  return c;
}

TEST(Contraction, RandomConvolutions) {
  RandomChoice g(1);
  for (int i = 0; i < 60; ++i)
    if (std::optional<Case> c = convolution(g, i % 4 == 3))
      check(*c);
}

TEST(Contraction, ConvolutionsOfOtherTypes) {
  RandomChoice g(2);
  for (const char *element : {"f16", "bf16", "f64"})
    for (int i = 0; i < 4; ++i)
      if (std::optional<Case> c = convolution(g, i == 3)) {
        c->element = element;
        check(*c);
      }
}

/// Both backends' outputs of IR have the same infinities and no NaN.
void checkInfinite(const std::string &text) {
  SCOPED_TRACE(text);
  std::string path = testing::TempDir() + "sinter_infinite_" + std::to_string(getpid()) + ".mlir";
  std::ofstream(path) << text;
  std::vector<double> want = toDoubles(evaluate(path, "reference", 1)), got = toDoubles(evaluate(path, "llvm", 2));
  std::filesystem::remove(path);
  ASSERT_EQ(got.size(), want.size());
  int infinite = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    infinite += std::isinf(want[i]);
    ASSERT_FALSE(std::isnan(want[i])) << "element " << i;
    if (std::isinf(want[i]))
      ASSERT_EQ(got[i], want[i]) << "element " << i;
    else
      ASSERT_NEAR(got[i], want[i], 1e-4 * (1 + std::abs(want[i]))) << "element " << i;
  }
  EXPECT_GT(infinite, 0);
  EXPECT_LT(infinite, static_cast<int>(got.size()));
}

// Positions beyond the input are no part of a transposed convolution's sum: products with zeros there would be NaN.
TEST(Contraction, TransposedConvolutionsOfInfiniteWeights) {
  checkInfinite(R"(func.func @main(%i: tensor<2x4x3x5xf32> {nn.name = "i"}) -> (tensor<2x6x6x10xf32> {nn.name = "y"}) {
  %x = nn.abs %i : (tensor<2x4x3x5xf32>) -> tensor<2x4x3x5xf32>
  %z = nn.constant dense<[[[[0.0]]], [[[1.0]]], [[[2.0]]], [[[3.0]]]]> : tensor<4x1x1x1xf32>
  %m = nn.reduce_max %i {axes = array<i64: 0, 1, 2, 3>, keepdims = true} : (tensor<2x4x3x5xf32>) -> tensor<1x1x1x1xf32>
  %s = nn.mul %z, %m : (tensor<4x1x1x1xf32>, tensor<1x1x1x1xf32>) -> tensor<4x1x1x1xf32>
  %r = nn.reciprocal %s : (tensor<4x1x1x1xf32>) -> tensor<4x1x1x1xf32>
  %p = nn.constant dense<[[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]]> : tensor<1x3x3x3xf32>
  %w = nn.mul %r, %p : (tensor<4x1x1x1xf32>, tensor<1x3x3x3xf32>) -> tensor<4x3x3x3xf32>
  %c = nn.conv_transpose %x, %w {strides = array<i64: 2, 2>, group = 2 : i64, pads = array<i64: 1, 1, 0, 0>} : (tensor<2x4x3x5xf32>, tensor<4x3x3x3xf32>) -> tensor<2x6x6x10xf32>
  %y = nn.relu %c : (tensor<2x6x6x10xf32>) -> tensor<2x6x6x10xf32>
  return %y : tensor<2x6x6x10xf32>
})");
  for (const char *element : {"f32", "f64"}) {
    std::string text =
        R"(func.func @main(%i: tensor<1x2x9xTYPE> {nn.name = "i"}) -> (tensor<1x2x21xTYPE> {nn.name = "y"}) {
  %x = nn.abs %i : (tensor<1x2x9xTYPE>) -> tensor<1x2x9xTYPE>
  %w = nn.constant dense<[[[INF, 1.0, 2.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0, 5.0]], [[1.0, 1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0, 2.0]]]> : tensor<2x2x5xTYPE>
  %b = nn.constant dense<[1.0, 2.0]> : tensor<2xTYPE>
  %y = nn.conv_transpose %x, %w, %b {strides = array<i64: 2>} : (tensor<1x2x9xTYPE>, tensor<2x2x5xTYPE>, tensor<2xTYPE>) -> tensor<1x2x21xTYPE>
  return %y : tensor<1x2x21xTYPE>
})";
    std::string infinity = element == std::string("f32") ? "0x7F800000" : "0x7FF0000000000000";
    text = std::regex_replace(std::regex_replace(text, std::regex("TYPE"), element), std::regex("INF"), infinity);
    checkInfinite(text);
  }
}

// A sum of no terms is 0, and there is no weight to look at.
TEST(Contraction, TransposedConvolutionOfNoChannels) {
  check({"conv_transpose", "strides = array<i64: 1, 1>", "f32", {{1, 0, 4, 4}, {0, 3, 2, 2}}, {1, 3, 5, 5}, true});
}

TEST(Contraction, DepthsThatNeedSeveralBlocks) {
  check({"conv", "pads = array<i64: 1, 1, 1, 1>", "f32", {{1, 130, 7, 7}, {37, 130, 3, 3}, {37}}, {1, 37, 7, 7}, true});
  check({"matmul", "", "f32", {{70, 900}, {900, 50}}, {70, 50}, true});
  check({"gemm", "trans_b", "f32", {{3, 1000}, {129, 1000}, {129}}, {3, 129}, true});
}

TEST(Contraction, RandomGemms) {
  RandomChoice g(3);
  for (int i = 0; i < 24; ++i) {
    int64_t m = g.pick({1, 2, 5, 16, 33}), n = g.pick({1, 7, 8, 50, 100}), k = g.pick({1, 3, 64, 300});
    bool transA = g.often(), transB = g.often();
    Case c{"gemm", "alpha = 0.5 : f32, beta = 2.0 : f32", "f32", {}, {m, n}, g.often()};
    c.operands = {transA ? Shape{k, m} : Shape{m, k}, transB ? Shape{n, k} : Shape{k, n}};
    c.attributes += std::string(transA ? ", trans_a" : "") + (transB ? ", trans_b" : "");
    const Shape biases[] = {{n}, {1, n}, {m, 1}, {m, n}, {1}, {}};
    if (i % 7 != 6)
      c.operands.push_back(biases[i % 7]);
    check(c);
  }
}

TEST(Contraction, MatrixProducts) {
  const Case cases[] = {
      {"matmul", "", "f32", {{5}, {5}}, {}},
      {"matmul", "", "f32", {{5}, {3, 5, 4}}, {3, 4}},
      {"matmul", "", "f32", {{2, 3, 5}, {5}}, {2, 3}},
      {"matmul", "", "f32", {{2, 3, 5}, {5, 9}}, {2, 3, 9}},
      {"matmul", "", "f32", {{3, 5}, {2, 5, 9}}, {2, 3, 9}},
      {"matmul", "", "f32", {{2, 1, 3, 5}, {4, 5, 17}}, {2, 4, 3, 17}},
      {"matmul", "", "f32", {{1, 2, 3, 5}, {1, 1, 5, 6}}, {1, 2, 3, 6}},
      {"matmul", "", "f32", {{4, 0}, {0, 3}}, {4, 3}},
      {"matmul", "", "f64", {{9, 31}, {31, 21}}, {9, 21}},
      {"matmul", "", "i32", {{9, 31}, {31, 21}}, {9, 21}},
      {"matmul", "", "i64", {{2, 9, 31}, {2, 31, 21}}, {2, 9, 21}},
      {"matmul", "", "ui32", {{3, 4}, {4, 5}}, {3, 5}},
  };
  for (const Case &c : cases)
    check(c);
}

} // namespace
} // namespace sinter
