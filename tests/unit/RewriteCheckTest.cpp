// --verify-rewrites tells a rewrite that changes values from one that does not, and names it.
#include "compiler/verify/RewriteCheck.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;

namespace sinter {
namespace {

constexpr const char *network = R"(
func.func @main(%x: tensor<1x2x6x6xf32>) -> (tensor<1x2x6x6xf32> {nn.name = "y"}) {
  %w = nn.constant dense<0.5> : tensor<2x2x3x3xf32>
  %s = nn.constant dense<[[[2.0]], [[3.0]]]> : tensor<2x1x1xf32>
  %t = nn.constant dense<[[[1.0]], [[-1.0]]]> : tensor<2x1x1xf32>
  %a = nn.channel_affine %x, %s, %t : (tensor<1x2x6x6xf32>, tensor<2x1x1xf32>, tensor<2x1x1xf32>) -> tensor<1x2x6x6xf32>
  %r = nn.relu %a : (tensor<1x2x6x6xf32>) -> tensor<1x2x6x6xf32>
  %y = nn.conv %r, %w {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x2x6x6xf32>, tensor<2x2x3x3xf32>) -> tensor<1x2x6x6xf32>
  return %y : tensor<1x2x6x6xf32>
})";

class RewriteCheckTest : public testing::Test {
protected:
  explicit RewriteCheckTest(const char *text = network) : check(CompileOptions{}) {
    context.loadDialect<nn::NNDialect, func::FuncDialect>();
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(check.accepts("nn-specialise-shapes", *module));
  }
  template <typename Op> Op find() {
    Op found;
    module->walk([&](Op op) { found = op; });
    return found;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  codegen::RewriteCheck check;
};

TEST_F(RewriteCheckTest, AcceptsWhatKeepsValues) { EXPECT_TRUE(check.accepts("nothing", *module)); }

/// "BatchNorm squeezes values, so the ReLU after it does nothing."
TEST_F(RewriteCheckTest, NamesAPassThatDropsANeededRelu) {
  auto relu = find<nn::ReluOp>();
  relu.replaceAllUsesWith(relu.getX());
  ASSERT_FALSE(check.accepts("nn-wrong", *module));
  std::string message = check.status({"nn-wrong", ""}).message();
  EXPECT_NE(message.find("nn-wrong"), std::string::npos) << message;
  EXPECT_NE(message.find("'y'"), std::string::npos) << message;
}

/// Edge padding in place of zeros: wrong at the border alone.
TEST_F(RewriteCheckTest, SeesTheBorder) {
  auto conv = find<nn::ConvOp>();
  OpBuilder b(conv);
  Tensor pads(DType::I64, {8});
  storeInts(pads, std::vector<int64_t>{0, 0, 1, 1, 0, 0, 1, 1});
  Value amounts = nn::ConstantOp::create(b, conv.getLoc(), pads);
  auto type = RankedTensorType::get({1, 2, 8, 8}, b.getF32Type());
  Value padded = nn::PadOp::create(b, conv.getLoc(), type, conv.getX(), amounts, Value(), Value(), nn::PadMode::Edge);
  conv.getXMutable().assign(padded);
  conv.removePadsAttr();
  EXPECT_FALSE(check.accepts("nn-wrong-border", *module));
}

/// Every second byte of %p lies at the border of two steps of %r, and roundings decide.
constexpr const char *quantised = R"(
func.func @main(%x: tensor<4x64xf32>) -> (tensor<4x64xf32> {nn.name = "y"}) {
  %z = nn.constant dense<0> : tensor<i8>
  %s = nn.constant dense<0.1> : tensor<f32>
  %t = nn.constant dense<0.0666666701> : tensor<f32>
  %p = nn.quantize %x, %s, %z : (tensor<4x64xf32>, tensor<f32>, tensor<i8>) -> tensor<4x64xi8>
  %q = nn.dequantize %p, %s, %z : (tensor<4x64xi8>, tensor<f32>, tensor<i8>) -> tensor<4x64xf32>
  %r = nn.quantize %q, %t, %z : (tensor<4x64xf32>, tensor<f32>, tensor<i8>) -> tensor<4x64xi8>
  %y = nn.dequantize %r, %t, %z : (tensor<4x64xi8>, tensor<f32>, tensor<i8>) -> tensor<4x64xf32>
  return %y : tensor<4x64xf32>
})";

class QuantisedRewriteTest : public RewriteCheckTest {
protected:
  QuantisedRewriteTest() : RewriteCheckTest(quantised) {}

  /// %r = round(ratio * %p), the scales multiplied at compile time.
  void fuseScales(float ratio) {
    for (Operation &op : module->lookupSymbol<func::FuncOp>("main").getBody().front())
      if (op.getNumResults() == 1 && isa<nn::QuantizeOp>(op) && op.getOperand(0).getDefiningOp<nn::DequantizeOp>()) {
        OpBuilder b(op.getOperand(0).getDefiningOp());
        auto scalar = [&](float value) {
          Tensor tensor(DType::F32, {});
          tensor.as<float>()[0] = value;
          return nn::ConstantOp::create(b, op.getLoc(), tensor);
        };
        op.getOperand(0).getDefiningOp()->setOperand(1, scalar(ratio));
        op.setOperand(1, scalar(1));
      }
  }
};

TEST_F(QuantisedRewriteTest, AcceptsWhatRoundingsDecide) {
  fuseScales(1.5f);
  EXPECT_TRUE(check.accepts("nn-fused-scales", *module));
}

TEST_F(QuantisedRewriteTest, RefusesAWrongScale) {
  fuseScales(1.6f);
  EXPECT_FALSE(check.accepts("nn-wrong-scale", *module));
}

} // namespace
} // namespace sinter
