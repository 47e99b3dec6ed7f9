// The oneDNN fallback: descriptions survive the way through JSON, hostile ones are refused, and each kind of
// primitive computes what its description says, with plain loops as the truth.
#include "runtime/onednn/OneDnn.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

using namespace sinter;
using namespace sinter::onednn;

namespace {

using Data = std::vector<float>;

int64_t count(const Dims &shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<>());
}

Data randomData(const Dims &shape, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Data data(static_cast<size_t>(count(shape)));
  for (float &value : data)
    value = uniform(engine);
  return data;
}

/// Runs a description twice (the second time weights are reordered already) and returns the last buffer.
Expected<Data> run(const Description &description, std::vector<Data> buffers) {
  std::string json = toJson(description);
  SinterKernelInfo kernel{"k", "ops", json.c_str(), 0, 0};
  SinterModel model{};
  model.kernels = &kernel;
  model.kernelCount = 1;
  Expected<std::unique_ptr<Fallback>> fallback = createFallback(model, 2);
  if (!fallback)
    return fallback.failure();
  std::vector<void *> pointers;
  for (Data &buffer : buffers)
    pointers.push_back(buffer.data());
  for (int i = 0; i < 2; ++i)
    if ((*fallback)->call(0, pointers.data()) != 0)
      return Failure{ErrorCode::Internal, (*fallback)->lastError()};
  return buffers.back();
}

void expectNear(const Expected<Data> &actual, const Data &expected, float tolerance = 1e-5f) {
  ASSERT_TRUE(actual) << actual.failure().message;
  ASSERT_EQ(actual->size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    if (std::isnan(expected[i]))
      ASSERT_TRUE(std::isnan((*actual)[i])) << "element " << i;
    else
      ASSERT_NEAR((*actual)[i], expected[i], tolerance * std::max(1.f, std::abs(expected[i]))) << "element " << i;
  }
}

Buffer bufferOf(const Dims &shape, bool constant = false) { return {count(shape), constant}; }

/// One source, one destination.
Description unary(Step step, Dims source, Dims destination) {
  Description d{{bufferOf(source), bufferOf(destination)}, {}, {}};
  step.sources = {denseArgument(0, std::move(source))};
  step.destination = denseArgument(1, std::move(destination));
  d.steps = {step};
  return d;
}

//===- Descriptions ------------------------------------------------------===//

Description everything() {
  Step conv;
  conv.kind = Kind::Convolution;
  conv.sources = {denseArgument(0, {1, 2, 5, 5})};
  conv.parameters = {denseArgument(1, {2, 1, 1, 3, 3}), denseArgument(2, {2})};
  conv.destination = denseArgument(3, {1, 2, 5, 5});
  conv.strides = conv.dilations = conv.padBegin = conv.padEnd = {1, 1};
  conv.postOps = {{Algorithm::Elu, 0.5f, 0, {}}, {Algorithm::Multiply, 0, 0, denseArgument(2, {1, 2, 1, 1})}};
  return {{{50, false}, {18, true}, {2, true}, {50, false}}, {7}, {conv}};
}

TEST(OneDnnDescription, SurvivesJson) {
  Expected<Description> read = parseDescription(toJson(everything()));
  ASSERT_TRUE(read) << read.failure().message;
  EXPECT_EQ(*read, everything());
}

TEST(OneDnnDescription, RefusesWhatIsNotADescription) {
  std::string deep(100000, '[');
  for (std::string text :
       {std::string(""), std::string("{"), std::string("[]"), std::string("null"), deep,
        std::string(R"({"buffers":[{"size":-1}]})"), std::string(R"({"buffers":[{"size":1e30}]})"),
        std::string(R"({"steps":[{}]})"), std::string(R"({"steps":[3]})"), std::string(R"({"other":1})"),
        std::string(R"({"buffers":[{"size":4,"constant":false}],"temporaries":[],"steps":[{"kind":"x"}]})")})
    EXPECT_FALSE(parseDescription(text)) << text.substr(0, 60);
}

TEST(OneDnnDescription, RefusesViewsOutOfBounds) {
  auto refused = [](auto change) {
    Description d = everything();
    change(d);
    return !parseDescription(toJson(d));
  };
  EXPECT_TRUE(refused([](Description &d) { d.buffers[0].size = 49; }));
  EXPECT_TRUE(refused([](Description &d) { d.steps[0].destination.strides[0] = -1; }));
  EXPECT_TRUE(
      refused([](Description &d) { d.steps[0].destination.shape = {int64_t(1) << 40, int64_t(1) << 40, 5, 5}; }));
  EXPECT_TRUE(refused([](Description &d) { d.steps[0].sources[0].buffer = 5; }));
  EXPECT_TRUE(refused([](Description &d) { d.steps[0].destination = {}; }));
  EXPECT_TRUE(refused([](Description &d) { d.steps[0].alpha = INFINITY; }));
  EXPECT_TRUE(refused([](Description &d) { d.steps[0].postOps[1].operand = {}; }));
}

TEST(OneDnnDescription, ChecksBlocksOfChannels) {
  auto reads = [](Dims shape, int64_t block, int64_t size) {
    Description d = unary({}, shape, shape);
    d.buffers[0].size = size;
    d.steps[0].sources[0].block = block;
    Expected<Description> read = parseDescription(toJson(d));
    return read && *read == d;
  };
  EXPECT_TRUE(reads({1, 16, 3, 3}, 16, 144));
  EXPECT_TRUE(reads({2, 24, 5}, 8, 240));
  EXPECT_FALSE(reads({1, 24, 3, 3}, 16, 216)) << "half a block";
  EXPECT_FALSE(reads({1, 16, 3, 3}, 4, 144)) << "oneDNN has no such blocks";
  EXPECT_FALSE(reads({1, 16}, 16, 16)) << "no pixels";
  EXPECT_FALSE(reads({1, 16, 3, 3}, 16, 143)) << "beyond the buffer";
}

TEST(OneDnnFallback, NamesTheKernelItCannotMake) {
  Description d = everything();
  d.steps[0].padBegin = {-100, -100};
  Expected<Data> result = run(d, {Data(50), Data(18), Data(2), Data(50)});
  ASSERT_FALSE(result);
  EXPECT_NE(result.failure().message.find("kernel 'k'"), std::string::npos) << result.failure().message;
  EXPECT_NE(result.failure().message.find("@{backend llvm@}"), std::string::npos);
}

//===- Primitives --------------------------------------------------------===//

struct ConvCase {
  int64_t groups, channels, outputs, size, kernel, stride, dilation, padBegin, padEnd;
  bool bias, residual, transposed;
};

class OneDnnConvolution : public testing::TestWithParam<ConvCase> {};

TEST_P(OneDnnConvolution, MatchesLoops) {
  const ConvCase &c = GetParam();
  int64_t reach = (c.kernel - 1) * c.dilation;
  int64_t out = c.transposed ? (c.size - 1) * c.stride - c.padBegin - c.padEnd + reach + 1
                             : (c.size + c.padBegin + c.padEnd - reach - 1) / c.stride + 1;
  int64_t ic = c.channels / c.groups, oc = c.outputs / c.groups;
  Dims xs = {2, c.channels, c.size, c.size}, ys = {2, c.outputs, out, out};
  // Weights as ONNX has them: Conv [outputs, ic, ...], ConvTranspose [channels, oc, ...].
  Dims ws = {c.groups, oc, ic, c.kernel, c.kernel};
  Dims wStrides = c.transposed
                      ? Dims{ic * oc * c.kernel * c.kernel, c.kernel * c.kernel, oc * c.kernel * c.kernel, c.kernel, 1}
                      : denseArgument(0, ws).strides;
  Data x = randomData(xs, 1), w = randomData(ws, 2), b = randomData({c.outputs}, 3), r = randomData(ys, 4);
  Description d{{bufferOf(xs), bufferOf(ws, true), {c.outputs, true}, bufferOf(ys), bufferOf(ys)}, {}, {}};
  Step step;
  step.kind = c.transposed ? Kind::Deconvolution : Kind::Convolution;
  step.sources = {denseArgument(0, xs)};
  step.parameters = {{1, ws, wStrides}};
  if (c.groups == 1) {
    step.parameters[0].shape.erase(step.parameters[0].shape.begin());
    step.parameters[0].strides.erase(step.parameters[0].strides.begin());
  }
  if (c.bias)
    step.parameters.push_back(denseArgument(2, {c.outputs}));
  if (c.residual)
    step.postOps = {{Algorithm::Add, 0, 0, denseArgument(3, ys)}, {Algorithm::Relu, 0.25f, 0, {}}};
  step.destination = denseArgument(4, ys);
  step.strides = {c.stride, c.stride};
  step.dilations = {c.dilation, c.dilation};
  step.padBegin = {c.padBegin, c.padBegin};
  step.padEnd = {c.padEnd, c.padEnd};
  d.steps = {step};

  Data expected(static_cast<size_t>(count(ys)));
  std::vector<double> sums(expected.size());
  auto inside = [](int64_t i, int64_t n) { return i >= 0 && i < n; };
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t g = 0; g < c.groups; ++g)
      for (int64_t o = 0; o < oc; ++o)
        for (int64_t i = 0; i < ic; ++i)
          for (int64_t ky = 0; ky < c.kernel; ++ky)
            for (int64_t kx = 0; kx < c.kernel; ++kx)
              for (int64_t py = 0; py < (c.transposed ? c.size : out); ++py)
                for (int64_t px = 0; px < (c.transposed ? c.size : out); ++px) {
                  int64_t qy = py * c.stride - c.padBegin + ky * c.dilation;
                  int64_t qx = px * c.stride - c.padBegin + kx * c.dilation;
                  int64_t iy = c.transposed ? py : qy, ix = c.transposed ? px : qx;
                  int64_t oy = c.transposed ? qy : py, ox = c.transposed ? qx : px;
                  if (!inside(iy, c.size) || !inside(ix, c.size) || !inside(oy, out) || !inside(ox, out))
                    continue;
                  int64_t wi = g * wStrides[0] + o * wStrides[1] + i * wStrides[2] + ky * c.kernel + kx;
                  int64_t xi = ((n * c.channels + g * ic + i) * c.size + iy) * c.size + ix;
                  int64_t yi = ((n * c.outputs + g * oc + o) * out + oy) * out + ox;
                  sums[static_cast<size_t>(yi)] += double(w[static_cast<size_t>(wi)]) * x[static_cast<size_t>(xi)];
                }
  for (size_t i = 0; i < sums.size(); ++i) {
    double value = sums[i] + (c.bias ? b[i / static_cast<size_t>(out * out) % b.size()] : 0);
    if (c.residual)
      value = value + r[i] < 0 ? 0.25 * (value + r[i]) : value + r[i];
    expected[i] = static_cast<float>(value);
  }
  expectNear(run(d, {x, w, b, r, Data(expected.size())}), expected);
}

INSTANTIATE_TEST_SUITE_P(Shapes, OneDnnConvolution,
                         testing::Values(ConvCase{1, 3, 8, 9, 3, 1, 1, 1, 1, true, false, false},
                                         ConvCase{1, 16, 32, 8, 3, 2, 1, 0, 1, true, true, false},
                                         ConvCase{2, 4, 6, 10, 3, 1, 2, 2, 1, false, false, false},
                                         ConvCase{5, 5, 5, 7, 3, 1, 1, 1, 1, true, true, false},
                                         ConvCase{1, 17, 5, 4, 1, 1, 1, 0, 0, false, true, false},
                                         ConvCase{1, 3, 4, 5, 3, 2, 1, 1, 1, true, false, true},
                                         ConvCase{2, 4, 6, 5, 3, 2, 1, 1, 0, false, false, true},
                                         ConvCase{1, 8, 16, 5, 4, 2, 1, 1, 1, true, true, true}));

TEST(OneDnnPrimitive, MatMulOfTransposedWeightsWithBias) {
  Step step;
  step.kind = Kind::MatMul;
  step.sources = {denseArgument(0, {3, 4})};
  step.parameters = {{1, {4, 5}, {1, 4}}, denseArgument(2, {1, 5})};
  step.destination = denseArgument(3, {3, 5});
  Data x = randomData({3, 4}, 1), w = randomData({5, 4}, 2), b = randomData({5}, 3), expected(15);
  for (size_t i = 0; i < 15; ++i) {
    double sum = b[i % 5];
    for (size_t k = 0; k < 4; ++k)
      sum += double(x[i / 5 * 4 + k]) * w[i % 5 * 4 + k];
    expected[i] = static_cast<float>(sum);
  }
  for (bool constant : {true, false})
    expectNear(run({{{12, false}, {20, constant}, {5, constant}, {15, false}}, {}, {step}}, {x, w, b, Data(15)}),
               expected);
}

TEST(OneDnnPrimitive, PoolingCountsPaddingAsTold) {
  Step step;
  step.kind = Kind::Pooling;
  step.kernel = {2};
  step.strides = step.dilations = {1};
  step.padBegin = {1};
  step.padEnd = {0};
  step.algorithm = Algorithm::AveragePool;
  expectNear(run(unary(step, {1, 1, 3}, {1, 1, 3}), {{1, 3, 5}, Data(3)}), {1, 2, 4});
  step.algorithm = Algorithm::AveragePoolWithPadding;
  expectNear(run(unary(step, {1, 1, 3}, {1, 1, 3}), {{1, 3, 5}, Data(3)}), {0.5, 2, 4});
  step.algorithm = Algorithm::MaxPool;
  expectNear(run(unary(step, {1, 1, 3}, {1, 1, 3}), {{-1, -3, -5}, Data(3)}), {-1, -1, -3});
}

TEST(OneDnnPrimitive, SoftmaxAndLogSoftmax) {
  Step step;
  step.kind = Kind::Softmax;
  step.axis = 1;
  step.algorithm = Algorithm::Softmax;
  expectNear(run(unary(step, {1, 2, 2}, {1, 2, 2}), {{0, 1000, 0, 1000}, Data(4)}), {0.5, 0.5, 0.5, 0.5});
  step.algorithm = Algorithm::LogSoftmax;
  float half = std::log(0.5f);
  expectNear(run(unary(step, {1, 2, 2}, {1, 2, 2}), {{0, 1000, 0, 1000}, Data(4)}), {half, half, half, half});
}

TEST(OneDnnPrimitive, Normalisations) {
  Step step;
  step.kind = Kind::LayerNorm;
  step.epsilon = 0;
  step.sources = {denseArgument(0, {2, 2})};
  step.parameters = {denseArgument(1, {2}), denseArgument(2, {2})};
  step.destination = denseArgument(3, {2, 2});
  Description d{{{4}, {2, true}, {2, true}, {4}}, {}, {step}};
  expectNear(run(d, {{1, 3, -2, 2}, {2, 3}, {0, 1}, Data(4)}), {-2, 4, -2, 4});

  step.kind = Kind::BatchNorm;
  step.epsilon = 1;
  step.sources = {denseArgument(0, {1, 2, 2})};
  step.parameters = {denseArgument(1, {2}), denseArgument(2, {2}), denseArgument(1, {2}), {}};
  step.destination = denseArgument(3, {1, 2, 2});
  d.steps = {step};
  // (x - mean) / sqrt(variance + 1) * scale, scale sharing the buffer of mean.
  expectNear(run(d, {{1, 3, -2, 2}, {2, 3}, {3, 0}, Data(4)}), {-1, 1, -15, -3});

  step = {};
  step.kind = Kind::Lrn;
  step.algorithm = Algorithm::AcrossChannels;
  step.size = 3;
  step.alpha = 3;
  step.beta = 1;
  step.epsilon = 2;
  expectNear(run(unary(step, {1, 3, 1}, {1, 3, 1}), {{1, 2, 3}, Data(3)}), {1.f / 7, 2.f / 16, 3.f / 15});
}

TEST(OneDnnPrimitive, Reductions) {
  Data x = {1, -2, 3, 4};
  std::vector<std::pair<Algorithm, Data>> rows = {
      {Algorithm::ReduceMax, {1, 4}},       {Algorithm::ReduceMin, {-2, 3}},
      {Algorithm::ReduceSum, {-1, 7}},      {Algorithm::ReduceMean, {-.5, 3.5}},
      {Algorithm::ReduceProduct, {-2, 12}}, {Algorithm::ReduceL2, {std::sqrt(5.f), 5}}};
  for (auto &[algorithm, expected] : rows) {
    Step step;
    step.kind = Kind::Reduction;
    step.algorithm = algorithm;
    expectNear(run(unary(step, {2, 2}, {2, 1}), {x, Data(2)}), expected);
  }
}

TEST(OneDnnPrimitive, Movement) {
  Step step;
  step.kind = Kind::Reorder;
  Description d = unary(step, {2, 3}, {2, 3});
  d.steps[0].sources[0].strides = {1, 2};
  expectNear(run(d, {{1, 4, 2, 5, 3, 6}, Data(6)}), {1, 2, 3, 4, 5, 6});

  step.kind = Kind::Concat;
  step.axis = 1;
  step.sources = {denseArgument(0, {2, 1}), denseArgument(1, {2, 2})};
  step.destination = denseArgument(2, {2, 3});
  expectNear(run({{{2}, {4}, {6}}, {}, {step}}, {{1, 4}, {2, 3, 5, 6}, Data(6)}), {1, 2, 3, 4, 5, 6});

  step = {};
  step.kind = Kind::Resampling;
  step.algorithm = Algorithm::LinearResampling;
  expectNear(run(unary(step, {1, 1, 2}, {1, 1, 4}), {{0, 4}, Data(4)}), {0, 1, 3, 4});
}

TEST(OneDnnPrimitive, BlocksOfChannels) {
  // Channel c of pixel p lies at (c / 8, p, c % 8).
  constexpr int64_t channels = 16, pixels = 3;
  Step step;
  step.kind = Kind::Reorder;
  Description d = unary(step, {1, channels, pixels}, {1, channels, pixels});
  d.steps[0].sources[0].block = 8;
  Data blocked(channels * pixels), plain(channels * pixels);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t p = 0; p < pixels; ++p) {
      float value = static_cast<float>(10 * c + p);
      plain[static_cast<size_t>(c * pixels + p)] = value;
      blocked[static_cast<size_t>((c / 8 * pixels + p) * 8 + c % 8)] = value;
    }
  expectNear(run(d, {blocked, Data(channels * pixels)}), plain);
}

TEST(OneDnnPrimitive, StepsShareTemporaries) {
  Step square;
  square.kind = Kind::Eltwise;
  square.algorithm = Algorithm::Square;
  square.sources = {denseArgument(0, {3})};
  square.destination = denseArgument(2, {3});
  Step add;
  add.kind = Kind::Binary;
  add.algorithm = Algorithm::Add;
  add.sources = {denseArgument(2, {3}), denseArgument(0, {3})};
  add.destination = denseArgument(1, {3});
  expectNear(run({{{3}, {3}}, {3}, {square, add}}, {{1, 2, 3}, Data(3)}), {2, 6, 12});
}

} // namespace
