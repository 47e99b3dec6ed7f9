// Folding a per-channel affine into constant weights: w' = w*s, b' = b*s + t, in double, rounded once. What
// Conv, ConvTranspose, Gemm and MatMul share of AffineOpInterface.
#pragma once

#include "ir/Affine.h"
#include "ir/ShapeMath.h"
#include "mlir/IR/Builders.h"
#include "runtime/Tensor.h"
#include "llvm/ADT/ArrayRef.h"

namespace sinter::nn {

/// Where the output channels of an op stand in its weight: along `axis`. With `groups` > 1 (transposed
/// convolution, [C, O/g, ...]) that axis holds the channels of one group, and axis 0 tells the group.
struct WeightLayout {
  int64_t axis = 0;
  int64_t groups = 1;
};

/// factor * w * scale[channel], rounded once to w's type. Nothing where a value is not finite in that type,
/// where `scale` does not have one entry per channel, or where an output channel (`outputs` tells them apart)
/// would lose more to underflow than roundings of its largest weight do.
std::optional<Tensor> scaleWeight(const Tensor &w, WeightLayout layout, WeightLayout outputs,
                                  llvm::ArrayRef<double> scale, double factor = 1);
/// Whether scaleWeight returns a weight, found without the memory for it.
bool canScaleWeight(const Tensor &w, WeightLayout layout, WeightLayout outputs, llvm::ArrayRef<double> scale,
                    double factor = 1);

/// Rounds folded shifts once to `type`, flushing f32 and f64 subnormals; nothing where one is not finite.
std::optional<Tensor> roundFolded(DType type, Shape shape, llvm::ArrayRef<double> values);
/// Rounds factors, each of a channel of its own; nothing, too, where one loses digits to underflow.
std::optional<Tensor> roundScales(DType type, Shape shape, llvm::ArrayRef<double> values);

/// The code and sentence of a fold that `scaleWeight` or `roundFolded` refuses.
Legality illegalNonFinite();
/// The answer where a weight or bias is not a constant.
Legality illegalComputed(llvm::StringRef what);
/// The answer where the affine runs along another axis, or over another number of channels, than the weights
/// do.
Legality illegalAxis(const ChannelAffine &affine, int64_t axis, int64_t channels);

/// y = op(x, w) + b with channels along axis 1 of y: can `affine` fold into w and b (null: zero)?
Legality canFoldIntoWeights(mlir::Value w, mlir::Value b, mlir::RankedTensorType y, const ChannelAffine &affine,
                            WeightLayout layout);
/// The folded weight and bias as new constants; after a yes of canFoldIntoWeights.
std::pair<mlir::Value, mlir::Value> foldIntoWeights(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value w,
                                                    mlir::Value b, int64_t channels, const ChannelAffine &affine,
                                                    WeightLayout layout);

} // namespace sinter::nn
