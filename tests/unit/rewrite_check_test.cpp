// --verify-rewrites tells a rewrite that changes values from one that does not, and names it.
#include "codegen/RewriteCheck.h"
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
  RewriteCheckTest() : check(CompileOptions{}) {
    context.loadDialect<nn::NNDialect, func::FuncDialect>();
    module = parseSourceString<ModuleOp>(network, &context);
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

TEST_F(RewriteCheckTest, AcceptsWhatKeepsValues) {
  EXPECT_TRUE(check.accepts("nothing", *module));
}

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
  Value padded = nn::PadOp::create(b, conv.getLoc(), type, conv.getX(), amounts, Value(), Value(),
                                   b.getStringAttr("edge"));
  conv.getXMutable().assign(padded);
  conv.removePadsAttr();
  EXPECT_FALSE(check.accepts("nn-wrong-border", *module));
}

} // namespace
} // namespace sinter
