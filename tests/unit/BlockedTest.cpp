// Networks in NCHWc against the reference: a convolution makes the blocks, then whatever works on
// them: odd channel counts, borders wider than a tile, prologues, epilogues, blocks of 4 and of 8 channels. Two
// threads must give the bits of one.
#include "codegen/target/Target.h"
#include "compiler/Explain.h"
#include "compiler/LowerToKernels.h"
#include "compiler/ModelSource.h"
#include "compiler/tuning/KernelKey.h"
#include "compiler/tuning/TuningCache.h"
#include "ir/Ops.h"
#include "tests/unit/BlockedNetwork.h"
#include "tests/unit/RunModel.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fmt/ranges.h>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <unistd.h>

namespace sinter {
namespace {

class Blocked : public testing::TestWithParam<const char *> {
protected:
  Blocked() {
    options.backend = "llvm";
    options.targetCpu = GetParam();
  }
  void SetUp() override {
    Expected<codegen::Target> target = codegen::resolveTarget("", options.targetCpu);
    ASSERT_TRUE(target) << target.failure().message;
    if (std::vector<std::string> missing = missingFeatures(fmt::format("{}", fmt::join(target->required, ",")));
        !missing.empty())
      GTEST_SKIP() << "this processor has no " << missing.front();
  }
  ~Blocked() override {
    std::filesystem::remove(path);
    std::filesystem::remove(cachePath);
  }

  /// Compares with the reference to `relative` of the largest value, and two threads with one.
  void expectReferencesValues(const std::string &text, double relative = 2e-5) {
    CompileOptions reference;
    reference.backend = "reference";
    std::ofstream(path) << text;
    std::vector<Tensor> wanted = compileAndRun(path, reference, 1), first = compileAndRun(path, options, 1),
                        second = compileAndRun(path, options, 2);
    ASSERT_TRUE(wanted.size() == 1 && first.size() == 1 && second.size() == 1);
    const Tensor &want = wanted[0], &one = first[0], &two = second[0];
    ASSERT_EQ(one.shape(), want.shape());
    EXPECT_EQ(std::memcmp(one.data(), two.data(), one.bytes()), 0) << "threads change bits";
    std::vector<double> got = toDoubles(one), expected = toDoubles(want);
    double largest = 0;
    for (double value : expected)
      largest = std::max(largest, std::fabs(value));
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_NEAR(got[i], expected[i], relative * largest + 1e-6) << "element " << i;
  }

  /// Makes the options follow a tuning cache that gives every kernel of a model this schedule.
  void scheduleEverything(const std::string &text, const codegen::Schedule &schedule) {
    std::ofstream(path) << text;
    std::filesystem::remove(cachePath);
    options.tune.cachePath = cachePath;
    auto target = codegen::targetFor(options);
    auto model = codegen::loadModel(path, options);
    ASSERT_TRUE(target && model && codegen::lowerToKernels(*model, options, *target).ok());
    codegen::TuningCache cache(cachePath, nullptr);
    (*model->module)->walk([&](nn::KernelOp kernel) {
      cache.put(codegen::machineKey(*target), codegen::kernelKey(kernel),
                {codegen::Choice::of(schedule), 1, 2, true, kernel.getName().str()});
    });
    ASSERT_TRUE(cache.write().ok());
  }

  /// Kernels of what expectReferencesValues compiled that begin with a convolution.
  int convolutionKernels() {
    Expected<std::string> explanation = explainModel(path, options);
    if (!explanation)
      return -1;
    int count = 0;
    for (size_t at = 0; (at = explanation->find("\"anchor\"", at)) != std::string::npos; ++at)
      count += explanation->compare(explanation->find('"', at + 8), 6, "\"conv\"") == 0;
    return count;
  }

  CompileOptions options;
  std::string path = testing::TempDir() + "sinter_blocked_" + std::to_string(getpid()) + ".mlir",
              cachePath = path + ".cache";
};

TEST_P(Blocked, RandomNetworksGiveTheReferencesValues) {
  int made = 0;
  for (unsigned seed = 0; seed < 80; ++seed) {
    std::optional<std::string> text = randomNetwork(seed);
    if (!text)
      continue;
    ++made;
    SCOPED_TRACE("seed " + std::to_string(seed));
    expectReferencesValues(*text);
    ASSERT_FALSE(HasFatalFailure());
  }
  EXPECT_GT(made, 50);
}

/// Behind a convolution in f32, a transposed one in TYPE: its weights are packed from their own type.
std::string narrowTransposed() {
  std::string weights;
  for (int i = 0; i < 8; ++i) {
    weights += i ? ", [" : "[";
    for (int o = 0; o < 2; ++o)
      weights += (o ? ", [" : "[") + std::to_string(0.5 * i - 1.75) + ", " + std::to_string(0.25 * o + 0.5) + ", " +
                 std::to_string(-1.0 * (i % 3)) + "]";
    weights += "]";
  }
  return R"(func.func @main(%x: tensor<2x1x9xf32> {nn.name = "x"}) -> (tensor<2x2x19xf32> {nn.name = "y"}) {
    %ones = nn.constant dense<1.0> : tensor<8x1x1xf32>
    %a = nn.conv %x, %ones : (tensor<2x1x9xf32>, tensor<8x1x1xf32>) -> tensor<2x8x9xf32>
    %b = nn.cast %a {to = TYPE} : (tensor<2x8x9xf32>) -> tensor<2x8x9xTYPE>
    %w = nn.constant dense<[)" +
         weights + R"(]> : tensor<8x2x3xTYPE>
    %c = nn.conv_transpose %b, %w {strides = array<i64: 2>} : (tensor<2x8x9xTYPE>, tensor<8x2x3xTYPE>) -> tensor<2x2x19xTYPE>
    %y = nn.cast %c {to = f32} : (tensor<2x2x19xTYPE>) -> tensor<2x2x19xf32>
    return %y : tensor<2x2x19xf32>
  })";
}

TEST_P(Blocked, TransposedConvolutionsOfNarrowFloats) {
  for (const auto &[type, unit] : {std::pair{"f16", 0x1p-11}, std::pair{"bf16", 0x1p-8}}) {
    SCOPED_TRACE(type);
    std::string text = narrowTransposed();
    for (size_t at = 0; (at = text.find("TYPE", at)) != std::string::npos;)
      text.replace(at, 4, type);
    expectReferencesValues(text, 4 * unit);
  }
}

/// A depthwise convolution with a pointwise one behind it, large enough to be one kernel: widths that tiles do not
/// divide, strides, a last block of channels that is not full, short and long arithmetic between the two, images beside
/// each other.
std::string separable(unsigned seed) {
  Network n(seed);
  int64_t channels = n.pick({40, 56, 64}), side = n.pick({2, 3, 5}), stride = n.pick({1, 2}), pad = side / 2;
  Shape shape{n.pick({1, 2}), 3, stride * n.pick({57, 58}), stride * n.pick({59, 61})};
  Network::Value x = n.activation(n.start(n.input(shape), channels));
  Network::Window window{{side, side}, {stride, stride}, {1, 1}, {pad, pad}, {pad, pad}, {}};
  for (size_t d : {2, 3})
    window.out.push_back((shape[d] + 2 * pad - side) / stride + 1);
  Network::Value y = n.convolution(x, channels, channels, window);
  switch (n.pick({0, 1, 2})) {
  case 0:
    y = n.op("relu", {y}, "", y.shape);
    break;
  case 1:
    y = n.op("mul", {y, n.op("sigmoid", {y}, "", y.shape)}, "", y.shape);
    break;
  default:
    break;
  }
  y = n.start(y, channels);
  if (n.often())
    y = n.activation(y);
  if (y.shape == x.shape)
    y = n.op("add", {y, x}, "", y.shape);
  return n.finish(y);
}

TEST_P(Blocked, DepthwiseLinesFeedPointwiseConvolutions) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::string text = separable(seed);
    expectReferencesValues(text);
    EXPECT_EQ(convolutionKernels(), 2) << "the depthwise convolution has a kernel of its own";
  }
}

/// A kernel of stride 1, and the tile that Winograd's algorithm takes for it with so many points.
struct ShortKernel {
  Shape kernel, dilations, spatial;
  int64_t points;
  std::string name;
};
void PrintTo(const ShortKernel &kernel, std::ostream *out) { *out << list(kernel.kernel) << " " << kernel.name; }

TEST_P(Blocked, ShortKernelsOfAnyAxesGiveTheReferencesValues) {
  const ShortKernel kernels[] = {{{3, 3}, {1, 1}, {14, 14}, 4, "F(2x2, 3x3)"},
                                 {{3, 3}, {1, 1}, {13, 19}, 6, "F(4x4, 3x3)"},
                                 {{2, 2}, {1, 1}, {11, 12}, 4, "F(3x3, 2x2)"},
                                 {{5, 5}, {1, 1}, {17, 15}, 6, "F(2x2, 5x5)"},
                                 {{5, 5}, {1, 1}, {17, 15}, 8, "F(4x4, 5x5)"},
                                 {{3, 5}, {1, 1}, {17, 15}, 6, "F(4x2, 3x5)"},
                                 {{1, 7}, {1, 1}, {17, 17}, 10, "F(1x4, 1x7)"},
                                 {{7, 1}, {1, 1}, {17, 17}, 10, "F(4x1, 7x1)"},
                                 {{1, 7}, {1, 1}, {17, 17}, 8, "F(1x2, 1x7)"},
                                 {{9, 1}, {1, 1}, {11, 6}, 10, "F(2x1, 9x1)"},
                                 {{1, 3}, {1, 1}, {8, 8}, 8, "F(1x6, 1x3)"},
                                 {{3, 1}, {1, 1}, {9, 5}, 6, "F(4x1, 3x1)"},
                                 {{5}, {1}, {61}, 10, "F(1x6, 1x5)"},
                                 {{7}, {3}, {100}, 10, "F(1x4, 1x7)"},
                                 {{3}, {64}, {700}, 6, "F(1x4, 1x3)"},
                                 {{3}, {1}, {1500}, 6, "F(1x4, 1x3)"},
                                 {{3, 3}, {2, 3}, {21, 26}, 6, "F(4x4, 3x3)"},
                                 {{3, 3}, {5, 1}, {33, 9}, 4, "F(2x2, 3x3)"},
                                 {{3, 3}, {1, 1}, {7, 700}, 6, "F(4x4, 3x3)"},
                                 {{3, 3}, {2, 2}, {9, 531}, 6, "F(4x4, 3x3)"},
                                 {{3, 3, 3}, {1, 1, 1}, {4, 9, 10}, 6, "F(4x4, 3x3)"},
                                 {{2, 3, 5}, {2, 1, 1}, {5, 8, 9}, 6, "F(4x2, 3x5)"},
                                 {{5, 1, 7}, {1, 1, 2}, {3, 3, 40}, 10, "F(1x4, 1x7)"}};
  unsigned seed = 0;
  for (const ShortKernel &kernel : kernels) {
    SCOPED_TRACE(testing::PrintToString(kernel));
    Network n(++seed);
    int64_t inputs = seed % 2 ? 16 : 40;
    Shape shape{2, 3}, ones(kernel.kernel.size(), 1), begins, ends, out;
    shape.insert(shape.end(), kernel.spatial.begin(), kernel.spatial.end());
    for (size_t d = 0; d < kernel.kernel.size(); ++d) {
      int64_t reach = (kernel.kernel[d] - 1) * kernel.dilations[d];
      begins.push_back(n.pick({reach / 2, 0, reach})), ends.push_back(n.pick({reach / 2, reach}));
      out.push_back(kernel.spatial[d] + begins[d] + ends[d] - reach);
    }
    Network::Value x = n.activation(n.start(n.input(shape), inputs));
    Network::Value y = n.activation(
        n.convolution(x, n.pick({16, 24, 35}), 1, {kernel.kernel, ones, kernel.dilations, begins, ends, out}));
    std::string text = n.finish(y);
    scheduleEverything(text, codegen::Schedule{.winograd = kernel.points});
    expectReferencesValues(text);
    EXPECT_NE(explainModel(path, options)->find("Winograd " + kernel.name), std::string::npos);
  }
}

/// A 3x3 convolution whose weights lie in [low, high).
std::string threeByThree(double low, double high) {
  Network n(1);
  Shape weights{32, 32, 3, 3}, y{1, 32, 28, 28};
  Network::Value x = n.start(n.input({1, 3, 28, 28}), 32);
  return n.finish(n.op("conv", {x, n.constant(weights, low, high)}, "pads = array<i64: 1, 1, 1, 1>", y));
}

bool usesWinograd(const std::string &text, const std::string &math) {
  std::string path = testing::TempDir() + "sinter_winograd_" + std::to_string(getpid()) + ".mlir";
  std::ofstream(path) << text;
  CompileOptions options;
  options.targetCpu = "x86-64-v3";
  options.math = math;
  Expected<std::string> explanation = explainModel(path, options);
  std::filesystem::remove(path);
  if (!explanation) {
    ADD_FAILURE() << explanation.failure().message;
    return false;
  }
  return explanation->find("Winograd F(4x4, 3x3)") != std::string::npos;
}

TEST(Winograd, IsNamedAndStaysAwayFromStrictMathAndSumsOfOneSign) {
  EXPECT_TRUE(usesWinograd(threeByThree(-1, 1), "default"));
  EXPECT_FALSE(usesWinograd(threeByThree(-1, 1), "strict"));
  // A sum of products of one sign may be proved >= 0, which differences of transformed values need not be.
  EXPECT_FALSE(usesWinograd(threeByThree(0.5, 1), "default"));
}

const char *nameOfTarget(const testing::TestParamInfo<const char *> &info) {
  constexpr const char *names[] = {"Native", "Baseline", "Avx2", "HalvedVectors"};
  return names[info.index];
}

INSTANTIATE_TEST_SUITE_P(Targets, Blocked, testing::Values("native", "x86-64", "x86-64-v3", "znver4"), nameOfTarget);

} // namespace
} // namespace sinter
