// Quantised values: small integers that stand for numbers.
include "ir/NN.td"

def NN_QuantisedTensor : TensorOf<[I8, I16, UI8, UI16]>;
def NN_F32Tensor : TensorOf<[F32]>;

def NN_QuantizeOp : NN_ElementwiseOp<"quantize", [AllElementTypesMatch<["zero_point", "y"]>]> {
  let summary = "y = round(x / scale) + zero_point, saturated";
  let description = [{
    Halves round to even. Scale and zero point broadcast to x. The quotient and the sum are rounded to f32; NaN gives the lowest value of
    the type.

    ```mlir
    %y = nn.quantize %x, %scale, %zero : (tensor<1x8x4x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x8x4x4xui8>
    ```
  }];
  let arguments = (ins NN_F32Tensor:$x, NN_F32Tensor:$scale, NN_QuantisedTensor:$zero_point);
  let results = (outs NN_QuantisedTensor:$y);
}

def NN_DequantizeOp : NN_ElementwiseOp<"dequantize", [AllElementTypesMatch<["zero_point", "x"]>]> {
  let summary = "y = (x - zero_point) * scale";
  let description = [{
    Scale and zero point broadcast to x. The difference is exact, the product rounded once.

    ```mlir
    %y = nn.dequantize %x, %scale, %zero : (tensor<1x8x4x4xi8>, tensor<f32>, tensor<i8>) -> tensor<1x8x4x4xf32>
    ```
  }];
  let arguments = (ins NN_QuantisedTensor:$x, NN_F32Tensor:$scale, NN_QuantisedTensor:$zero_point);
  let results = (outs NN_F32Tensor:$y);
}
