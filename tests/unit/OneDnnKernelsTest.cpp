// Kernels in IR through oneDNN: the description of each, run by the fallback, must compute what the reference
// does; what oneDNN would get wrong must be refused.
#include "codegen/onednn/OneDnn.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "runtime/onednn/OneDnn.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace sinter;

namespace {

/// A function of one kernel, "%y = nn.kernel ... " being given by its arguments, body and yielded value.
struct KernelText {
  const char *arguments, *body, *yield, *type;
};

void PrintTo(const KernelText &text, std::ostream *stream) { *stream << text.body; }

struct Parsed {
  std::unique_ptr<MLIRContext> context;
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  nn::KernelOp kernel;
};

Parsed parse(const KernelText &text) {
  Parsed parsed;
  parsed.context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  parsed.context->loadDialect<nn::NNDialect, func::FuncDialect>();
  // Constants stand outside of kernels.
  std::string constants, body;
  for (StringRef line : llvm::split(text.body, '\n'))
    (line.contains("nn.constant") ? constants : body) += (line + "\n").str();
  std::string type = text.type, source = (Twine("func.func @main(") + text.arguments + ") -> " + type + " {\n" +
                                          constants + "%k = nn.kernel \"k\" \"onednn\" {\n" + body + "nn.yield " +
                                          text.yield + " : " + type + "\n} : " + type + "\nreturn %k : " + type + "\n}")
                                             .str();
  parsed.module = parseSourceString<ModuleOp>(source, parsed.context.get());
  if (parsed.module) {
    parsed.function = *parsed.module->getOps<func::FuncOp>().begin();
    parsed.kernel = *parsed.function.getOps<nn::KernelOp>().begin();
  }
  return parsed;
}

Tensor randomTensor(Type type, unsigned seed) {
  auto tensor = cast<RankedTensorType>(type);
  Tensor result(*nn::toDType(tensor.getElementType()), Shape(tensor.getShape().begin(), tensor.getShape().end()));
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> uniform(-2, 2);
  for (float &value : result.as<float>())
    value = uniform(engine);
  return result;
}

/// Runs the kernel; `inPlace` says which argument lies where the result does, as the memory plan may have it.
Tensor runKernel(Parsed &parsed, std::vector<Tensor> &arguments, const std::string &description,
                 std::optional<size_t> inPlace = std::nullopt) {
  auto type = cast<RankedTensorType>(parsed.function.getResultTypes()[0]);
  Tensor actual(*nn::toDType(type.getElementType()), Shape(type.getShape()));
  std::vector<Tensor> constants;
  std::vector<void *> buffers;
  for (Value input : parsed.kernel.inputs()) {
    if (auto argument = dyn_cast<BlockArgument>(input)) {
      buffers.push_back(arguments[argument.getArgNumber()].data());
      continue;
    }
    constants.push_back(*nn::constantTensor(input));
    buffers.push_back(constants.back().data());
  }
  if (inPlace)
    actual = arguments[*inPlace];
  buffers.push_back(actual.data());

  SinterKernelInfo info{"k", "ops", description.c_str(), 0, 0};
  SinterModel model{};
  model.kernels = &info;
  model.kernelCount = 1;
  Expected<std::unique_ptr<Fallback>> fallback = onednn::createFallback(model, 1);
  EXPECT_TRUE(fallback) << fallback.failure().message;
  if (fallback) {
    EXPECT_EQ((*fallback)->call(0, buffers.data()), 0) << (*fallback)->lastError();
  }
  return actual;
}

void expectNear(const Tensor &actual, const Tensor &expected) {
  ASSERT_EQ(actual.shape(), expected.shape());
  for (int64_t i = 0; i < actual.size(); ++i) {
    float want = expected.as<float>()[static_cast<size_t>(i)];
    ASSERT_NEAR(actual.as<float>()[static_cast<size_t>(i)], want, 2e-5f * std::max(1.f, std::abs(want))) << i;
  }
}

/// Compares the kernel with the reference on random arguments; `inPlace` as for runKernel.
void expectReferencesValues(const KernelText &text, std::optional<size_t> inPlace = std::nullopt) {
  Parsed parsed = parse(text);
  ASSERT_TRUE(parsed.module);
  Expected<std::string> description = codegen::describeForOneDnn(parsed.kernel, /*assumeFinite=*/true);
  ASSERT_TRUE(description) << description.failure().message;

  std::vector<Tensor> arguments;
  for (auto [i, type] : llvm::enumerate(parsed.function.getArgumentTypes()))
    arguments.push_back(randomTensor(type, static_cast<unsigned>(i)));
  FailureOr<SmallVector<Tensor>> expected = nn::evaluateFunction(parsed.function, arguments);
  ASSERT_TRUE(succeeded(expected));
  Tensor wanted = (*expected)[0];
  expectNear(runKernel(parsed, arguments, *description, inPlace), wanted);
}

class OneDnnKernel : public testing::TestWithParam<KernelText> {};

TEST_P(OneDnnKernel, MatchesTheReference) { expectReferencesValues(GetParam()); }

/// The result of a chain of primitives may lie where an operand does: only the last of them may write it. The last
/// operand stands before, too.
TEST(OneDnnKernels, RepeatedOperandsMayLieWhereTheResultDoes) {
  for (const char *op : {"sum", "max", "min"}) {
    SCOPED_TRACE(op);
    std::string body = "%y = nn." + std::string(op) +
                       " %a, %b, %b : (tensor<3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>";
    expectReferencesValues({"%a: tensor<3xf32>, %b: tensor<2x3xf32>", body.c_str(), "%y", "tensor<2x3xf32>"}, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Contractions, OneDnnKernel,
    testing::Values(
        KernelText{"%x: tensor<2x3x9x8xf32>, %w: tensor<6x3x3x3xf32>, %b: tensor<6xf32>",
                   "%y = nn.conv %x, %w, %b {strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 1>} : "
                   "(tensor<2x3x9x8xf32>, tensor<6x3x3x3xf32>, tensor<6xf32>) -> tensor<2x6x5x7xf32>",
                   "%y", "tensor<2x6x5x7xf32>"},
        KernelText{"%x: tensor<1x4x9xf32>, %w: tensor<8x2x3xf32>, %r: tensor<1x8x5xf32>",
                   "%c = nn.conv %x, %w {dilations = array<i64: 2>, group = 2 : i64} : (tensor<1x4x9xf32>, "
                   "tensor<8x2x3xf32>) -> tensor<1x8x5xf32>\n"
                   "%a = nn.add %c, %r : (tensor<1x8x5xf32>, tensor<1x8x5xf32>) -> tensor<1x8x5xf32>\n"
                   "%y = nn.relu %a : (tensor<1x8x5xf32>) -> tensor<1x8x5xf32>",
                   "%y", "tensor<1x8x5xf32>"},
        KernelText{"%x: tensor<1x2x4x3x5xf32>, %w: tensor<3x2x2x2x2xf32>",
                   "%y = nn.conv %x, %w {auto_pad = \"SAME_UPPER\"} : (tensor<1x2x4x3x5xf32>, "
                   "tensor<3x2x2x2x2xf32>) -> tensor<1x3x4x3x5xf32>",
                   "%y", "tensor<1x3x4x3x5xf32>"},
        KernelText{"%x: tensor<1x4x5x5xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<6xf32>",
                   "%y = nn.conv_transpose %x, %w, %b {strides = array<i64: 2, 2>, group = 2 : i64, pads = "
                   "array<i64: 1, "
                   "1, 1, 1>, output_padding = array<i64: 1, 0>} : (tensor<1x4x5x5xf32>, tensor<4x3x3x3xf32>, "
                   "tensor<6xf32>) -> tensor<1x6x10x9xf32>",
                   "%y", "tensor<1x6x10x9xf32>"},
        KernelText{"%a: tensor<5x3xf32>, %b: tensor<7x5xf32>, %c: tensor<7xf32>",
                   "%y = nn.gemm %a, %b, %c {trans_a, trans_b, alpha = 0.5 : f32, beta = 3.0 : f32} : "
                   "(tensor<5x3xf32>, tensor<7x5xf32>, tensor<7xf32>) -> tensor<3x7xf32>",
                   "%y", "tensor<3x7xf32>"},
        KernelText{"%a: tensor<5x3xf32>, %b: tensor<3x7xf32>, %c: tensor<5x1xf32>",
                   "%y = nn.gemm %a, %b, %c : (tensor<5x3xf32>, tensor<3x7xf32>, tensor<5x1xf32>) -> "
                   "tensor<5x7xf32>",
                   "%y", "tensor<5x7xf32>"},
        KernelText{"%a: tensor<2x1x3x4xf32>, %b: tensor<5x4x6xf32>",
                   "%y = nn.matmul %a, %b : (tensor<2x1x3x4xf32>, tensor<5x4x6xf32>) -> tensor<2x5x3x6xf32>", "%y",
                   "tensor<2x5x3x6xf32>"},
        KernelText{"%a: tensor<4xf32>, %b: tensor<5x4x6xf32>",
                   "%y = nn.matmul %a, %b : (tensor<4xf32>, tensor<5x4x6xf32>) -> tensor<5x6xf32>", "%y",
                   "tensor<5x6xf32>"},
        KernelText{"%a: tensor<4xf32>, %b: tensor<4xf32>",
                   "%y = nn.matmul %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>", "%y", "tensor<f32>"}));

INSTANTIATE_TEST_SUITE_P(
    Pools, OneDnnKernel,
    testing::Values(
        KernelText{"%x: tensor<1x3x9x9xf32>",
                   "%y = nn.max_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = "
                   "array<i64: 2, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x3x9x9xf32>) -> tensor<1x3x4x5xf32>",
                   "%y", "tensor<1x3x4x5xf32>"},
        KernelText{"%x: tensor<1x3x9x9xf32>",
                   "%y = nn.average_pool %x {kernel_shape = array<i64: 2, 3>, strides = array<i64: 2, 2>, "
                   "pads = array<i64: "
                   "1, 1, 0, 1>, ceil_mode} : (tensor<1x3x9x9xf32>) -> tensor<1x3x5x5xf32>",
                   "%y", "tensor<1x3x5x5xf32>"},
        KernelText{"%x: tensor<1x3x8xf32>",
                   "%y = nn.average_pool %x {kernel_shape = array<i64: 4>, pads = array<i64: 2, 1>, "
                   "count_include_pad} : "
                   "(tensor<1x3x8xf32>) -> tensor<1x3x8xf32>",
                   "%y", "tensor<1x3x8xf32>"},
        KernelText{"%x: tensor<2x3x4x5xf32>",
                   "%y = nn.global_average_pool %x : (tensor<2x3x4x5xf32>) -> tensor<2x3x1x1xf32>", "%y",
                   "tensor<2x3x1x1xf32>"},
        KernelText{"%x: tensor<2x3x4x5xf32>",
                   "%y = nn.global_max_pool %x : (tensor<2x3x4x5xf32>) -> tensor<2x3x1x1xf32>", "%y",
                   "tensor<2x3x1x1xf32>"}));

INSTANTIATE_TEST_SUITE_P(
    Fused, OneDnnKernel,
    testing::Values(
        // Channels that fill no vector, one pixel each.
        KernelText{"%x: tensor<2x19x1x1xf32>, %s: tensor<19x1x1xf32>, %t: tensor<19x1x1xf32>",
                   "%l = nn.constant dense<-0.5> : tensor<f32>\n%u = nn.constant dense<0.75> : tensor<f32>\n"
                   "%a = nn.channel_affine %x, %s, %t : (tensor<2x19x1x1xf32>, tensor<19x1x1xf32>, "
                   "tensor<19x1x1xf32>) -> "
                   "tensor<2x19x1x1xf32>\n%y = nn.clip %a, %l, %u {operandSegmentSizes = array<i32: 1, 1, 1>} : "
                   "(tensor<2x19x1x1xf32>, tensor<f32>, tensor<f32>) -> tensor<2x19x1x1xf32>",
                   "%y", "tensor<2x19x1x1xf32>"},
        KernelText{"%x: tensor<2x5x3x3xf32>, %w: tensor<19x5x3x3xf32>, %s: tensor<19x1x1xf32>, %t: "
                   "tensor<19x1x1xf32>",
                   "%c = nn.conv %x, %w : (tensor<2x5x3x3xf32>, tensor<19x5x3x3xf32>) -> tensor<2x19x1x1xf32>\n"
                   "%a = nn.channel_affine %c, %s, %t : (tensor<2x19x1x1xf32>, tensor<19x1x1xf32>, "
                   "tensor<19x1x1xf32>) -> "
                   "tensor<2x19x1x1xf32>\n%y = nn.relu %a : (tensor<2x19x1x1xf32>) -> tensor<2x19x1x1xf32>",
                   "%y", "tensor<2x19x1x1xf32>"},
        KernelText{"%x: tensor<2x19x3x4xf32>, %s: tensor<19x1x1xf32>, %t: tensor<19x1x1xf32>",
                   "%c = nn.max_pool %x {kernel_shape = array<i64: 3, 3>} : (tensor<2x19x3x4xf32>) -> "
                   "tensor<2x19x1x2xf32>\n%a = nn.channel_affine %c, %s, %t : (tensor<2x19x1x2xf32>, "
                   "tensor<19x1x1xf32>, "
                   "tensor<19x1x1xf32>) -> tensor<2x19x1x2xf32>\n%y = nn.relu %a : (tensor<2x19x1x2xf32>) -> "
                   "tensor<2x19x1x2xf32>",
                   "%y", "tensor<2x19x1x2xf32>"},
        KernelText{"%x: tensor<3xf32>, %one: tensor<f32>",
                   "%a = nn.abs %x : (tensor<3xf32>) -> tensor<3xf32>\n"
                   "%b = nn.add %one, %a : (tensor<f32>, tensor<3xf32>) -> tensor<3xf32>\n"
                   "%y = nn.mul %x, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>",
                   "%y", "tensor<3xf32>"},
        KernelText{"%x: tensor<1x3x5x5xf32>, %r: tensor<1x3x4x4xf32>, %c: tensor<3x1x1xf32>",
                   "%a = nn.average_pool %x {kernel_shape = array<i64: 2, 2>} : (tensor<1x3x5x5xf32>) -> "
                   "tensor<1x3x4x4xf32>\n%b = nn.sub %a, %r : (tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>) -> "
                   "tensor<1x3x4x4xf32>\n%d = nn.mul %b, %c : (tensor<1x3x4x4xf32>, tensor<3x1x1xf32>) -> "
                   "tensor<1x3x4x4xf32>\n%y = nn.tanh %d : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>",
                   "%y", "tensor<1x3x4x4xf32>"},
        KernelText{"%a: tensor<5x3xf32>, %b: tensor<3x7xf32>, %c: tensor<7xf32>, %r: tensor<5x7xf32>",
                   "%m = nn.matmul %a, %b : (tensor<5x3xf32>, tensor<3x7xf32>) -> tensor<5x7xf32>\n"
                   "%s = nn.add %m, %c : (tensor<5x7xf32>, tensor<7xf32>) -> tensor<5x7xf32>\n"
                   "%g = nn.sigmoid %s : (tensor<5x7xf32>) -> tensor<5x7xf32>\n"
                   "%p = nn.mul %g, %s : (tensor<5x7xf32>, tensor<5x7xf32>) -> tensor<5x7xf32>\n"
                   "%y = nn.add %r, %p : (tensor<5x7xf32>, tensor<5x7xf32>) -> tensor<5x7xf32>",
                   "%y", "tensor<5x7xf32>"},
        KernelText{"%x: tensor<1x16x7x7xf32>, %w: tensor<32x16x3x3xf32>, %s: tensor<32x1x1xf32>, %r: "
                   "tensor<1x32x5x5xf32>",
                   "%a = nn.conv %x, %w : (tensor<1x16x7x7xf32>, tensor<32x16x3x3xf32>) -> tensor<1x32x5x5xf32>\n"
                   "%b = nn.channel_affine %a, %s, %s : (tensor<1x32x5x5xf32>, tensor<32x1x1xf32>, "
                   "tensor<32x1x1xf32>) "
                   "-> tensor<1x32x5x5xf32>\n%c = nn.add %b, %r : (tensor<1x32x5x5xf32>, tensor<1x32x5x5xf32>) -> "
                   "tensor<1x32x5x5xf32>\n%d = nn.mul %c, %r : (tensor<1x32x5x5xf32>, tensor<1x32x5x5xf32>) -> "
                   "tensor<1x32x5x5xf32>\n%y = nn.hard_swish %d : (tensor<1x32x5x5xf32>) -> tensor<1x32x5x5xf32>",
                   "%y", "tensor<1x32x5x5xf32>"},
        KernelText{"%x: tensor<1x4x5x5xf32>, %w: tensor<4x3x2x2xf32>",
                   "%a = nn.conv_transpose %x, %w {strides = array<i64: 2, 2>} : (tensor<1x4x5x5xf32>, "
                   "tensor<4x3x2x2xf32>) -> tensor<1x3x10x10xf32>\n%y = nn.leaky_relu %a : "
                   "(tensor<1x3x10x10xf32>) -> "
                   "tensor<1x3x10x10xf32>",
                   "%y", "tensor<1x3x10x10xf32>"}));

INSTANTIATE_TEST_SUITE_P(
    Elementwise, OneDnnKernel,
    testing::Values(
        KernelText{"%x: tensor<2x3x4xf32>, %s: tensor<3x1xf32>, %t: tensor<4xf32>",
                   "%a = nn.channel_affine %x, %s, %s : (tensor<2x3x4xf32>, tensor<3x1xf32>, tensor<3x1xf32>) -> "
                   "tensor<2x3x4xf32>\n%b = nn.sub %t, %a : (tensor<4xf32>, tensor<2x3x4xf32>) -> "
                   "tensor<2x3x4xf32>\n"
                   "%y = nn.mul %b, %b : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>",
                   "%y", "tensor<2x3x4xf32>"},
        KernelText{"%x: tensor<40xf32>",
                   "%a = nn.selu %x : (tensor<40xf32>) -> tensor<40xf32>\n%b = nn.gelu %a : (tensor<40xf32>) -> "
                   "tensor<40xf32>\n%c = nn.hard_sigmoid %b : (tensor<40xf32>) -> tensor<40xf32>\n"
                   "%d = nn.leaky_relu %c {alpha = 0.3 : f32} : (tensor<40xf32>) -> tensor<40xf32>\n"
                   "%y = nn.hard_swish %d : (tensor<40xf32>) -> tensor<40xf32>",
                   "%y", "tensor<40xf32>"},
        KernelText{"%x: tensor<40xf32>",
                   "%l = nn.constant dense<-0.5> : tensor<f32>\n"
                   "%y = nn.clip %x, %l {operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<40xf32>, "
                   "tensor<f32>) -> "
                   "tensor<40xf32>",
                   "%y", "tensor<40xf32>"},
        KernelText{"%a: tensor<2x1xf32>, %b: tensor<3xf32>, %c: tensor<2x3xf32>",
                   "%y = nn.mean %a, %b, %c : (tensor<2x1xf32>, tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>",
                   "%y", "tensor<2x3xf32>"},
        KernelText{"%a: tensor<f32>, %b: tensor<f32>", "%y = nn.max %a, %b : (tensor<f32>, tensor<f32>) -> tensor<f32>",
                   "%y", "tensor<f32>"}));

INSTANTIATE_TEST_SUITE_P(
    Normalisations, OneDnnKernel,
    testing::Values(
        KernelText{"%x: tensor<2x3x4xf32>, %s: tensor<3xf32>, %b: tensor<3xf32>",
                   "%v = nn.constant dense<[0.5, 1.0, 2.0]> : tensor<3xf32>\n"
                   "%y = nn.batch_norm %x, %s, %b, %b, %v : (tensor<2x3x4xf32>, tensor<3xf32>, tensor<3xf32>, "
                   "tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4xf32>",
                   "%y", "tensor<2x3x4xf32>"},
        KernelText{"%x: tensor<2x4x3x5xf32>, %s: tensor<4xf32>, %b: tensor<4xf32>",
                   "%y = nn.group_norm %x, %s, %b {num_groups = 2 : i64} : (tensor<2x4x3x5xf32>, tensor<4xf32>, "
                   "tensor<4xf32>) -> tensor<2x4x3x5xf32>",
                   "%y", "tensor<2x4x3x5xf32>"},
        KernelText{"%x: tensor<2x4x3x5xf32>, %s: tensor<4xf32>, %b: tensor<4xf32>",
                   "%y = nn.instance_norm %x, %s, %b : (tensor<2x4x3x5xf32>, tensor<4xf32>, tensor<4xf32>) -> "
                   "tensor<2x4x3x5xf32>",
                   "%y", "tensor<2x4x3x5xf32>"},
        KernelText{"%x: tensor<2x3x20xf32>, %s: tensor<3x20xf32>",
                   "%y = nn.layer_norm %x, %s {axis = 1 : i64} : (tensor<2x3x20xf32>, tensor<3x20xf32>) -> "
                   "tensor<2x3x20xf32>",
                   "%y", "tensor<2x3x20xf32>"},
        KernelText{"%x: tensor<2x7x3x3xf32>",
                   "%y = nn.lrn %x {size = 5 : i64, alpha = 0.5 : f32, bias = 2.0 : f32} : (tensor<2x7x3x3xf32>) -> "
                   "tensor<2x7x3x3xf32>",
                   "%y", "tensor<2x7x3x3xf32>"},
        KernelText{"%x: tensor<2x7x3xf32>",
                   "%y = nn.softmax %x {axis = 1 : i64} : (tensor<2x7x3xf32>) -> tensor<2x7x3xf32>", "%y",
                   "tensor<2x7x3xf32>"}));

INSTANTIATE_TEST_SUITE_P(
    Reductions, OneDnnKernel,
    testing::Values(KernelText{"%x: tensor<2x3x4xf32>",
                               "%a = nn.constant dense<[1]> : tensor<1xi64>\n"
                               "%y = nn.reduce_mean %x, %a {keepdims = false} : (tensor<2x3x4xf32>, tensor<1xi64>) -> "
                               "tensor<2x4xf32>",
                               "%y", "tensor<2x4xf32>"},
                    KernelText{"%x: tensor<2x3x4xf32>",
                               "%y = nn.reduce_l1 %x : (tensor<2x3x4xf32>) -> tensor<1x1x1xf32>", "%y",
                               "tensor<1x1x1xf32>"},
                    KernelText{"%x: tensor<2x3x4xf32>",
                               "%y = nn.reduce_sum_square %x {keepdims = false} : (tensor<2x3x4xf32>) -> tensor<f32>",
                               "%y", "tensor<f32>"},
                    KernelText{"%x: tensor<2x30xf32>",
                               "%a = nn.constant dense<[-1]> : tensor<1xi64>\n"
                               "%y = nn.reduce_l2 %x, %a : (tensor<2x30xf32>, tensor<1xi64>) -> tensor<2x1xf32>",
                               "%y", "tensor<2x1xf32>"}));

INSTANTIATE_TEST_SUITE_P(
    Movement, OneDnnKernel,
    testing::Values(
        KernelText{"%x: tensor<2x3x4xf32>",
                   "%y = nn.transpose %x {perm = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>", "%y",
                   "tensor<4x2x3xf32>"},
        KernelText{"%a: tensor<2x3xf32>, %b: tensor<2x5xf32>",
                   "%y = nn.concat %a, %b, %a {axis = -1 : i64} : (tensor<2x3xf32>, tensor<2x5xf32>, "
                   "tensor<2x3xf32>) "
                   "-> tensor<2x11xf32>",
                   "%y", "tensor<2x11xf32>"},
        KernelText{"%x: tensor<1x2x4x5xf32>",
                   "%s = nn.constant dense<[1.0, 1.0, 2.0, 3.0]> : tensor<4xf32>\n"
                   "%y = nn.resize %x, %s {mode = \"linear\", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : "
                   "(tensor<1x2x4x5xf32>, tensor<4xf32>) -> tensor<1x2x8x15xf32>",
                   "%y", "tensor<1x2x8x15xf32>"},
        KernelText{"%x: tensor<1x2x4x5xf32>",
                   "%s = nn.constant dense<[1.0, 1.0, 2.0, 3.0]> : tensor<4xf32>\n"
                   "%y = nn.resize %x, %s {nearest_mode = \"floor\", coordinate_transformation_mode = "
                   "\"asymmetric\", "
                   "operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x2x4x5xf32>, tensor<4xf32>) -> "
                   "tensor<1x2x8x15xf32>",
                   "%y", "tensor<1x2x8x15xf32>"}));

//===- Refusals ----------------------------------------------------------===//

std::string reasonAgainst(const KernelText &text, bool assumeFinite) {
  Parsed parsed = parse(text);
  return parsed.module ? codegen::checkOneDnn(parsed.kernel, assumeFinite) : "does not parse";
}

TEST(OneDnnLegality, ScalesOfLayerNormsThatBroadcastAlongRows) {
  auto text = [](const char *scale) {
    return std::string("%y = nn.layer_norm %x, %s : (tensor<4x4xf32>, ") + scale + ") -> tensor<4x4xf32>";
  };
  std::string perColumn = text("tensor<1x4xf32>"), perRow = text("tensor<4x1xf32>");
  EXPECT_EQ(
      reasonAgainst({"%x: tensor<4x4xf32>, %s: tensor<1x4xf32>", perColumn.c_str(), "%y", "tensor<4x4xf32>"}, true),
      "");
  EXPECT_NE(reasonAgainst({"%x: tensor<4x4xf32>, %s: tensor<4x1xf32>", perRow.c_str(), "%y", "tensor<4x4xf32>"}, true),
            "");
}

TEST(OneDnnLegality, WhatLosesNan) {
  KernelText relu{"%x: tensor<8xf32>", "%y = nn.relu %x : (tensor<8xf32>) -> tensor<8xf32>", "%y", "tensor<8xf32>"};
  EXPECT_NE(reasonAgainst(relu, false).find("@{assume-finite true@}"), std::string::npos) << reasonAgainst(relu, false);
  EXPECT_EQ(reasonAgainst(relu, true), "");
}

TEST(OneDnnLegality, LogSoftmaxAboveZero) {
  EXPECT_NE(reasonAgainst({"%x: tensor<5x9xf32>", "%y = nn.log_softmax %x : (tensor<5x9xf32>) -> tensor<5x9xf32>", "%y",
                           "tensor<5x9xf32>"},
                          true),
            "");
}

TEST(OneDnnLegality, OtherTypes) {
  KernelText add{"%x: tensor<8xf64>", "%y = nn.add %x, %x : (tensor<8xf64>, tensor<8xf64>) -> tensor<8xf64>", "%y",
                 "tensor<8xf64>"};
  EXPECT_NE(reasonAgainst(add, true).find("only f32"), std::string::npos) << reasonAgainst(add, true);
}

TEST(OneDnnLegality, WindowsBeyondThePadding) {
  // ONNX divides the last window by what is left of input and padding.
  KernelText pool{"%x: tensor<1x1x5xf32>",
                  "%y = nn.average_pool %x {kernel_shape = array<i64: 3>, strides = array<i64: 3>, ceil_mode, "
                  "count_include_pad} : (tensor<1x1x5xf32>) -> tensor<1x1x2xf32>",
                  "%y", "tensor<1x1x2xf32>"};
  EXPECT_NE(reasonAgainst(pool, true).find("ceil_mode"), std::string::npos) << reasonAgainst(pool, true);
}

} // namespace
