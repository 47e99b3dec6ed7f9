// Data movement: elements copied, joined, cut, repeated or permuted, unchanged.
include "ir/NN.td"

// Moves elements by index arithmetic (MovementOpInterface).
class NN_MovementOp<string mnemonic, list<Trait> traits = [], list<string> flowMethods = []>
    : NN_ValueShapedOp<mnemonic, !listconcat([DeclareOpInterfaceMethods<MovementOpInterface>,
        DeclareOpInterfaceMethods<ChannelFlowOpInterface, flowMethods>], traits)> {
  let extraClassDefinition = inferShapesDefinition # [{
    std::optional<::sinter::nn::ChannelFlow> $cppClass::channelFlow(unsigned operand, int64_t from, unsigned result, int64_t to) {
      return flowThroughCopies(*this, operand, from, result, to);
    }
  }];
}

def NN_TransposeOp : NN_MovementOp<"transpose", [NN_PermutesFirst]> {
  let summary = "permutes dimensions; result dimension i is operand dimension perm[i]";
  let description = [{
    Without `perm` the order of the dimensions is reversed.

    ```mlir
    %y = nn.transpose %x {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x3x4x5xf32>) -> tensor<1x4x5x3xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, OptionalAttr<DenseI64ArrayAttr>:$perm);
  let results = (outs NN_Tensor:$y);
  let hasVerifier = 1;
  let extraClassDeclaration = inferFromDeclaration # [{
    /// `perm`, or the reversal that it defaults to.
    ::sinter::nn::Dims permutation(int64_t rank);
  }];
}

def NN_ConcatOp : NN_MovementOp<"concat", [], ["dataOperands"]> {
  let summary = "joins operands along an axis";
  let description = [{
    ```mlir
    %y = nn.concat %a, %b {axis = 1 : i64} : (tensor<1x2x4xf32>, tensor<1x3x4xf32>) -> tensor<1x5x4xf32>
    ```
  }];
  let arguments = (ins Variadic<NN_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs NN_Tensor:$y);
  let hasVerifier = 1;
}

def NN_SplitOp : NN_MovementOp<"split", [NN_CopiesFirst]> {
  let summary = "cuts the operand along an axis, into parts of the given sizes or into equal ones";
  let description = [{
    Without `split` each part has ceil(size / results) elements along the axis and the last one what is left.

    ```mlir
    %a, %b = nn.split %x {axis = 1 : i64} : (tensor<1x5x4xf32>) -> (tensor<1x3x4xf32>, tensor<1x2x4xf32>)
    ```
  }];
  let arguments = (ins NN_Tensor:$x, Optional<NN_IndexTensor>:$split, DefaultValuedAttr<I64Attr, "0">:$axis);
  let results = (outs Variadic<NN_Tensor>:$parts);
}

def NN_SliceOp : NN_MovementOp<"slice", [NN_CopiesFirst, AttrSizedOperandSegments]> {
  let summary = "x[starts:ends:steps] along `axes`, as numpy slices";
  let description = [{
    Negative starts and ends count from the end; both are clamped to the dimension. A negative step walks backwards.

    ```mlir
    %starts = nn.constant dense<[1]> : tensor<1xi64>
    %ends = nn.constant dense<[-1]> : tensor<1xi64>
    %axes = nn.constant dense<[2]> : tensor<1xi64>
    %y = nn.slice %x, %starts, %ends, %axes {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0>}
        : (tensor<1x3x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x3x6xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, NN_IndexTensor:$starts, NN_IndexTensor:$ends, Optional<NN_IndexTensor>:$axes,
                       Optional<NN_IndexTensor>:$steps);
  let results = (outs NN_Tensor:$y);
}

def NN_ExpandOp : NN_MovementOp<"expand", [NN_CopiesFirst]> {
  let summary = "broadcasts the operand with a shape, in both directions";
  let description = [{
    ```mlir
    %shape = nn.constant dense<[2, 1, 6]> : tensor<3xi64>
    %y = nn.expand %x, %shape : (tensor<3x1xf32>, tensor<3xi64>) -> tensor<2x3x6xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, NN_IndexTensor:$shape);
  let results = (outs NN_Tensor:$y);
}

def NN_TileOp : NN_MovementOp<"tile", [NN_CopiesFirst]> {
  let summary = "repeats the operand along each dimension";
  let description = [{
    ```mlir
    %repeats = nn.constant dense<[1, 2]> : tensor<2xi64>
    %y = nn.tile %x, %repeats : (tensor<3x4xf32>, tensor<2xi64>) -> tensor<3x8xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, NN_IndexTensor:$repeats);
  let results = (outs NN_Tensor:$y);
}

def NN_DepthToSpaceOp : NN_MovementOp<"depth_to_space", [NN_PermutesFirst]> {
  let summary = "moves blocks of channels into space: NCHW to N, C/b^2, H*b, W*b";
  let description = [{
    Mode DCR: the channel index is (block row, block column, channel); CRD: (channel, block row, block column).

    ```mlir
    %y = nn.depth_to_space %x {blocksize = 2 : i64, mode = "CRD"} : (tensor<1x8x3x3xf32>) -> tensor<1x2x6x6xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, I64Attr:$blocksize, NN_DefaultWord<NN_DepthToSpaceMode, "BlockFirst">:$mode);
  let results = (outs NN_Tensor:$y);
  let hasVerifier = 1;
}

def NN_SpaceToDepthOp : NN_MovementOp<"space_to_depth", [NN_PermutesFirst]> {
  let summary = "moves blocks of space into channels: NCHW to N, C*b^2, H/b, W/b; inverse of depth_to_space DCR";
  let description = [{
    ```mlir
    %y = nn.space_to_depth %x {blocksize = 2 : i64} : (tensor<1x2x6x6xf32>) -> tensor<1x8x3x3xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, I64Attr:$blocksize);
  let results = (outs NN_Tensor:$y);
  let hasVerifier = 1;
}

def NN_PadOp : NN_ValueShapedOp<"pad", [AttrSizedOperandSegments, DeclareOpInterfaceMethods<ChannelFlowOpInterface>]> {
  let summary = "adds elements before and after each dimension; negative pads remove them";
  let description = [{
    `pads` holds all begins, then all ends, in the order of `axes` (default: every axis). Mode `constant` fills with `value`
    (default 0), `edge` with the nearest element, `reflect` mirrors at the first and last element, `wrap` continues at the other end.

    ```mlir
    %pads = nn.constant dense<[0, 1, 0, 1]> : tensor<4xi64>
    %y = nn.pad %x, %pads {mode = "reflect", operandSegmentSizes = array<i32: 1, 1, 0, 0>}
        : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<2x5xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, NN_IndexTensor:$pads, Optional<NN_Tensor>:$value, Optional<NN_IndexTensor>:$axes,
                       NN_DefaultWord<NN_PadMode, "Constant">:$mode);
  let results = (outs NN_Tensor:$y);
  let hasVerifier = 1;
  let extraClassDeclaration = inferFromDeclaration # [{
    /// Where each result element is read from; -1 is the fill value. Operand types must be static.
    ::mlir::FailureOr<::sinter::nn::IndexTables> sourceTables(::sinter::nn::IntsOf ints);

  private:
    /// Elements to add before and after each dimension; nothing where they are not known.
    ::mlir::FailureOr<std::optional<std::pair<::sinter::nn::Dims, ::sinter::nn::Dims>>>
    resolvePads(::sinter::nn::IntsOf ints, int64_t rank);
  }];
}

def NN_ReorderOp : NN_Op<"reorder", [SameOperandsAndResultShape, SameOperandsAndResultElementType]> {
  let summary = "the same tensor in another memory layout";
  let description = [{
    Between the plain layout and `#nn.blocked` ones; the only op that changes layouts.

    ```mlir
    %b = nn.reorder %x : (tensor<1x12x3x3xf32>) -> tensor<1x12x3x3xf32, #nn.blocked<1, 8>>
    %y = nn.reorder %b : (tensor<1x12x3x3xf32, #nn.blocked<1, 8>>) -> tensor<1x12x3x3xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x);
  let results = (outs NN_Tensor:$y);
}

def NN_TriluOp : NN_Op<"trilu"> {
  let summary = "the upper or lower triangle of matrices, zeros elsewhere";
  let description = [{
    Upper keeps column >= row + k, lower column <= row + k; k defaults to 0.

    ```mlir
    %y = nn.trilu %x {upper = true} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, Optional<NN_IndexTensor>:$k, DefaultValuedAttr<BoolAttr, "true">:$upper);
  let results = (outs NN_Tensor:$y);
  let hasVerifier = 1;
}
