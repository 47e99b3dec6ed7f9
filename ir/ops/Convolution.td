// Convolutions over one to three (or more) spatial dimensions, NCHW.
include "ir/NN.td"

class NN_ConvolutionOp<string mnemonic, list<string> contractionMethods = []> : NN_Op<mnemonic,
    [NN_TakesEpilogue, SameOperandsAndResultElementType,
     DeclareOpInterfaceMethods<ContractionOpInterface, contractionMethods>, DeclareOpInterfaceMethods<AffineOpInterface,
        ["canAbsorbAtOutput", "absorbAtOutput", "canAbsorbAtInput", "absorbAtInput"]>]> {
  let results = (outs NN_FloatTensor:$y);
  let hasVerifier = 1;
}

def NN_ConvOp : NN_ConvolutionOp<"conv", ["mixesChannels"]> {
  let summary = "convolution (cross-correlation) with a bias";
  let description = [{
    x is [N, C, spatial...], w is [O, C/group, kernel...], b is [O]. `pads` lists begins, then ends; absent arrays stand for 1 (strides,
    dilations) and 0 (pads). Zero padding. The kernel's size is that of w.

    ```mlir
    %y = nn.conv %x, %w, %b {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>}
        : (tensor<1x8x16x16xf32>, tensor<4x8x3x3xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$x, NN_FloatTensor:$w, Optional<NN_FloatTensor>:$b,
      OptionalAttr<DenseI64ArrayAttr>:$strides, OptionalAttr<DenseI64ArrayAttr>:$dilations,
      OptionalAttr<DenseI64ArrayAttr>:$pads, NN_DefaultWord<NN_AutoPad, "NotSet">:$auto_pad,
      DefaultValuedAttr<I64Attr, "1">:$group);
  let extraClassDeclaration = [{
    ::sinter::nn::WindowAttributes windowAttributes();
    /// The window over static operand types.
    ::mlir::FailureOr<::sinter::nn::Window> window();
  }];
}

def NN_ConvTransposeOp : NN_ConvolutionOp<"conv_transpose"> {
  let summary = "transposed convolution with a bias";
  let description = [{
    The gradient of a convolution by its input: x is [N, C, spatial...], w is [C, O/group, kernel...], b is [O]. Input i adds to
    output i*stride - pad + k*dilation. `output_shape` (spatial) overrides pads, as ONNX says.

    ```mlir
    %y = nn.conv_transpose %x, %w {strides = array<i64: 2, 2>}
        : (tensor<1x8x4x4xf32>, tensor<8x3x2x2xf32>) -> tensor<1x3x8x8xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$x, NN_FloatTensor:$w, Optional<NN_FloatTensor>:$b,
      OptionalAttr<DenseI64ArrayAttr>:$strides, OptionalAttr<DenseI64ArrayAttr>:$dilations,
      OptionalAttr<DenseI64ArrayAttr>:$pads, OptionalAttr<DenseI64ArrayAttr>:$output_padding,
      OptionalAttr<DenseI64ArrayAttr>:$output_shape, NN_DefaultWord<NN_AutoPad, "NotSet">:$auto_pad,
      DefaultValuedAttr<I64Attr, "1">:$group);
  let extraClassDeclaration = NN_ConvOp.extraClassDeclaration;
}

def NN_ConvIntegerOp : NN_Op<"conv_integer",
    [NN_TakesEpilogue, DeclareOpInterfaceMethods<ContractionOpInterface, ["mixesChannels"]>]> {
  let summary = "convolution of bytes, exact modulo 2^32";
  let description = [{
    The sum of (x - x_zero_point) * w over the window, plus b. Padding adds nothing: it counts as x_zero_point. Shapes and attributes
    are those of `nn.conv`; w, which may need nine bits, comes without a zero point.

    ```mlir
    %w = nn.constant dense<-3> : tensor<4x8x3x3xi8>
    %b = nn.constant dense<[0, 1, 2, -3]> : tensor<4xi32>
    %y = nn.conv_integer %x, %w, %b {x_zero_point = 3 : i64, pads = array<i64: 1, 1, 1, 1>}
        : (tensor<1x8x6x6xui8>, tensor<4x8x3x3xi8>, tensor<4xi32>) -> tensor<1x4x6x6xi32>
    ```
  }];
  let arguments = (ins TensorOf<[I8, UI8]>:$x, TensorOf<[I8, I16]>:$w, Optional<TensorOf<[I32]>>:$b,
      DefaultValuedAttr<I64Attr, "0">:$x_zero_point,
      OptionalAttr<DenseI64ArrayAttr>:$strides, OptionalAttr<DenseI64ArrayAttr>:$dilations,
      OptionalAttr<DenseI64ArrayAttr>:$pads, NN_DefaultWord<NN_AutoPad, "NotSet">:$auto_pad,
      DefaultValuedAttr<I64Attr, "1">:$group);
  let results = (outs TensorOf<[I32]>:$y);
  let hasVerifier = 1;
  let extraClassDeclaration = NN_ConvOp.extraClassDeclaration;
}
