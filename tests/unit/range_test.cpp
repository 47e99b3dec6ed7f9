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

/// What inputs are drawn from; nothing: anything at all.
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
      ASSERT_TRUE(interval.contains(values[i])) << "element " << i << " is " << values[i] << ", outside ["
                                                << interval.lo << ", " << interval.hi << "]";
  }
}

void expectSound(const std::string &text) {
  const Drawn draws[] = {Interval{0, 1},   Interval{-1, 1},       Interval{-3, 0},
                         Interval{0.5, 2}, Interval{-3e38, 3e38}, std::nullopt};
  for (Drawn drawn : draws) {
    SCOPED_TRACE(drawn ? "within " + std::to_string(drawn->lo) + ":" + std::to_string(drawn->hi)
                       : "anything");
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

std::string testName(const testing::TestParamInfo<Example> &info) {
  return std::regex_replace(info.param.op, std::regex("\\W"), "_") + "_" + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(Docs, OpRange, testing::ValuesIn(rangedExamples()), testName);

/// What examples leave out: attributes that bend a function, and constant operands.
std::vector<Example> furtherCases() {
  auto unary = [](const std::string &op, const std::string &attributes) {
    return Example{op,
                   "%y = " + op + " %x {" + attributes + "} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>\n"};
  };
  std::vector<Example> cases = {
      unary("nn.leaky_relu", "alpha = -2.0 : f32"),
      unary("nn.leaky_relu", "alpha = 0.0 : f32"),
      unary("nn.elu", "alpha = -1.5 : f32"),
      unary("nn.celu", "alpha = -0.5 : f32"),
      unary("nn.selu", "gamma = -1.0 : f32"),
      unary("nn.thresholded_relu", "alpha = -0.7 : f32"),
      unary("nn.hard_sigmoid", "alpha = -0.3 : f32, beta = 0.4 : f32"),
      unary("nn.swish", "alpha = -1.5 : f32"),
      unary("nn.swish", "alpha = 0.0 : f32"),
      unary("nn.shrink", "bias = 0.3 : f32, lambd = 0.2 : f32"),
      unary("nn.shrink", "bias = 2.0 : f32, lambd = -0.2 : f32"),
      unary("nn.gelu", "approximate = \"tanh\""),
      unary("nn.lrn", "size = 3"),
      unary("nn.log_softmax", "axis = 1"),
      unary("nn.lp_norm", "axis = 1, p = 1"),
      unary("nn.average_pool", "kernel_shape = array<i64: 2>, pads = array<i64: 1, 0>, count_include_pad"),
      unary("nn.average_pool", "kernel_shape = array<i64: 3>, pads = array<i64: 1, 1>"),
      unary("nn.max_pool", "kernel_shape = array<i64: 2>, pads = array<i64: 1, 0>"),
      unary("nn.lp_pool", "kernel_shape = array<i64: 2>, pads = array<i64: 1, 0>"),
  };
  auto add = [&](const std::string &op, const std::string &body) { cases.push_back({op, body}); };
  const std::string x = "(tensor<2x3x4xf32>, ", y = ") -> tensor<2x3x4xf32>\n";
  for (const char *n : {"2.0", "3.0", "0.5", "-1.0", "-2.0", "0.0", "1.7"})
    add("nn.pow", "%n = nn.constant dense<" + std::string(n) + "> : tensor<f32>\n%y = nn.pow %x, %n : " + x +
                      "tensor<f32>" + y);
  add("nn.mul", "%y = nn.mul %x, %x : " + x + "tensor<2x3x4xf32>" + y);
  add("nn.channel_affine", "%s = nn.constant dense<[[1.0], [-2.0], [0.0]]> : tensor<3x1xf32>\n"
                           "%y = nn.channel_affine %x, %s, %s : " +
                               x + "tensor<3x1xf32>, tensor<3x1xf32>" + y);
  add("nn.conv",
      "%w = nn.constant dense<[[[1.0, -2.0], [0.5, 0.0], [3.0, 1.0]], [[1.0, 2.0], [0.5, 0.1], [3.0, 1.0]]]>"
      " : tensor<2x3x2xf32>\n%y = nn.conv %x, %w {pads = array<i64: 1, 0>} : " +
          x + "tensor<2x3x2xf32>) -> tensor<2x2x4xf32>\n");
  add("nn.conv", "%w = nn.constant dense<[[[1.0, -2.0]], [[0.5, 0.1]], [[3.0, 1.0]]]> : tensor<3x1x2xf32>\n"
                 "%y = nn.conv %x, %w, %b {group = 3} : " +
                     x + "tensor<3x1x2xf32>, tensor<3xf32>) -> tensor<2x3x3xf32>\n");
  add("nn.conv_transpose",
      "%w = nn.constant dense<[[[1.0, -2.0, 1.0]], [[0.5, 0.1, 0.3]], [[3.0, 1.0, -1.0]]]> : "
      "tensor<3x1x3xf32>\n"
      "%y = nn.conv_transpose %x, %w {strides = array<i64: 2>, pads = array<i64: 1, 1>} : " +
          x + "tensor<3x1x3xf32>) -> tensor<2x1x7xf32>\n");
  add("nn.conv_transpose",
      "%w = nn.constant dense<[[[1.0, 2.0]], [[0.5, 0.1]], [[3.0, 1.0]]]> : tensor<3x1x2xf32>\n"
      "%y = nn.conv_transpose %x, %w {strides = array<i64: 2>} : " +
          x + "tensor<3x1x2xf32>) -> tensor<2x1x8xf32>\n");
  add("nn.matmul",
      "%w = nn.constant dense<[[1.0, -2.0], [0.5, 0.1], [3.0, 1.0], [1.0, 1.0]]> : tensor<4x2xf32>\n"
      "%y = nn.matmul %x, %w : " +
          x + "tensor<4x2xf32>) -> tensor<2x3x2xf32>\n");
  add("nn.matmul", "%w = nn.constant dense<[[1.0, -2.0, 3.0], [0.5, 0.1, 0.0]]> : tensor<2x3xf32>\n"
                   "%y = nn.matmul %w, %x : (tensor<2x3xf32>, tensor<2x3x4xf32>) -> tensor<2x2x4xf32>\n");
  add("nn.gemm", "%w = nn.constant dense<[[1.0, -2.0, 3.0], [0.5, 0.1, 0.0]]> : tensor<2x3xf32>\n"
                 "%y = nn.gemm %x, %w, %c {trans_b, alpha = -0.5 : f32, beta = 2.0 : f32}"
                 " : (tensor<4x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<4x2xf32>\n");
  add("nn.gemm",
      "%w = nn.constant dense<[[1.0, -2.0, 3.0], [0.5, 0.1, 0.0]]> : tensor<2x3xf32>\n"
      "%y = nn.gemm %w, %x {trans_a, trans_b} : (tensor<2x3xf32>, tensor<4x2xf32>) -> tensor<3x4xf32>\n");
  // The axis of a per-channel range through what moves it.
  const std::string per = "%s = nn.constant dense<[[1.0], [-2.0], [0.5]]> : tensor<3x1xf32>\n"
                          "%p = nn.mul %x, %s : " +
                          x + "tensor<3x1xf32>" + y;
  auto ints = [](const std::string &name, const std::string &values, int count) {
    return "%" + name + " = nn.constant dense<[" + values + "]> : tensor<" + std::to_string(count) +
           "xi64>\n";
  };
  auto shaped = [&](const std::string &to, const std::string &dims, int count) {
    add("nn.reshape", per + ints("t", dims, count) + "%r = nn.reshape %p, %t : " + x + "tensor<" +
                          std::to_string(count) + "xi64>) -> tensor<" + to + "xf32>\n");
  };
  shaped("2x12", "2, 12", 2), shaped("2x6x2", "2, 6, 2", 3), shaped("6x4", "6, 4", 2),
      shaped("2x2x6", "2, 2, 6", 3);
  shaped("2x1x3x4", "2, 1, 3, 4", 4), shaped("24", "24", 1), shaped("4x3x2", "4, 3, 2", 3);
  add("nn.transpose",
      per + "%r = nn.transpose %p {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>\n");
  add("nn.slice",
      per + ints("a", "-1", 1) + ints("e", "-9", 1) + ints("i", "1", 1) + ints("d", "-2", 1) +
          "%r = nn.slice %p, %a, %e, %i, %d {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1>} : " + x +
          "tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x2x4xf32>\n");
  add("nn.split", per + "%r, %q = nn.split %p {axis = 1 : i64} : (tensor<2x3x4xf32>) -> (tensor<2x2x4xf32>, "
                        "tensor<2x1x4xf32>)\n");
  add("nn.tile",
      per + ints("n", "1, 2, 1", 3) + "%r = nn.tile %p, %n : " + x + "tensor<3xi64>) -> tensor<2x6x4xf32>\n");
  add("nn.concat",
      per + "%r = nn.concat %p, %x {axis = 1 : i64} : " + x + "tensor<2x3x4xf32>) -> tensor<2x6x4xf32>\n");
  add("nn.concat",
      per + "%r = nn.concat %p, %x {axis = 2 : i64} : " + x + "tensor<2x3x4xf32>) -> tensor<2x3x8xf32>\n");
  for (const char *mode : {"constant", "edge", "reflect", "wrap"})
    add("nn.pad", per + ints("n", "0, 1, -1, 0, 1, 0", 6) + "%v = nn.constant dense<-5.0> : tensor<f32>\n" +
                      "%r = nn.pad %p, %n, %v {mode = \"" + mode +
                      "\", operandSegmentSizes = array<i32: 1, 1, 1, 0>} : " + x +
                      "tensor<6xi64>, tensor<f32>) -> tensor<2x5x3xf32>\n");
  add("nn.reduce_sum", per + ints("n", "0, 2", 2) + "%r = nn.reduce_sum %p, %n {keepdims = false} : " + x +
                           "tensor<2xi64>) -> tensor<3xf32>\n");
  for (const char *kind :
       {"sum", "mean", "max", "min", "prod", "l1", "l2", "log_sum", "log_sum_exp", "sum_square"})
    add(std::string("nn.reduce_") + kind, per + ints("n", "2", 1) + "%r = nn.reduce_" + kind +
                                              " %p, %n : " + x + "tensor<1xi64>) -> tensor<2x3x1xf32>\n");
  add("nn.gather", per + ints("i", "2, -3", 2) + "%r = nn.gather %p, %i {axis = 1 : i64} : " + x +
                       "tensor<2xi64>) -> tensor<2x2x4xf32>\n");
  for (const char *mode : {"nearest", "linear", "cubic"})
    add("nn.resize",
        per + "%n = nn.constant dense<[1.0, 1.0, 2.0]> : tensor<3xf32>\n%r = nn.resize %p, %n {mode = \"" +
            mode + "\", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : " + x +
            "tensor<3xf32>) -> tensor<2x3x8xf32>\n");
  add("nn.add", per + "%u = nn.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>\n%r = nn.add %p, %u : " +
                    x + "tensor<4xf32>" + y);
  for (const char *to : {"f16", "i8", "ui8", "i1", "i64"})
    add("nn.cast",
        "%r = nn.cast %x {to = " + std::string(to) + "} : (tensor<2x3x4xf32>) -> tensor<2x3x4x" + to + ">\n");
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Further, OpRange, testing::ValuesIn(furtherCases()), testName);

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
  EXPECT_EQ(
      rangeOf("%a = nn.identity %x : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>\n%y = nn.mul %x, %a" + types,
              {})
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
    EXPECT_EQ(rangeOf("%y = nn." + std::string(op) + " %x : (tensor<1x2x4xf32>) -> tensor<1x1x1xf32>\n",
                      Interval{0, 1})
                  .hull()
                  .lo,
              0)
        << op;
  expectInterval(
      rangeOf("%y = nn.reduce_sum %x : (tensor<1x2x4xf32>) -> tensor<1x1x1xf32>\n", Interval{-1, 2}), -8, 16,
      1e-4);
}

TEST(RangePrecision, CubicOvershoots) {
  auto resize = [](const std::string &mode) {
    return "%n = nn.constant dense<[1.0, 1.0, 2.0]> : tensor<3xf32>\n%y = nn.resize %x, %n {mode = \"" +
           mode +
           "\", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x2x4xf32>, tensor<3xf32>) -> "
           "tensor<1x2x8xf32>\n";
  };
  EXPECT_EQ(rangeOf(resize("nearest"), Interval{0, 1}), TensorRange::uniform({0, 1}, false));
  EXPECT_EQ(rangeOf(resize("linear"), Interval{0, 1}).hull().lo, 0);
  EXPECT_LT(rangeOf(resize("cubic"), Interval{0, 1}).hull().lo, 0);
}

} // namespace
