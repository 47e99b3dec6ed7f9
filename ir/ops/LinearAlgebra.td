// Ops of linear algebra that few passes ask about by name: inverses, and products with weights in blocks of few bits.
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

def NN_MatMulNBitsOp : NN_Op<"mat_mul_n_bits",
    [NN_TakesEpilogue, AttrSizedOperandSegments, DeclareOpInterfaceMethods<ContractionOpInterface>]> {
  let summary = "y = a * w' + bias, where w[n, k] = (b[n, k] - zero_points[n, g]) * scales[n, g] and g is the block of k";
  let description = [{
    `com.microsoft.MatMulNBits`. w has `n` rows of `k` numbers, cut into blocks of `block_size`, a power of two from 16 on. b holds them as
    bytes [n, blocks, block_size*bits/8], each with 8/`bits` numbers from its lowest bits up; the last block is filled up. Scales are
    [n, blocks]. Zero points are [n, blocks] of the type of a, or bytes packed as b is, [n, ceil(blocks*bits/8)]; without
    them they are 2^(bits - 1). Both may also be flat. `g_idx`, where it is given, names the block of each k, whose
    scale and zero point then count; compiled code needs it constant. f16 and bf16 are computed in f32, the weights not rounded to them.

    ```mlir
    %y = nn.mat_mul_n_bits %a, %b, %scales {k = 40, n = 3, block_size = 16, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
        : (tensor<2x5x40xf32>, tensor<3x3x8xui8>, tensor<3x3xf32>) -> tensor<2x5x3xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$a, TensorOf<[UI8]>:$b, NN_FloatTensor:$scales,
      Optional<TensorOf<[UI8, NN_Float]>>:$zero_points, Optional<TensorOf<[I32]>>:$g_idx, Optional<NN_FloatTensor>:$bias,
      I64Attr:$k, I64Attr:$n, I64Attr:$block_size, DefaultValuedAttr<I64Attr, "4">:$bits);
  let results = (outs NN_FloatTensor:$y);
  let extraClassDeclaration = [{
    /// Blocks of a row of weights, bytes of a block, and bytes of a row of packed zero points.
    int64_t blocks() { return static_cast<int64_t>((getK() - 1) / getBlockSize() + 1); }
    int64_t blockBytes() { return static_cast<int64_t>(getBlockSize() / 8 * getBits()); }
    int64_t zeroBytes() { return (blocks() * static_cast<int64_t>(getBits()) + 7) / 8; }
    /// Whether zero points are packed bytes.
    bool hasPackedZeros();
  }];
}
