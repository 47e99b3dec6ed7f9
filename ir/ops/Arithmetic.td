// Arithmetic, comparison and logic on operands that broadcast.
include "ir/NN.td"

class NN_BinaryOp<string mnemonic, list<Trait> traits = []> : NN_ElementwiseOp<mnemonic, traits> {
  let arguments = (ins NN_NumberTensor:$a, NN_NumberTensor:$b);
  let results = (outs NN_NumberTensor:$y);
}

def NN_AddOp : NN_BinaryOp<"add", [Commutative]> {
  let summary = "a + b; integers wrap";
  let description = [{
    ```mlir
    %y = nn.add %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
    ```
  }];
}
