// Pools: windows over the spatial dimensions of [N, C, spatial...], and their global forms.
include "ir/NN.td"

class NN_PoolOp<string mnemonic, dag extra = (ins), list<Trait> traits = [DeclareOpInterfaceMethods<ChannelFlowOpInterface>]>
    : NN_Op<mnemonic, traits> {
  let arguments = !con((ins NN_NumberTensor:$x, DenseI64ArrayAttr:$kernel_shape,
      OptionalAttr<DenseI64ArrayAttr>:$strides, OptionalAttr<DenseI64ArrayAttr>:$dilations,
      OptionalAttr<DenseI64ArrayAttr>:$pads, NN_DefaultWord<NN_AutoPad, "NotSet">:$auto_pad,
      UnitAttr:$ceil_mode), extra);
  let results = (outs NN_NumberTensor:$y);
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::sinter::nn::WindowAttributes windowAttributes() {
      return {getKernelShape(), arrayOf(getStridesAttr()), arrayOf(getDilationsAttr()), arrayOf(getPadsAttr()),
              getAutoPad(), getCeilMode()};
    }
    /// The window over a static operand type.
    ::mlir::FailureOr<::sinter::nn::Window> window() {
      return resolveWindow(*this, windowAttributes(), rankedType(getX()).getShape().drop_front(2));
    }
    double comparisons() { return windowComparisons(getKernelShape(), getY()); }
  }];
}

def NN_MaxPoolOp : NN_PoolOp<"max_pool", (ins), [NN_TakesEpilogue, DeclareOpInterfaceMethods<ChannelFlowOpInterface>]> {
  let summary = "the largest element under each window";
  let description = [{
    A window with a NaN gives NaN; one that lies in the padding gives the least value of the type (-inf).

    ```mlir
    %y = nn.max_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>}
        : (tensor<1x8x8x8xf32>) -> tensor<1x8x4x4xf32>
    ```
  }];
}

def NN_MaxPoolIndicesOp : NN_PoolOp<"max_pool_indices", (ins UnitAttr:$column_major), []> {
  let summary = "max pool that also tells where each element was";
  let description = [{
    `indices` counts elements of x in row-major order, or with the last two spatial dimensions swapped (`column_major`, ONNX's storage_order 1).
    Of equal elements the first counts.

    ```mlir
    %y, %indices = nn.max_pool_indices %x {kernel_shape = array<i64: 2, 2>}
        : (tensor<1x8x8x8xf32>) -> (tensor<1x8x7x7xf32>, tensor<1x8x7x7xi64>)
    ```
  }];
  let results = (outs NN_NumberTensor:$y, TensorOf<[I64]>:$indices);
}

def NN_AveragePoolOp : NN_PoolOp<"average_pool", (ins UnitAttr:$count_include_pad),
    [NN_TakesEpilogue, DeclareOpInterfaceMethods<ChannelFlowOpInterface>]> {
  let summary = "the mean of the elements under each window";
  let description = [{
    Divides by the elements inside the input, or inside input and padding with `count_include_pad`.

    ```mlir
    %y = nn.average_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>}
        : (tensor<1x8x8x8xf32>) -> tensor<1x8x4x4xf32>
    ```
  }];
}

def NN_LpPoolOp : NN_PoolOp<"lp_pool", (ins DefaultValuedAttr<I64Attr, "2">:$p)> {
  let summary = "(sum |x|^p)^(1/p) over each window";
  let description = [{
    ```mlir
    %y = nn.lp_pool %x {kernel_shape = array<i64: 2>, p = 3} : (tensor<1x8x8xf32>) -> tensor<1x8x7xf32>
    ```
  }];
}

//===- Global pools -----------------------------------------------------===//

class NN_GlobalPoolOp<string mnemonic, dag extra = (ins), list<Trait> traits = []>
    : NN_Op<mnemonic, !listconcat([DeclareOpInterfaceMethods<ChannelFlowOpInterface>], traits)> {
  let arguments = !con((ins NN_FloatTensor:$x), extra);
  let results = (outs NN_FloatTensor:$y);
}

def NN_GlobalAveragePoolOp : NN_GlobalPoolOp<"global_average_pool", (ins), [NN_TakesEpilogue]> {
  let summary = "the mean over all spatial dimensions";
  let description = [{
    ```mlir
    %y = nn.global_average_pool %x : (tensor<1x8x7x7xf32>) -> tensor<1x8x1x1xf32>
    ```
  }];
}

def NN_GlobalMaxPoolOp : NN_GlobalPoolOp<"global_max_pool"> {
  let summary = "the largest element over all spatial dimensions; NaN passes through";
  let description = [{
    ```mlir
    %y = nn.global_max_pool %x : (tensor<1x8x7x7xf32>) -> tensor<1x8x1x1xf32>
    ```
  }];
}

def NN_GlobalLpPoolOp : NN_GlobalPoolOp<"global_lp_pool", (ins DefaultValuedAttr<I64Attr, "2">:$p)> {
  let summary = "(sum |x|^p)^(1/p) over all spatial dimensions";
  let description = [{
    ```mlir
    %y = nn.global_lp_pool %x {p = 1} : (tensor<1x8x7x7xf32>) -> tensor<1x8x1x1xf32>
    ```
  }];
  let hasVerifier = 1;
}
