// Windows against brute force, and the folding of affines into weights against evaluating both sides.
#include "ir/Ops.h"
#include "ir/ops/AffineFolding.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace sinter;
using namespace sinter::nn;

namespace {

class WindowTest : public testing::Test {
protected:
  WindowTest() : module(ModuleOp::create(UnknownLoc::get(&context))), builder(module->getBodyRegion()) {
    context.loadDialect<NNDialect>();
  }

  /// Fails quietly: the message is kept for the test.
  FailureOr<Window> resolve(const WindowAttributes &attributes, int64_t in) {
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      message = diagnostic.str();
      return success();
    });
    return resolveWindow(*module, attributes, {in});
  }

  Value constant(Shape shape, unsigned seed) {
    Tensor tensor(DType::F32, std::move(shape));
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (float &x : tensor.as<float>())
      x = normal(random);
    return ConstantOp::create(builder, builder.getUnknownLoc(), tensor);
  }

  static std::vector<double> evaluate(Value value) {
    Operation *op = value.getDefiningOp();
    SmallVector<Tensor> operands;
    for (Value operand : op->getOperands())
      operands.push_back(*constantTensor(operand));
    FailureOr<SmallVector<Tensor>> results = evaluateOp(op, operands);
    EXPECT_TRUE(succeeded(results));
    return toDoubles(results->front());
  }

  /// conv(x, w) of one image and channel, padded by 1, in a row.
  std::vector<double> paddedConvolution(std::vector<float> x, std::vector<float> w) {
    auto row = [&](std::vector<float> &values) {
      Tensor tensor(DType::F32, {1, 1, static_cast<int64_t>(values.size())});
      std::ranges::copy(values, tensor.as<float>().begin());
      return ConstantOp::create(builder, builder.getUnknownLoc(), tensor).getResult();
    };
    Value left = row(x), right = row(w);
    auto array = [&](ArrayRef<int64_t> values) { return builder.getDenseI64ArrayAttr(values); };
    auto type = RankedTensorType::get({1, 1, static_cast<int64_t>(x.size() + 3 - w.size())}, builder.getF32Type());
    return evaluate(ConvOp::create(builder, builder.getUnknownLoc(), type, left, right, Value(), array({1}), array({1}),
                                   array({1, 1})));
  }

  /// The op with the affine folded in computes affine(op).
  void expectFolds(Value y, int64_t axis) {
    RankedTensorType type = rankedType(y);
    ChannelAffine affine;
    affine.axis = axis;
    for (int64_t c = 0; c < type.getDimSize(axis); ++c) {
      affine.scale.push_back(0.5 - static_cast<double>(c));
      affine.shift.push_back(static_cast<double>(c) * 0.25 + 1);
    }
    auto op = cast<AffineOpInterface>(y.getDefiningOp());
    ASSERT_TRUE(op.canAbsorbAtOutput(affine)) << op.canAbsorbAtOutput(affine).sentence;
    std::vector<double> before = evaluate(y), after = evaluate(op.absorbAtOutput(builder, affine));
    ASSERT_EQ(before.size(), after.size());
    int64_t inner = rowMajorStrides(type.getShape())[static_cast<size_t>(axis)];
    for (size_t i = 0; i < before.size(); ++i) {
      auto c = static_cast<size_t>(static_cast<int64_t>(i) / inner % affine.channels());
      EXPECT_NEAR(after[i], affine.scale[c] * before[i] + affine.shift[c], 1e-4) << "element " << i;
    }
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  OpBuilder builder;
  std::string message;
};

TEST_F(WindowTest, TapsAreThoseInsideTheInput) {
  for (int64_t in : {1, 5, 8})
    for (int64_t size : {1, 3})
      for (int64_t stride : {1, 2, 5})
        for (int64_t dilation : {1, 3})
          for (bool ceil : {false, true}) {
            int64_t kernel[] = {size}, strides[] = {stride}, dilations[] = {dilation}, pads[] = {1, 6};
            FailureOr<Window> window = resolve({kernel, strides, dilations, pads, AutoPad::NotSet, ceil}, in);
            if (in + 7 < (size - 1) * dilation + 1) {
              EXPECT_TRUE(failed(window));
              continue;
            }
            ASSERT_TRUE(succeeded(window));
            const WindowAxis &axis = window->front();
            EXPECT_GE(axis.out, 1);
            EXPECT_LT(axis.position(axis.out - 1, 0), in + axis.padEnd);
            for (int64_t o = 0; o < axis.out; ++o)
              for (int64_t k = 0; k < size; ++k) {
                bool inside = axis.position(o, k) >= 0 && axis.position(o, k) < in;
                auto [tapBegin, tapEnd] = axis.taps(o);
                auto [outBegin, outEnd] = axis.inside(k);
                EXPECT_EQ(inside, k >= tapBegin && k < tapEnd);
                EXPECT_EQ(inside, o >= outBegin && o < outEnd);
              }
          }
}

TEST_F(WindowTest, SameKeepsTheSizeAndPutsTheOddPadWhereItSays) {
  int64_t kernel[] = {4};
  FailureOr<Window> upper = resolve({kernel, {}, {}, {}, AutoPad::SameUpper}, 7);
  FailureOr<Window> lower = resolve({kernel, {}, {}, {}, AutoPad::SameLower}, 7);
  ASSERT_TRUE(succeeded(upper) && succeeded(lower));
  EXPECT_EQ(upper->front().out, 7);
  EXPECT_EQ(upper->front().padBegin, 1);
  EXPECT_EQ(lower->front().padBegin, 2);
}

TEST_F(WindowTest, HostileSizesAreErrors) {
  int64_t kernel[] = {3}, zero[] = {0}, huge[] = {int64_t(1) << 40}, negative[] = {-1, 0}, odd[] = {1};
  EXPECT_TRUE(failed(resolve({kernel, zero, {}, {}, AutoPad::NotSet}, 8)));
  EXPECT_TRUE(failed(resolve({huge, {}, {}, {}, AutoPad::NotSet}, 8)));
  EXPECT_TRUE(failed(resolve({kernel, {}, huge, {}, AutoPad::NotSet}, 8)));
  EXPECT_TRUE(failed(resolve({kernel, {}, {}, negative, AutoPad::NotSet}, 8)));
  EXPECT_TRUE(failed(resolve({kernel, {}, {}, odd, AutoPad::NotSet}, 8)));
  EXPECT_TRUE(failed(resolve({kernel, {}, {}, {}, AutoPad::NotSet}, 2)));
  EXPECT_NE(message.find("extent 3"), std::string::npos) << message;
}

TEST_F(WindowTest, PaddingMeetsWeightsThatAreNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  // The first output reads 0 at the first weight, the last one at the last.
  std::vector<double> y = paddedConvolution({1, 2, 3}, {inf, 1, 1});
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], inf);
  EXPECT_EQ(y[2], inf);
  y = paddedConvolution({1, 2, 3}, {1, 1, nan});
  EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1]) && std::isnan(y[2]));
  EXPECT_EQ(paddedConvolution({1, 2, 3}, {1, 1, 1}), (std::vector<double>{3, 6, 5}));
}

TEST_F(WindowTest, AffinesFoldIntoConvolutions) {
  Location loc = builder.getUnknownLoc();
  Value x = constant({2, 4, 5, 5}, 1), w = constant({6, 2, 3, 3}, 2), b = constant({6}, 3);
  Type y = RankedTensorType::get({2, 6, 3, 3}, builder.getF32Type());
  expectFolds(ConvOp::create(builder, loc, y, x, w, b, DenseI64ArrayAttr(), DenseI64ArrayAttr(), DenseI64ArrayAttr(),
                             AutoPad::NotSet, 2),
              1);
  // [C, O/group, kernel]: the output channels of a group stand along axis 1.
  Value transposed = constant({4, 3, 3, 3}, 4);
  Type larger = RankedTensorType::get({2, 6, 7, 7}, builder.getF32Type());
  expectFolds(ConvTransposeOp::create(builder, loc, larger, x, transposed, Value(), DenseI64ArrayAttr(),
                                      DenseI64ArrayAttr(), DenseI64ArrayAttr(), DenseI64ArrayAttr(),
                                      DenseI64ArrayAttr(), AutoPad::NotSet, 2),
              1);
}

TEST_F(WindowTest, AffinesFoldIntoMatrixProducts) {
  Location loc = builder.getUnknownLoc();
  Value a = constant({3, 4}, 1), b = constant({5, 4}, 2), c = constant({3, 1}, 3);
  Type y = RankedTensorType::get({3, 5}, builder.getF32Type());
  expectFolds(GemmOp::create(builder, loc, y, a, b, c, builder.getF32FloatAttr(0.5f), builder.getF32FloatAttr(2),
                             UnitAttr(), builder.getUnitAttr()),
              1);
}

TEST_F(WindowTest, FoldsThatOverflowAreRefused) {
  Location loc = builder.getUnknownLoc();
  Value a = constant({3, 4}, 1), b = constant({4, 5}, 2);
  auto gemm = GemmOp::create(builder, loc, RankedTensorType::get({3, 5}, builder.getF32Type()), a, b, Value(),
                             builder.getF32FloatAttr(1), builder.getF32FloatAttr(1), UnitAttr(), UnitAttr());
  ChannelAffine affine{std::vector<double>(5, 1e39), std::vector<double>(5, 0), 1};
  EXPECT_EQ(gemm.canAbsorbAtOutput(affine).code, "NONFINITE_FOLD");
  affine.scale.assign(5, std::nan(""));
  EXPECT_EQ(gemm.canAbsorbAtOutput(affine).code, "NONFINITE_FOLD");
  affine.axis = 0;
  EXPECT_EQ(gemm.canAbsorbAtOutput(affine).code, "AXIS_MISMATCH");
}

} // namespace
