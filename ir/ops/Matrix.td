// Matrix products.
include "ir/NN.td"

class NN_MatrixOp<string mnemonic> : NN_Op<mnemonic,
    [NN_TakesEpilogue, SameOperandsAndResultElementType, DeclareOpInterfaceMethods<ContractionOpInterface>,
     DeclareOpInterfaceMethods<AffineOpInterface,
        ["canAbsorbAtOutput", "absorbAtOutput", "canAbsorbAtInput", "absorbAtInput", "passToResult"]>]> {
  let results = (outs NN_NumberTensor:$y);
}

def NN_GemmOp : NN_MatrixOp<"gemm"> {
  let summary = "alpha * A' * B' + beta * C";
  let description = [{
    A' and B' are a and b, transposed where `trans_a` and `trans_b` say so; c broadcasts to the result [M, N].

    ```mlir
    %y = nn.gemm %a, %b, %c {trans_b}
        : (tensor<2x64xf32>, tensor<10x64xf32>, tensor<10xf32>) -> tensor<2x10xf32>
    ```
  }];
  let arguments = (ins NN_NumberTensor:$a, NN_NumberTensor:$b, Optional<NN_NumberTensor>:$c,
      DefaultValuedAttr<F32Attr, "1.0f">:$alpha, DefaultValuedAttr<F32Attr, "1.0f">:$beta,
      UnitAttr:$trans_a, UnitAttr:$trans_b);
}

def NN_MatmulOp : NN_MatrixOp<"matmul"> {
  let summary = "matrix product as numpy.matmul";
  let description = [{
    The last two dimensions multiply, those before them broadcast. A vector on the left is a row, on the right a column, and the
    dimension it gains is dropped from the result.

    ```mlir
    %y = nn.matmul %a, %b : (tensor<4x2x3xf32>, tensor<3x5xf32>) -> tensor<4x2x5xf32>
    ```
  }];
  let arguments = (ins NN_NumberTensor:$a, NN_NumberTensor:$b);
}
