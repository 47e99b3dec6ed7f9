// Ops on the bits of elements, whatever they stand for.
include "ir/NN.td"

def NN_BitCastOp : NN_ElementwiseOp<"bit_cast"> {
  let summary = "the bits of x as another element type of the same width";
  let description = [{
    A bool counts as eight bits, 0 or 1, and can only be read; f16 and bf16 keep their bits but for signalling NaNs.

    ```mlir
    %y = nn.bit_cast %x {to = i32} : (tensor<2x3xf32>) -> tensor<2x3xi32>
    ```
  }];
  let arguments = (ins NN_NumberOrBoolTensor:$x, TypeAttr:$to);
  let results = (outs NN_NumberTensor:$y);
  let hasVerifier = 1;
}
