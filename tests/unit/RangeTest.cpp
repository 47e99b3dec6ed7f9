// Value ranges: whatever an op computes from values within its operands' ranges lies within the inferred one,
// and is NaN only where that says so; and the bounds that activations are simplified by are sharp.
#include "ir/NN.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "passes/RangeAnalysis.h"
#include "tests/unit/OpExamples.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <regex>
#include <set>

using namespace mlir;
using namespace sinter;
using nn::Interval;
using nn::TensorRange;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A parsed function @main and what the analysis knows of its results.
struct Program {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;

  explicit Program(const std::string &text) {
    context.loadDialect<nn::NNDialect, func::FuncDialect>();
    module = parseSourceString<ModuleOp>(text, &context);
    if (module)
      function = module->lookupSymbol<func::FuncOp>("main");
  }

  void declare(unsigned argument, Interval range) {
    function.setArgAttr(argument, nn::inputRangeAttr, DenseF64ArrayAttr::get(&context, {range.lo, range.hi}));
  }

  SmallVector<TensorRange> resultRanges() {
    nn::RangeAnalysis analysis(function);
    return llvm::map_to_vector(function.getBody().front().getTerminator()->getOperands(),
                               [&](Value value) { return analysis.rangeOf(value); });
  }
};

//===- Soundness ----------------------------------------------------------===//

/// The interval that inputs are drawn from; nothing: anything at all.
using Drawn = std::optional<Interval>;

/// Floats within the interval, its ends often, or anything with NaN and infinities; integers and bools in {0,
/// 1}, which are indices too.
Tensor randomInput(RankedTensorType type, Drawn drawn, std::mt19937 &random) {
  Tensor tensor(*nn::toDType(type.getElementType()), Shape(type.getShape()));
  const double special[] = {std::nan(""), infinity, -infinity, 3e38, -3e38, 0, -0.0, 1e-40, 1, -1};
  std::uniform_real_distribution<double> real(drawn ? drawn->lo : -2, drawn ? drawn->hi : 2);
  std::vector<double> values(static_cast<size_t>(tensor.size()));
  bool isTame = random() % 2; // of unknown inputs: only a few wild values, which others do not drown in
  for (double &value : values) {
    if (!isFloat(tensor.type()))
      value = static_cast<double>(random() % 2);
    else if (drawn)
      value = random() % 4 ? real(random) : random() % 2 ? drawn->lo : drawn->hi;
    else
      value = random() % (isTame ? 50 : 3) ? real(random) : special[random() % 10];
  }
  storeDoubles(tensor, values);
  return tensor;
}

/// The channel of a row-major element.
int64_t channelOf(const TensorRange &range, const Shape &shape, size_t element) {
  if (range.isUniform())
    return 0;
  size_t inner = 1;
  for (size_t d = static_cast<size_t>(range.axis) + 1; d < shape.size(); ++d)
    inner *= static_cast<size_t>(shape[d]);
  return static_cast<int64_t>(element / inner % static_cast<size_t>(shape[static_cast<size_t>(range.axis)]));
}

void expectWithin(const Tensor &tensor, const TensorRange &range) {
  if (!range.isUniform() && tensor.size() > 0) {
    ASSERT_LT(range.axis, tensor.rank());
    ASSERT_EQ(static_cast<int64_t>(range.channels.size()), tensor.shape()[static_cast<size_t>(range.axis)]);
  }
  std::vector<double> values = toDoubles(tensor);
  for (size_t i = 0; i < values.size(); ++i) {
    Interval interval = range.at(channelOf(range, tensor.shape(), i));
    if (std::isnan(values[i]))
      ASSERT_TRUE(range.mayBeNaN) << "element " << i << " is NaN";
    else
      ASSERT_TRUE(interval.contains(values[i]))
          << "element " << i << " is " << values[i] << ", outside [" << interval.lo << ", " << interval.hi << "]";
  }
}

void expectSound(const std::string &text) {
  const Drawn draws[] = {Interval{0, 1},   Interval{-1, 1},       Interval{-3, 0},
                         Interval{0.5, 2}, Interval{-3e38, 3e38}, std::nullopt};
  for (Drawn drawn : draws) {
    SCOPED_TRACE(drawn ? "within " + std::to_string(drawn->lo) + ":" + std::to_string(drawn->hi) : "anything");
    Program program(text);
    ASSERT_TRUE(program.function) << text;
    SmallVector<RankedTensorType> types;
    for (auto [i, type] : llvm::enumerate(program.function.getArgumentTypes())) {
      types.push_back(cast<RankedTensorType>(type));
      if (drawn && isa<FloatType>(types.back().getElementType()))
        program.declare(static_cast<unsigned>(i), *drawn);
    }
    SmallVector<TensorRange> ranges = program.resultRanges();
    ScopedDiagnosticHandler quiet(&program.context, [](Diagnostic &) { return success(); });
    for (unsigned seed = 0; seed < 40; ++seed) {
      std::mt19937 random(seed);
      SmallVector<Tensor> inputs;
      for (RankedTensorType type : types)
        inputs.push_back(randomInput(type, drawn, random));
      FailureOr<SmallVector<Tensor>> outputs = nn::evaluateFunction(program.function, inputs);
      if (failed(outputs)) // an index out of range
        continue;
      for (auto [output, range] : llvm::zip_equal(*outputs, ranges))
        expectWithin(output, range);
      if (testing::Test::HasFatalFailure())
        FAIL() << "seed " << seed << "\n" << text;
    }
  }
}

class OpRange : public testing::TestWithParam<Example> {};

TEST_P(OpRange, HoldsWhatTheReferenceComputes) { expectSound(wrap(GetParam().body)); }

std::vector<Example> rangedExamples() {
  std::vector<Example> examples = readExamples();
  const std::set<std::string> structural = {"nn.constant", "nn.kernel", "nn.yield"};
  std::erase_if(examples, [&](const Example &example) { return structural.count(example.op) > 0; });
  return examples;
}

INSTANTIATE_TEST_SUITE_P(Docs, OpRange, testing::ValuesIn(rangedExamples()), testName<testing::TestParamInfo<Example>>);

INSTANTIATE_TEST_SUITE_P(Further, OpRange, testing::ValuesIn(furtherExamples()),
                         testName<testing::TestParamInfo<Example>>);

//===- Precision ----------------------------------------------------------===//

/// The range of the only result of `body` on %x : tensor<1x2x4xf32> within `range`.
TensorRange rangeOf(const std::string &body, Drawn range) {
  Program program(wrap(body));
  EXPECT_TRUE(program.function) << body;
  if (range)
    for (unsigned i = 0; i < program.function.getNumArguments(); ++i)
      program.declare(i, *range);
  return program.resultRanges().front();
}

std::string unary(const std::string &op, const std::string &attributes = "") {
  return "%y = nn." + op + " %x {" + attributes + "} : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>\n";
}

void expectInterval(const TensorRange &range, double lo, double hi, double tolerance = 0) {
  EXPECT_NEAR(range.hull().lo, lo, tolerance);
  EXPECT_NEAR(range.hull().hi, hi, tolerance);
}

TEST(RangePrecision, Activations) {
  expectInterval(rangeOf(unary("relu"), Interval{-2, 3}), 0, 3);
  EXPECT_GE(rangeOf(unary("relu"), {}).hull().lo, 0);
  EXPECT_TRUE(rangeOf(unary("relu"), {}).mayBeNaN);
  EXPECT_FALSE(rangeOf(unary("relu"), Interval{-2, 3}).mayBeNaN);
  // Under a negative slope the least value lies inside the interval.
  expectInterval(rangeOf(unary("leaky_relu", "alpha = -2.0 : f32"), Interval{-1, 1}), 0, 2);
  expectInterval(rangeOf(unary("sigmoid"), {}), 0, 1);
  expectInterval(rangeOf(unary("tanh"), {}), -1, 1);
  expectInterval(rangeOf(unary("hard_sigmoid"), {}), 0, 1);
  expectInterval(rangeOf(unary("hard_swish"), Interval{-5, 1}), -0.375, 2.0 / 3, 1e-5);
  expectInterval(rangeOf(unary("hard_swish"), Interval{0, 3}), 0, 3, 1e-5);
  expectInterval(rangeOf(unary("thresholded_relu", "alpha = 0.7 : f32"), Interval{-1, 1}), 0, 1);
  expectInterval(rangeOf(unary("swish"), Interval{-5, 5}), -0.278465, 4.96654, 1e-4);
  expectInterval(rangeOf(unary("softmax", "axis = 1"), {}), 0, 1);
  EXPECT_LE(rangeOf(unary("log_softmax", "axis = 1"), {}).hull().hi, 0);
  for (const char *op : {"exp", "softplus", "sqrt", "abs"})
    EXPECT_EQ(rangeOf(unary(op), {}).hull().lo, 0) << op;
  EXPECT_TRUE(rangeOf(unary("sqrt"), Interval{-1, 1}).mayBeNaN);
  EXPECT_FALSE(rangeOf(unary("sqrt"), Interval{0, 1}).mayBeNaN);
  EXPECT_TRUE(rangeOf(unary("log"), Interval{-1, 1}).mayBeNaN);
}

// Where kernels compare, subnormal numbers are 0: of activations they come back as they are, without slope or
// threshold.
TEST(RangePrecision, SubnormalsAreZeroToComparisons) {
  Interval below{-1e-39, -1e-41}, above{1e-41, 1e-39};
  for (const char *op : {"leaky_relu", "elu", "celu"})
    EXPECT_LE(rangeOf(unary(op, "alpha = 0.0078125 : f32"), below).hull().lo, -1e-39) << op;
  std::string prelu = "%s = nn.constant dense<0.5> : tensor<1xf32>\n"
                      "%y = nn.prelu %x, %s : (tensor<1x2x4xf32>, tensor<1xf32>) -> tensor<1x2x4xf32>\n";
  EXPECT_LE(rangeOf(prelu, below).hull().lo, -1e-39);
  EXPECT_EQ(rangeOf(unary("thresholded_relu", "alpha = 1.0e-41 : f32"), Interval{2e-41, 1}).hull().lo, 0);
  EXPECT_GE(rangeOf(unary("shrink", "bias = 0.0 : f32, lambd = 0.0 : f32"), above).hull().hi, 1e-39);
  EXPECT_EQ(rangeOf(unary("shrink", "bias = -5.0 : f32, lambd = 0.0 : f32"), above).hull().lo, 0);
}

TEST(RangePrecision, ClipBounds) {
  auto clip = [](const std::string &lower, const std::string &upper) {
    return "%l = nn.constant dense<" + lower + "> : tensor<f32>\n%u = nn.constant dense<" + upper +
           "> : tensor<f32>\n%y = nn.clip %x, %l, %u {operandSegmentSizes = array<i32: 1, 1, 1>}"
           " : (tensor<1x2x4xf32>, tensor<f32>, tensor<f32>) -> tensor<1x2x4xf32>\n";
  };
  expectInterval(rangeOf(clip("0.0", "6.0"), {}), 0, 6);
  expectInterval(rangeOf(clip("3.0", "1.0"), Interval{-9, 9}), 1, 1);
  expectInterval(rangeOf(clip("2.0", "5.0"), Interval{-3, -1}), 2, 2);
}

TEST(RangePrecision, SquaresAndProducts) {
  const std::string types = " : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>\n";
  EXPECT_EQ(rangeOf("%y = nn.mul %x, %x" + types, {}).hull().lo, 0);
  EXPECT_EQ(rangeOf("%y = nn.mul %x, %z" + types, Interval{-1, 1}).hull().lo, -1);
  EXPECT_EQ(rangeOf("%a = nn.identity %x : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>\n%y = nn.mul %x, %a" + types, {})
                .hull()
                .lo,
            0);
  auto power = [](const std::string &n) {
    return "%n = nn.constant dense<" + n +
           "> : tensor<f32>\n%y = nn.pow %x, %n : (tensor<1x2x4xf32>, tensor<f32>)"
           " -> tensor<1x2x4xf32>\n";
  };
  EXPECT_EQ(rangeOf(power("2.0"), {}).hull().lo, 0);
  EXPECT_EQ(rangeOf(power("4.0"), {}).hull().lo, 0);
  EXPECT_LT(rangeOf(power("3.0"), {}).hull().lo, 0);
  EXPECT_EQ(rangeOf(power("0.5"), {}).hull().lo, 0);
}

TEST(RangePrecision, ConvolutionsBySignAndPadding) {
  auto conv = [](const std::string &w, const std::string &bias, const std::string &attributes, int size) {
    return "%w = nn.constant dense<" + w + "> : tensor<1x2x2xf32>\n%b = nn.constant dense<" + bias +
           "> : tensor<1xf32>\n%y = nn.conv %x, %w, %b {" + attributes +
           "} : (tensor<1x2x4xf32>, tensor<1x2x2xf32>, tensor<1xf32>) -> tensor<1x1x" + std::to_string(size) +
           "xf32>\n";
  };
  const std::string positive = "[[[1.0, 2.0], [0.5, 0.5]]]", mixed = "[[[1.0, -2.0], [0.5, -0.5]]]";
  expectInterval(rangeOf(conv(mixed, "0.25", "", 3), Interval{0, 1}), -2.25, 1.75, 1e-5);
  // Positive weights, non-negative operand: not negative, whatever the rounding; padding only adds 0.
  EXPECT_EQ(rangeOf(conv(positive, "0.0", "pads = array<i64: 1, 1>", 5), Interval{0, 1}).hull().lo, 0);
  EXPECT_GT(rangeOf(conv(positive, "-1.9", "", 3), Interval{0.5, 1}).hull().lo, 0);
  EXPECT_LT(rangeOf(conv(positive, "-1.9", "pads = array<i64: 1, 1>", 5), Interval{0.5, 1}).hull().lo, 0);
  EXPECT_TRUE(rangeOf(conv(mixed, "0.0", "", 3), {}).mayBeNaN);
  EXPECT_FALSE(rangeOf(conv(mixed, "0.0", "", 3), Interval{-1, 1}).mayBeNaN);
}

TEST(RangePrecision, TransposedConvolutionsByPhase) {
  // With stride 2 and two taps each output meets exactly one of them, always inside the input.
  const std::string w = "%w = nn.constant dense<[[[1.0, 2.0]], [[0.5, 0.5]]]> : tensor<2x1x2xf32>\n";
  expectInterval(rangeOf(w + "%y = nn.conv_transpose %x, %w {strides = array<i64: 2>}"
                             " : (tensor<1x2x4xf32>, tensor<2x1x2xf32>) -> tensor<1x1x8xf32>\n",
                         Interval{1, 2}),
                 1.5, 5, 1e-5);
  // With stride 1 borders meet one tap, the middle both.
  expectInterval(rangeOf(w + "%y = nn.conv_transpose %x, %w"
                             " : (tensor<1x2x4xf32>, tensor<2x1x2xf32>) -> tensor<1x1x5xf32>\n",
                         Interval{1, 2}),
                 0, 8, 1e-5);
}

TEST(RangePrecision, ChannelsKeepTheirOwn) {
  TensorRange range = rangeOf("%s = nn.constant dense<[[1.0], [-1.0]]> : tensor<2x1xf32>\n"
                              "%t = nn.constant dense<[[0.5], [0.5]]> : tensor<2x1xf32>\n"
                              "%y = nn.channel_affine %x, %s, %t : (tensor<1x2x4xf32>, tensor<2x1xf32>,"
                              " tensor<2x1xf32>) -> tensor<1x2x4xf32>\n",
                              Interval{0, 1});
  ASSERT_EQ(range.axis, 1);
  EXPECT_EQ(range.at(0), (Interval{0.5, 1.5}));
  EXPECT_EQ(range.at(1), (Interval{-0.5, 0.5}));
}

TEST(RangePrecision, SumsOfOneSignKeepIt) {
  for (const char *op : {"average_pool", "lp_pool"})
    EXPECT_EQ(rangeOf("%y = nn." + std::string(op) +
                          " %x {kernel_shape = array<i64: 3>, pads = array<i64: 1, 1>}"
                          " : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>\n",
                      Interval{0, 1})
                  .hull()
                  .lo,
              0)
        << op;
  for (const char *op : {"reduce_sum", "reduce_mean", "reduce_l2", "reduce_max", "reduce_prod"})
    EXPECT_EQ(rangeOf("%y = nn." + std::string(op) + " %x : (tensor<1x2x4xf32>) -> tensor<1x1x1xf32>\n", Interval{0, 1})
                  .hull()
                  .lo,
              0)
        << op;
  expectInterval(rangeOf("%y = nn.reduce_sum %x : (tensor<1x2x4xf32>) -> tensor<1x1x1xf32>\n", Interval{-1, 2}), -8, 16,
                 1e-4);
}

TEST(RangePrecision, CubicOvershoots) {
  auto resize = [](const std::string &mode) {
    return "%n = nn.constant dense<[1.0, 1.0, 2.0]> : tensor<3xf32>\n%y = nn.resize %x, %n {mode = \"" + mode +
           "\", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x2x4xf32>, tensor<3xf32>) -> "
           "tensor<1x2x8xf32>\n";
  };
  EXPECT_EQ(rangeOf(resize("nearest"), Interval{0, 1}), TensorRange::uniform({0, 1}, false));
  EXPECT_EQ(rangeOf(resize("linear"), Interval{0, 1}).hull().lo, 0);
  EXPECT_LT(rangeOf(resize("cubic"), Interval{0, 1}).hull().lo, 0);
}

} // namespace
