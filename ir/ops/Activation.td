// Activations: the nonlinear unary functions that follow a convolution or a BatchNorm.
include "ir/NN.td"

class NN_ActivationOp<string mnemonic, list<Trait> traits = []> : NN_ElementwiseOp<mnemonic, traits>;

def NN_ReluOp : NN_ActivationOp<"relu"> {
  let summary = "max(x, 0)";
  let description = [{
    NaN and -0 pass through, as in the ONNX reference evaluator: the value is `x < 0 ? 0 : x`.

    ```mlir
    %y = nn.relu %x : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
    ```
  }];
  let arguments = (ins NN_NumberTensor:$x);
  let results = (outs NN_NumberTensor:$y);
}
