// Ops whose positions are data: gathers, scatters, and those that order or accumulate along an axis.
include "ir/NN.td"

def NN_GatherOp : NN_Op<"gather", [NN_CopiesFirst, DeclareOpInterfaceMethods<ChannelFlowOpInterface>]> {
  let summary = "slices of `data` along `axis`, at `indices`";
  let description = [{
    result[i.., j.., k..] = data[i.., indices[j..], k..]. Negative indices count from the end; an index outside the axis is an error
    in the reference, and clamped in compiled code.

    ```mlir
    %y = nn.gather %x, %i {axis = 1 : i64} : (tensor<2x5x3xf32>, tensor<4xi64>) -> tensor<2x4x3xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$data, NN_IndexTensor:$indices, DefaultValuedAttr<I64Attr, "0">:$axis);
  let results = (outs NN_Tensor:$y);
}

def NN_GatherElementsOp : NN_Op<"gather_elements", [NN_CopiesFirst]> {
  let summary = "one element of `data` per index, along `axis`";
  let description = [{
    result[i, j, k] = data[i, indices[i, j, k], k] for axis 1.

    ```mlir
    %y = nn.gather_elements %x, %i {axis = 1 : i64} : (tensor<3x5xf32>, tensor<3x2xi64>) -> tensor<3x2xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$data, NN_IndexTensor:$indices, DefaultValuedAttr<I64Attr, "0">:$axis);
  let results = (outs NN_Tensor:$y);
}

def NN_GatherNDOp : NN_Op<"gather_nd", [NN_CopiesFirst]> {
  let summary = "slices of `data` at the index tuples in the last dimension of `indices`";
  let description = [{
    The first `batch_dims` dimensions of both operands run together.

    ```mlir
    %y = nn.gather_nd %x, %i : (tensor<2x3x4xf32>, tensor<5x2xi64>) -> tensor<5x4xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$data, NN_IndexTensor:$indices, DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs NN_Tensor:$y);
}

def NN_ScatterElementsOp : NN_Op<"scatter_elements"> {
  let summary = "`data` with single elements along `axis` replaced by, or combined with, `updates`";
  let description = [{
    result[i, indices[i, j, k], k] = updates[i, j, k] for axis 1, in row-major order; `reduction` (none, add, mul, min, max) says
    how an update meets the element that is there.

    ```mlir
    %y = nn.scatter_elements %x, %i, %u {axis = 1 : i64, reduction = "add"}
        : (tensor<3x5xf32>, tensor<3x2xi64>, tensor<3x2xf32>) -> tensor<3x5xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$data, NN_IndexTensor:$indices, NN_Tensor:$updates, DefaultValuedAttr<I64Attr, "0">:$axis,
                       NN_DefaultWord<NN_ScatterReduction, "None">:$reduction);
  let results = (outs NN_Tensor:$y);
  let hasVerifier = 1;
}

def NN_ScatterNDOp : NN_Op<"scatter_nd"> {
  let summary = "`data` with slices at index tuples replaced by, or combined with, `updates`";
  let description = [{
    ```mlir
    %y = nn.scatter_nd %x, %i, %u : (tensor<4x4xf32>, tensor<2x1xi64>, tensor<2x4xf32>) -> tensor<4x4xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$data, NN_IndexTensor:$indices, NN_Tensor:$updates,
                       NN_DefaultWord<NN_ScatterReduction, "None">:$reduction);
  let results = (outs NN_Tensor:$y);
  let hasVerifier = 1;
}

def NN_OneHotOp : NN_ValueShapedOp<"one_hot"> {
  let summary = "a new axis of `depth` elements, values[1] at the index and values[0] elsewhere";
  let description = [{
    Indices lie in [-depth, depth); others give a row of values[0].

    ```mlir
    %depth = nn.constant dense<10> : tensor<i64>
    %y = nn.one_hot %i, %depth, %values : (tensor<4xi64>, tensor<i64>, tensor<2xf32>) -> tensor<4x10xf32>
    ```
  }];
  let arguments = (ins NN_NumberTensor:$indices, NN_NumberTensor:$depth, NN_Tensor:$values, DefaultValuedAttr<I64Attr, "-1">:$axis);
  let results = (outs NN_Tensor:$y);
}

def NN_MaxUnpoolOp : NN_ValueShapedOp<"max_unpool"> {
  let summary = "puts the maxima of a max pool back where they came from, zeros elsewhere";
  let description = [{
    `indices` are flat positions within the tensor of the inferred shape (in - 1)*stride + kernel - pads. With `output_shape`
    that tensor is placed at the start of a larger result.

    ```mlir
    %y = nn.max_unpool %x, %i {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>}
        : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xi64>) -> tensor<1x1x4x4xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$x, NN_IndexTensor:$indices, Optional<NN_IndexTensor>:$output_shape,
                       DenseI64ArrayAttr:$kernel_shape, OptionalAttr<DenseI64ArrayAttr>:$strides,
                       OptionalAttr<DenseI64ArrayAttr>:$pads);
  let results = (outs NN_FloatTensor:$y);
  let hasVerifier = 1;
  let extraClassDeclaration = inferFromDeclaration # [{
    /// The shape that indices count in; nothing where x is not ranked, an error at the op where attributes do not fit x.
    ::mlir::FailureOr<std::optional<::sinter::nn::Dims>> pooledShape();
  }];
}

def NN_TopKOp : NN_ValueShapedOp<"top_k"> {
  let summary = "the k largest (or smallest) elements along an axis, and their indices";
  let description = [{
    In order of value; equal elements keep the order of their indices. NaN counts as larger than every number.

    ```mlir
    %k = nn.constant dense<[3]> : tensor<1xi64>
    %values, %indices = nn.top_k %x, %k {axis = -1 : i64} : (tensor<2x9xf32>, tensor<1xi64>) -> (tensor<2x3xf32>, tensor<2x3xi64>)
    ```
  }];
  let arguments = (ins NN_NumberTensor:$x, NN_IndexTensor:$k, DefaultValuedAttr<I64Attr, "-1">:$axis,
                       DefaultValuedAttr<BoolAttr, "true">:$largest);
  let results = (outs NN_NumberTensor:$values, NN_IndexTensor:$indices);
  let extraClassDeclaration = inferFromDeclaration # [{ double comparisons(); }];
}

def NN_CumSumOp : NN_Op<"cum_sum"> {
  let summary = "running sums along an axis";
  let description = [{
    `exclusive` leaves the element itself out; `reverse` runs from the end.

    ```mlir
    %axis = nn.constant dense<1> : tensor<i64>
    %y = nn.cum_sum %x, %axis : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins NN_NumberTensor:$x, NN_IndexTensor:$axis, DefaultValuedAttr<BoolAttr, "false">:$exclusive,
                       DefaultValuedAttr<BoolAttr, "false">:$reverse);
  let results = (outs NN_NumberTensor:$y);
}
