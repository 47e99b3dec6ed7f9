// Which algorithm computes a convolution, and the reason that reports give: by layout, groups, types, weights, target
// and schedule.
#include "codegen/kernels/conv/SelectConv.h"
#include "ir/Ops.h"
#include "ir/analysis/ConvolutionLayout.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;

namespace sinter::codegen {
namespace {

/// 16 registers of 256 bits: blocks of eight channels.
Target target() {
  Target target;
  target.vectorBits = 256, target.vectorRegisters = 16, target.hasFma = target.foldsLoads = true;
  return target;
}

/// A function @main of one op, alone or in a kernel with a schedule.
struct Convolution {
  explicit Convolution(const std::string &text) : context(MLIRContext::Threading::DISABLED) {
    context.loadDialect<nn::NNDialect, func::FuncDialect>();
    module = parseSourceString<ModuleOp>(text, &context);
    if (module)
      module->walk([&](Operation *op) {
        if (isa<nn::ConvOp, nn::ConvTransposeOp, nn::ConvIntegerOp>(op))
          conv = op;
      });
  }

  /// Selects for the convolution; a rejected one has the reason alone.
  ConvSelection select(const Target &target) {
    if (!conv)
      return {ConvAlgorithm::Scalar, "", "does not parse"};
    if (std::string reason = checkConvolution(conv, target); !reason.empty())
      return {ConvAlgorithm::Scalar, "refused", reason};
    return *selectConv(conv, target);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  Operation *conv = nullptr;
};

/// f32 of both signs.
std::string weights(const std::string &shape, int64_t count) {
  std::string hex;
  for (int64_t i = 0; i < count; ++i)
    hex += i % 3 == 0 ? "000080BF" : "0000003F"; // -1, 0.5
  return "  %w = nn.constant dense<\"0x" + hex + "\"> : tensor<" + shape + "xf32>\n";
}

/// A convolution of `channels` to `channels` channels, 24x24 pixels, 3x3 taps that keep the size.
std::string square(int64_t channels, const std::string &attributes, const std::string &layout, int64_t group = 1,
                   const std::string &schedule = "") {
  std::string c = std::to_string(channels), each = std::to_string(channels / group);
  std::string type = "tensor<1x" + c + "x24x24xf32" + layout + ">", w = c + "x" + each + "x3x3";
  return "func.func @main(%x: " + type + ") -> " + type + " {\n" + weights(w, channels * channels / group * 9) +
         "  %k = nn.kernel \"k\" \"llvm\" attributes {" + schedule + "} {\n    %y = nn.conv %x, %w {" + attributes +
         "pads = array<i64: 1, 1, 1, 1>, group = " + std::to_string(group) + " : i64} : (" + type + ", tensor<" + w +
         "xf32>) -> " + type + "\n    nn.yield %y : " + type + "\n  } : " + type + "\n  return %k : " + type + "\n}\n";
}

constexpr const char *blocks = ", #nn.blocked<1, 8>";

void expectSelected(const std::string &text, ConvAlgorithm algorithm, const std::string &name,
                    const std::string &reason, const Target &machine = target()) {
  ConvSelection selected = Convolution(text).select(machine);
  EXPECT_EQ(selected.algorithm, algorithm) << selected.name << ": " << selected.reason;
  EXPECT_NE(selected.name.find(name), std::string::npos) << selected.name << ": " << selected.reason;
  EXPECT_NE(selected.reason.find(reason), std::string::npos) << selected.name << ": " << selected.reason;
}

TEST(SelectConv, WinogradWhereItsCyclesAreFewerAndNothingForbidsIt) {
  std::string text = square(64, "", blocks);
  expectSelected(text, ConvAlgorithm::Winograd, "Winograd F(", "million cycles, direct computation at");
  Target strict = target();
  strict.winograd = false;
  expectSelected(text, ConvAlgorithm::Blocked, "direct in channel blocks", "rounds more than", strict);
  expectSelected(square(64, "", blocks, 1, "nn.schedule = \"winograd=0\""), ConvAlgorithm::Blocked, "direct",
                 "the schedule asks for direct computation");
  expectSelected(square(64, "", blocks, 1, "nn.schedule = \"winograd=4\""), ConvAlgorithm::Winograd, "F(2x2, 3x3)",
                 "the schedule asks for it");
  expectSelected(square(64, "nn.direct_sums, ", blocks), ConvAlgorithm::Blocked, "direct", "of one sign");
  expectSelected(square(8, "", blocks), ConvAlgorithm::Blocked, "direct", "fewer than 16 channels");
}

TEST(SelectConv, TuningTriesWinogradOnlyWhereItCanBe) {
  EXPECT_TRUE(takesWinograd(Convolution(square(64, "", blocks)).conv, target()));
  EXPECT_TRUE(takesWinograd(Convolution(square(64, "", blocks, 1, "nn.schedule = \"winograd=0\"")).conv, target()));
  EXPECT_FALSE(takesWinograd(Convolution(square(64, "", "")).conv, target()));
  EXPECT_FALSE(takesWinograd(Convolution(square(64, "nn.direct_sums, ", blocks)).conv, target()));
}

TEST(SelectConv, GroupsInsideBlocksAreFoldedUnderTheWindow) {
  expectSelected(square(32, "", blocks, 32), ConvAlgorithm::Window, "depthwise in channel blocks", "blocks of 8");
  expectSelected(square(32, "", blocks, 8), ConvAlgorithm::Window, "in groups of 4 channels", "blocks of 8");
  expectSelected(square(32, "", blocks, 2), ConvAlgorithm::Blocked, "direct in channel blocks", "it has groups");
  // Groups of 6 channels: a block of 8 would hold one and a part.
  expectSelected(square(24, "", blocks, 4), ConvAlgorithm::Scalar, "refused", "its groups share blocks of 8 channels");
}

TEST(SelectConv, PlanesSayWhyTheyAreNoBlocks) {
  expectSelected(square(24, "", "", 24), ConvAlgorithm::Planes, "depthwise in planes",
                 "blocks are for optimised models");
  expectSelected(square(24, "", "", 4), ConvAlgorithm::Im2col, "im2col", "its groups share blocks of 8 channels");
  expectSelected(square(3, "", ""), ConvAlgorithm::Im2col, "im2col", "its 3 channels fill less than half");
  expectSelected("func.func @main(%x: tensor<1x8x6x6xf32>, %w: tensor<8x8x1x1xf32>) -> tensor<1x8x6x6xf32> {\n"
                 "  %y = nn.conv %x, %w : (tensor<1x8x6x6xf32>, tensor<8x8x1x1xf32>) -> tensor<1x8x6x6xf32>\n"
                 "  return %y : tensor<1x8x6x6xf32>\n}\n",
                 ConvAlgorithm::Im2col, "im2col", "computed at run time");
}

/// Stride 2 on 6x6 pixels; the weights, and the layout.
std::string transposed(const std::string &w, const std::string &layout) {
  std::string x = "tensor<1x8x6x6xf32" + layout + ">", y = "tensor<1x8x12x12xf32" + layout + ">";
  bool isArgument = w.empty();
  return "func.func @main(%x: " + x + (isArgument ? ", %w: tensor<8x8x2x2xf32>" : "") + ") -> " + y + " {\n" +
         (isArgument ? "" : "  %w = nn.constant dense<" + w + "> : tensor<8x8x2x2xf32>\n") +
         "  %y = nn.conv_transpose %x, %w {strides = array<i64: 2, 2>} : (" + x + ", tensor<8x8x2x2xf32>) -> " + y +
         "\n  return %y : " + y + "\n}\n";
}

TEST(SelectConv, TransposedOnesFollowTheirWeights) {
  expectSelected(transposed("0.5", blocks), ConvAlgorithm::TransposedPhases, "convolutions of stride 1", "remainder");
  expectSelected(transposed("0x7F800000", blocks), ConvAlgorithm::Scalar, "refused", "infinite or NaN");
  expectSelected(transposed("0.5", ""), ConvAlgorithm::Im2col, "im2col", "what it reads lies plain");
  expectSelected(transposed("0x7F800000", ""), ConvAlgorithm::TransposedTerms, "output by output", "not finite");
  expectSelected(transposed("", ""), ConvAlgorithm::Im2colOrTransposedTerms, "or output by output", "run computes");
}

TEST(SelectConv, BlocksOfGroupsNeedFiniteWeights) {
  // Their kernels skip the padding, where an infinity gives NaN.
  std::string type = "tensor<1x16x6x6xf32, #nn.blocked<1, 8>>";
  expectSelected("func.func @main(%x: " + type + ") -> " + type +
                     " {\n  %w = nn.constant dense<0x7F800000> : tensor<16x1x3x3xf32>\n"
                     "  %y = nn.conv %x, %w {pads = array<i64: 1, 1, 1, 1>, group = 16 : i64} : (" +
                     type + ", tensor<16x1x3x3xf32>) -> " + type + "\n  return %y : " + type + "\n}\n",
                 ConvAlgorithm::Scalar, "refused", "infinite or NaN");
}

TEST(SelectConv, BytesNameTheirProducts) {
  auto text = [](const std::string &layout, int64_t group) {
    std::string x = "tensor<1x16x6x6xui8" + layout + ">", y = "tensor<1x16x6x6xi32" + layout + ">";
    std::string w = "tensor<16x" + std::to_string(16 / group) + "x1x1xi8>";
    return "func.func @main(%x: " + x + ") -> " + y + " {\n  %w = nn.constant dense<3> : " + w +
           "\n  %y = nn.conv_integer %x, %w {x_zero_point = 7 : i64, group = " + std::to_string(group) + " : i64} : (" +
           x + ", " + w + ") -> " + y + "\n  return %y : " + y + "\n}\n";
  };
  Target machine = target();
  machine.hasByteDots = machine.hasPairSums = true;
  expectSelected(text(blocks, 1), ConvAlgorithm::Blocked, "direct in channel blocks", "bytes", machine);
  EXPECT_EQ(Convolution(text(blocks, 1)).select(machine).arithmetic, "int8 VNNI");
  // One by one, differences to the zero point need nine bits.
  EXPECT_EQ(Convolution(text(blocks, 16)).select(machine).arithmetic, "int8 in pairs of 16 bits");
  expectSelected(text("", 1), ConvAlgorithm::Scalar, "output by output", "blocks are for optimised models", machine);
}

} // namespace
} // namespace sinter::codegen
