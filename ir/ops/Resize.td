// Resampling along dimensions. ONNX's Upsample is imported as nn.resize.
include "ir/NN.td"

def NN_ResizeOp : NN_Op<"resize", [AttrSizedOperandSegments, DeclareOpInterfaceMethods<ChannelFlowOpInterface>]> {
  let summary = "samples the operand at another resolution: nearest, linear or cubic";
  let description = [{
    Either `scales` or `sizes` says how large the result is, per dimension of `axes` (default: all). A result coordinate maps to one
    of the operand by `coordinate_transformation_mode`; what lies around that is weighted by `mode`, dimension by dimension. With
    tf_crop_and_resize, `roi` holds the starts, then the ends of the region, and coordinates outside the operand give
    `extrapolation_value`. `antialias` widens the filter by the factor of a reduction.

    ```mlir
    %scales = nn.constant dense<[1.0, 1.0, 2.0, 2.0]> : tensor<4xf32>
    %y = nn.resize %x, %scales {mode = "linear", operandSegmentSizes = array<i32: 1, 0, 1, 0>}
        : (tensor<1x3x8x8xf32>, tensor<4xf32>) -> tensor<1x3x16x16xf32>
    ```
  }];
  let arguments = (ins NN_NumberOrBoolTensor:$x, Optional<NN_FloatTensor>:$roi, Optional<NN_FloatTensor>:$scales,
                       Optional<NN_IndexTensor>:$sizes,
                       NN_DefaultWord<NN_ResizeMode, "Nearest">:$mode,
                       NN_DefaultWord<NN_CoordinateTransformation, "HalfPixel">:$coordinate_transformation_mode,
                       NN_DefaultWord<NN_NearestMode, "RoundPreferFloor">:$nearest_mode,
                       DefaultValuedAttr<F32Attr, "-0.75f">:$cubic_coeff_a,
                       DefaultValuedAttr<BoolAttr, "false">:$exclude_outside,
                       DefaultValuedAttr<F32Attr, "0.0f">:$extrapolation_value,
                       DefaultValuedAttr<BoolAttr, "false">:$antialias,
                       OptionalAttr<DenseI64ArrayAttr>:$axes,
                       NN_DefaultWord<NN_AspectRatioPolicy, "Stretch">:$keep_aspect_ratio_policy);
  let results = (outs NN_NumberOrBoolTensor:$y);
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// How the values of operands are read: `constantTensor` while compiling, host tensors during evaluation.
    using TensorOf = ::llvm::function_ref<std::optional<::sinter::Tensor>(::mlir::Value)>;

    /// Along one dimension: size and scale of the result, and the region that is cropped.
    struct Axis {
      int64_t in = 0, out = 0;
      double scale = 1, outWidth = 0, roiStart = 0, roiEnd = 1;
    };
    /// result[i] = sum of weight * operand[index] over the taps [first[i], first[i + 1]); no taps: extrapolated.
    struct Taps {
      std::vector<int64_t> first, index;
      std::vector<double> weight;
      bool isIdentity = false;
    };

    /// Whether `roi` says which part of x is sampled.
    bool isCropped() {
      return getCoordinateTransformationMode() == ::sinter::nn::CoordinateTransformation::TfCropAndResize;
    }
    /// One axis per dimension of x; nothing where x, scales or sizes are not known, an error at the op where they are wrong.
    ::mlir::FailureOr<std::optional<std::vector<Axis>>> resolveAxes(TensorOf tensors);
    /// The taps of one dimension, bounded by the sizes of operand and result.
    Taps makeTaps(const Axis &axis);
    /// Mode nearest (or one tap everywhere) as tables over x; the fill value is `extrapolation_value`.
    ::sinter::nn::IndexTables nearestTables(const std::vector<Axis> &axes);
  }];
}
