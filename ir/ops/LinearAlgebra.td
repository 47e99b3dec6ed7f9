// Ops that solve systems of linear equations.
include "ir/NN.td"

def NN_InverseOp : NN_Op<"inverse", [AllElementTypesMatch<["x", "y"]>]> {
  let summary = "the inverses of the square matrices in the last two dimensions";
  let description = [{
    Gauss-Jordan elimination with partial pivoting (Higham, Accuracy and Stability of Numerical Algorithms, section 14.4): the row with the largest
    element of a column, the first of equal ones, is divided by it and subtracted from all others. A matrix whose pivot is 0 has
    no inverse and gives infinities and NaN; rounding may hide that it has none. f16 and bf16 are computed in f32.

    ```mlir
    %y = nn.inverse %x : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$x);
  let results = (outs NN_FloatTensor:$y);
  let extraClassDeclaration = [{ double comparisons(); }];
}
