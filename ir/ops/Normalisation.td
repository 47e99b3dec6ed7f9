// Normalisation: BatchNorm, its affine form, and the norms and softmaxes that compute statistics at run time.
include "ir/NN.td"

def NN_ChannelAffineOp : NN_ElementwiseOp<"channel_affine"> {
  let summary = "y = x * scale + shift, per channel";
  let description = [{
    What an inference BatchNorm is once its constants are combined. Scale and shift broadcast to x as numpy's operands do, so along
    axis 1 of a 4-D tensor they are `[C, 1, 1]`. The product and the sum are rounded separately.

    ```mlir
    %y = nn.channel_affine %x, %s, %t : (tensor<1x8x4x4xf32>, tensor<8x1x1xf32>, tensor<8x1x1xf32>) -> tensor<1x8x4x4xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$x, NN_FloatTensor:$scale, NN_FloatTensor:$shift);
  let results = (outs NN_FloatTensor:$y);
}
