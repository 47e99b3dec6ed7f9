// Kernels of bytes against the reference, on targets with and without dot products of bytes: all types and signs, zero
// points, extreme values, borders, strides, groups. Sums are exact; quantised results may differ by a step where a
// scale is rounded another way.
#include "compiler/Explain.h"
#include "tests/unit/IrText.h"
#include "tests/unit/RunModel.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <unistd.h>

namespace sinter {
namespace {

class Generator : public RandomChoice {
public:
  using RandomChoice::RandomChoice;
  /// Within [low, high], every third at a limit.
  int64_t integer(int64_t low, int64_t high) {
    unsigned kind = static_cast<unsigned>(random() % 6);
    return kind == 0   ? low
           : kind == 1 ? high
                       : low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
  }
  double real(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random); }

  std::string integers(const Shape &shape, const std::string &element, int64_t low, int64_t high) {
    std::string text;
    for (int64_t i = 0; i < elements(shape); ++i)
      text += (i ? ", " : "") + std::to_string(integer(low, high));
    return flat(text, shape, element);
  }
  std::string reals(const Shape &shape, double low, double high) {
    std::string text;
    for (int64_t i = 0; i < elements(shape); ++i)
      text += (i ? ", " : "") + std::to_string(real(low, high));
    return flat(text, shape, "f32");
  }

private:
  /// A constant of one dimension under the shape.
  std::string flat(const std::string &values, const Shape &shape, const std::string &element) {
    std::string n = std::to_string(count++);
    Shape all{elements(shape)};
    std::string from = tensorType(all, element), to = tensorType(shape, element);
    std::string sizes;
    for (int64_t size : shape)
      sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
    std::string rank = "tensor<" + std::to_string(shape.size()) + "xi64>";
    body += "  %f" + n + " = nn.constant dense<[" + values + "]> : " + from + "\n";
    body += "  %s" + n + " = nn.constant dense<[" + sizes + "]> : " + rank + "\n";
    body += "  %c" + n + " = nn.reshape %f" + n + ", %s" + n + " : (" + from + ", " + rank + ") -> " + to + "\n";
    return "%c" + n;
  }

public:
  std::string body;

private:
  int count = 0;
};

struct Window {
  Shape x, w, y, strides, dilations, pads;
  int64_t group;

  std::string attributes() const {
    return "strides = " + list(strides) + ", dilations = " + list(dilations) + ", pads = " + list(pads) +
           ", group = " + std::to_string(group) + " : i64";
  }
};

std::optional<Window> randomWindow(Generator &g) {
  auto rank = static_cast<size_t>(g.pick({1, 2, 2, 2, 3}));
  int64_t kind = g.pick({0, 0, 0, 1, 2}), channels = g.pick({1, 3, 4, 8, 16, 17, 32, 40});
  Window c;
  c.group = kind == 0 ? 1 : kind == 1 ? channels : 2;
  int64_t inputs = kind == 0   ? channels
                   : kind == 1 ? 1
                               : 16,
          outputs = kind == 0   ? g.pick({1, 3, 16, 24, 33, 64})
                    : kind == 1 ? 1
                                : 16;
  c.x = {g.pick({1, 1, 2}), c.group * inputs}, c.w = {c.group * outputs, inputs}, c.y = {c.x[0], c.group * outputs};
  Shape ends;
  for (size_t d = 0; d < rank; ++d) {
    int64_t size = g.pick({1, 1, 2, 3, 3, 5}), in = rank == 3 ? g.pick({1, 4, 6}) : g.pick({1, 3, 7, 8, 14, 21});
    c.strides.push_back(g.pick({1, 1, 2, 3}));
    c.dilations.push_back(g.pick({1, 1, 2}));
    c.pads.push_back(g.pick({0, 1, 2}));
    ends.push_back(g.pick({0, 1, 2}));
    int64_t room = in + c.pads.back() + ends.back() - (size - 1) * c.dilations.back() - 1;
    if (room < 0)
      return std::nullopt;
    c.x.push_back(in), c.w.push_back(size), c.y.push_back(room / c.strides.back() + 1);
  }
  c.pads.insert(c.pads.end(), ends.begin(), ends.end());
  return c;
}

class Integer : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    if (std::string(GetParam()) == "x86-64-v4" && !__builtin_cpu_supports("avx512bw"))
      GTEST_SKIP() << "this processor has no AVX-512";
  }

  /// Outputs for inputs over the whole of their types (floats: [-2, 2)).
  std::vector<Tensor> run(const std::string &text, const CompileOptions &options, int threads) {
    std::string path = testing::TempDir() + "sinter_integer_" + std::to_string(getpid()) + ".mlir";
    std::ofstream(path) << text;
    auto compiled = compileInProcess(path, options);
    std::filesystem::remove(path);
    if (!compiled) {
      ADD_FAILURE() << compiled.failure().message;
      return {};
    }
    std::shared_ptr<Model> model = *Model::fromAbi((*compiled)->abi(), *compiled);
    auto session = Session::create(model, threads);
    if (!session) {
      ADD_FAILURE() << session.failure().message;
      return {};
    }
    Generator g(3);
    std::vector<Tensor> inputs, outputs = *(*session)->makeOutputs();
    for (const SinterTensorInfo &info : model->inputs()) {
      Tensor tensor(typeOf(info), shapeOf(info));
      std::vector<double> values(static_cast<size_t>(tensor.size()));
      int64_t low = isUnsigned(tensor.type()) ? 0 : -128;
      for (double &value : values)
        value = isFloat(tensor.type()) ? g.real(-2, 2) : static_cast<double>(g.integer(low, low + 255));
      storeDoubles(tensor, values);
      inputs.push_back(tensor);
    }
    Status status = (*session)->run(inputs, outputs);
    EXPECT_TRUE(status.ok()) << status.message();
    return outputs;
  }

  /// The values of all outputs on the target and of the reference differ by at most `step`, in few places; threads
  /// change no bit.
  void check(const std::string &text, double step) {
    SCOPED_TRACE(text.substr(0, 4000));
    CompileOptions options, reference;
    options.backend = "llvm";
    options.targetCpu = GetParam();
    reference.backend = "reference";
    std::vector<Tensor> wanted = run(text, reference, 1), one = run(text, options, 1), two = run(text, options, 2);
    ASSERT_TRUE(!wanted.empty() && wanted.size() == one.size() && one.size() == two.size());
    for (size_t k = 0; k < one.size(); ++k) {
      ASSERT_EQ(one[k].shape(), wanted[k].shape());
      EXPECT_EQ(std::memcmp(one[k].data(), two[k].data(), one[k].bytes()), 0) << "threads change bits";
      std::vector<double> got = toDoubles(one[k]), want = toDoubles(wanted[k]);
      size_t differing = 0;
      for (size_t i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(got[i], want[i], step) << "output " << k << ", element " << i;
        differing += got[i] != want[i];
      }
      EXPECT_LE(differing, got.size() / 50 + 1) << "of " << got.size();
    }
  }
};

/// A model of one integer convolution, of random types, weights, zero point and bias.
std::string integerConvolution(Generator &g, const Window &c) {
  bool isSigned = g.often(), isWide = g.pick({0, 0, 1}) != 0;
  std::string x = tensorType(c.x, isSigned ? "i8" : "ui8"), w = tensorType(c.w, isWide ? "i16" : "i8");
  std::string weights = g.integers(c.w, isWide ? "i16" : "i8", isWide ? -255 : -128, isWide ? 255 : 127);
  int64_t zero = isSigned ? g.integer(-128, 127) : g.integer(0, 255);
  std::string bias = g.often() ? g.integers({c.y[1]}, "i32", -100000, 100000) : "";
  std::string y = tensorType(c.y, "i32"), b = tensorType({c.y[1]}, "i32");
  return "func.func @main(%x: " + x + " {nn.name = \"x\"}) -> (" + y + " {nn.name = \"y\"}) {\n" + g.body +
         "  %y = nn.conv_integer %x, " + weights + (bias.empty() ? "" : ", " + bias) + " {" + c.attributes() +
         ", x_zero_point = " + std::to_string(zero) + " : i64} : (" + x + ", " + w + (bias.empty() ? "" : ", " + b) +
         ") -> " + y + "\n  return %y : " + y + "\n}\n";
}

TEST_P(Integer, ConvolutionsOfBytesAreExact) {
  int made = 0;
  for (unsigned seed = 0; seed < 30; ++seed) {
    Generator g(seed);
    std::optional<Window> c = randomWindow(g);
    if (!c)
      continue;
    ++made;
    SCOPED_TRACE("seed " + std::to_string(seed));
    check(integerConvolution(g, *c), 0);
  }
  EXPECT_GT(made, 15);
}

TEST_P(Integer, KernelColumnsShareWordsOfFewChannels) {
  for (unsigned seed = 0; seed < 18; ++seed) {
    Generator g(seed + 500);
    SCOPED_TRACE("seed " + std::to_string(seed));
    Window c;
    c.group = 1;
    int64_t channels = g.pick({1, 2}), rows = g.pick({1, 3}), size = 2 + seed % 9, height = 5;
    // The longest lines are padded by a phase of their own.
    int64_t width = seed % 8 == 7 ? 40000 : g.pick({20, 33, 64}), stride = g.pick({1, 1, 2, 3}),
            dilation = g.pick({1, 1, 2});
    int64_t begin = g.pick({0, 1, 3}), end = g.pick({0, 1, 9});
    c.x = {g.pick({1, 2}), channels, height, width};
    c.w = {g.pick({3, 16, 24}), channels, rows, size};
    c.strides = {1, stride}, c.dilations = {1, dilation}, c.pads = {1, begin, 0, end};
    c.y = {c.x[0], c.w[0], height + 1 - rows + 1, (width + begin + end - (size - 1) * dilation - 1) / stride + 1};
    check(integerConvolution(g, c), 0);
  }
}

TEST_P(Integer, ComputedZeroPoints) {
  int made = 0;
  for (unsigned seed = 0; seed < 16; ++seed) {
    Generator g(seed + 700);
    std::optional<Window> c = randomWindow(g);
    if (!c)
      continue;
    ++made;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::string element = g.often() ? "i8" : "ui8", weights = g.integers(c->w, "i8", -128, 127);
    std::string x = tensorType(c->x, element), wide = tensorType(c->x, "f64"), w = tensorType(c->w, "f64"),
                y = tensorType(c->y, "f64");
    std::string sums = tensorType(c->y, "i32"), zero = "tensor<" + element + ">";
    check("func.func @main(%x: " + x + " {nn.name = \"x\"}, %z: " + zero + " {nn.name = \"z\"}) -> (" + sums +
              " {nn.name = \"y\"}) {\n" + g.body + "  %a = nn.cast %x {to = f64} : (" + x + ") -> " + wide +
              "\n  %b = nn.cast %z {to = f64} : (" + zero + ") -> tensor<f64>\n  %d = nn.sub %a, %b : (" + wide +
              ", tensor<f64>) -> " + wide + "\n  %w = nn.cast " + weights + " {to = f64} : (" + tensorType(c->w, "i8") +
              ") -> " + w + "\n  %p = nn.conv %d, %w {" + c->attributes() + "} : (" + wide + ", " + w + ") -> " + y +
              "\n  %y = nn.cast %p {to = i32} : (" + y + ") -> " + sums + "\n  return %y : " + sums + "\n}\n",
          0);
  }
  EXPECT_GT(made, 8);
}

/// A scalar constant, defined in `body`.
std::string scalar(std::string &body, const std::string &value, const std::string &element) {
  static int count = 0;
  std::string name = "%k" + std::to_string(count++);
  body += "  " + name + " = nn.constant dense<" + value + "> : tensor<" + element + ">\n";
  return name;
}

/// Quantised, and dequantised again.
std::string throughBytes(std::string &body, const std::string &x, const Shape &shape, const std::string &scale,
                         const std::string &zero, const std::string &element) {
  static int count = 0;
  std::string n = std::to_string(count++), real = tensorType(shape, "f32"), bytes = tensorType(shape, element);
  std::string s = scalar(body, scale, "f32"), z = scalar(body, zero, element);
  std::string parameters = "tensor<f32>, tensor<" + element + ">";
  body += "  %q" + n + " = nn.quantize " + x + ", " + s + ", " + z + " : (" + real + ", " + parameters + ") -> " +
          bytes + "\n";
  body += "  %d" + n + " = nn.dequantize %q" + n + ", " + s + ", " + z + " : (" + bytes + ", " + parameters + ") -> " +
          real + "\n";
  return "%d" + n;
}

TEST_P(Integer, QuantisedConvolutionsDifferByRoundingsOfScales) {
  int made = 0;
  for (unsigned seed = 0; seed < 25; ++seed) {
    Generator g(seed + 1000);
    std::optional<Window> c = randomWindow(g);
    if (!c)
      continue;
    ++made;
    SCOPED_TRACE("seed " + std::to_string(seed));
    bool isSigned = g.often(), signedWeights = g.often(), perChannel = g.often(), hasRelu = g.often(),
         hasSum = g.often();
    std::string element = isSigned ? "i8" : "ui8", weightElement = signedWeights ? "i8" : "ui8";
    std::string zero = std::to_string(isSigned ? g.integer(-128, 127) : g.integer(0, 255));
    Shape each(c->w.size(), 1);
    each[0] = perChannel ? c->w[0] : 1;
    std::string w = g.integers(c->w, weightElement, signedWeights ? -128 : 0, signedWeights ? 127 : 255);
    std::string scales = g.reals(each, 0.004, 0.02),
                zeros = g.integers(each, weightElement, signedWeights ? -20 : 100, signedWeights ? 20 : 200);
    std::string bias = g.reals({c->y[1]}, -1, 1), body = g.body;
    std::string x = throughBytes(body, "%x", c->x, "0.0173", zero, element);
    std::string y = tensorType(c->y, "f32"), weights = tensorType(c->w, "f32");
    body += "  %w = nn.dequantize " + w + ", " + scales + ", " + zeros + " : (" + tensorType(c->w, weightElement) +
            ", " + tensorType(each, "f32") + ", " + tensorType(each, weightElement) + ") -> " + weights + "\n";
    body += "  %y0 = nn.conv " + x + ", %w, " + bias + " {" + c->attributes() + "} : (" + tensorType(c->x, "f32") +
            ", " + weights + ", " + tensorType({c->y[1]}, "f32") + ") -> " + y + "\n";
    std::string last = "%y0", name = element;
    if (hasSum) {
      std::string a = throughBytes(body, last, c->y, "0.05", "3", element),
                  e = throughBytes(body, "%e", c->y, "0.02", "-1", "i8");
      body += "  %y1 = nn.add " + a + ", " + e + " : (" + y + ", " + y + ") -> " + y + "\n";
      last = "%y1";
    }
    if (hasRelu) {
      body += "  %y2 = nn.relu " + last + " : (" + y + ") -> " + y + "\n";
      last = "%y2";
    }
    std::string s = scalar(body, "0.037", "f32"), z = scalar(body, isSigned ? "-128" : "0", element);
    std::string bytes = tensorType(c->y, element);
    body += "  %r = nn.quantize " + last + ", " + s + ", " + z + " : (" + y + ", tensor<f32>, tensor<" + element +
            ">) -> " + bytes + "\n";
    check("func.func @main(%x: " + tensorType(c->x, "f32") + " {nn.name = \"x\"}, %e: " + y +
              " {nn.name = \"e\"}) -> (" + bytes + " {nn.name = \"y\"}) {\n" + body + "  return %r : " + bytes +
              "\n}\n",
          // A step of the value that is added is more than one of the sum.
          hasSum ? 2 : 1);
  }
  EXPECT_GT(made, 12);
}

TEST_P(Integer, MatrixProducts) {
  for (unsigned seed = 0; seed < 16; ++seed) {
    Generator g(seed + 2000);
    SCOPED_TRACE("seed " + std::to_string(seed));
    int64_t m = g.pick({1, 2, 7, 16}), k = g.pick({1, 5, 16, 64, 100}), n = g.pick({1, 10, 16, 33});
    bool isGemm = g.often(), transposed = isGemm && g.often();
    Shape a = isGemm ? Shape{m, k} : Shape{2, m, k}, b = transposed ? Shape{n, k} : Shape{k, n},
          y = isGemm ? Shape{m, n} : Shape{2, m, n};
    Shape each(2, 1);
    each[transposed ? 0 : 1] = n;
    std::string w = g.integers(b, "i8", -128, 127), scales = g.reals(each, 0.004, 0.02),
                zeros = g.integers(each, "i8", 0, 0);
    std::string bias = g.reals({n}, -1, 1), body = g.body;
    std::string x = throughBytes(body, "%x", a, "0.0173", "121", "ui8"), real = tensorType(y, "f32"),
                weights = tensorType(b, "f32");
    body += "  %w = nn.dequantize " + w + ", " + scales + ", " + zeros + " : (" + tensorType(b, "i8") + ", " +
            tensorType(each, "f32") + ", " + tensorType(each, "i8") + ") -> " + weights + "\n";
    body += isGemm
                ? "  %y0 = nn.gemm " + x + ", %w, " + bias + " {alpha = 0.5 : f32, beta = 2.0 : f32" +
                      (transposed ? ", trans_b" : "") + "} : (" + tensorType(a, "f32") + ", " + weights + ", " +
                      tensorType({n}, "f32") + ") -> " + real + "\n"
                : "  %y0 = nn.matmul " + x + ", %w : (" + tensorType(a, "f32") + ", " + weights + ") -> " + real + "\n";
    std::string s = scalar(body, "0.037", "f32"), z = scalar(body, "7", "ui8"), bytes = tensorType(y, "ui8");
    body +=
        "  %r = nn.quantize %y0, " + s + ", " + z + " : (" + real + ", tensor<f32>, tensor<ui8>) -> " + bytes + "\n";
    check("func.func @main(%x: " + tensorType(a, "f32") + " {nn.name = \"x\"}) -> (" + bytes +
              " {nn.name = \"y\"}) {\n" + body + "  return %r : " + bytes + "\n}\n",
          1);
  }
}

std::string targetName(const testing::TestParamInfo<const char *> &info) {
  constexpr const char *names[] = {"Native", "Avx512", "Avx2", "Baseline"};
  return names[info.index];
}

INSTANTIATE_TEST_SUITE_P(Targets, Integer, testing::Values("native", "x86-64-v4", "x86-64-v3", "x86-64"), targetName);

} // namespace
} // namespace sinter
