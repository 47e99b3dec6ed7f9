// Views: the same elements in the same order under another shape. They cost nothing in a compiled model.
include "ir/NN.td"

def NN_IdentityOp : NN_Op<"identity", [NN_ViewOfFirst, DeclareOpInterfaceMethods<ChannelFlowOpInterface>]> {
  let summary = "the operand itself";
  let description = [{
    Dropout at inference becomes this.

    ```mlir
    %y = nn.identity %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x);
  let results = (outs NN_Tensor:$y);
  let hasFolder = 1;
}

def NN_ReshapeOp : NN_ValueShapedOp<"reshape", [NN_ViewOfFirst, DeclareOpInterfaceMethods<ChannelFlowOpInterface>]> {
  let summary = "the same elements under the shape that an operand gives";
  let description = [{
    One dimension of `shape` may be -1: what the element count leaves. A 0 copies the dimension of `x` at its place, unless
    `allowzero` makes it an empty dimension.

    ```mlir
    %shape = nn.constant dense<[0, -1]> : tensor<2xi64>
    %y = nn.reshape %x, %shape : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<2x12xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, NN_IndexTensor:$shape, DefaultValuedAttr<BoolAttr, "false">:$allowzero);
  let results = (outs NN_Tensor:$y);
}

def NN_FlattenOp : NN_Op<"flatten", [NN_ViewOfFirst, DeclareOpInterfaceMethods<ChannelFlowOpInterface>]> {
  let summary = "a matrix: dimensions before `axis` times those from it on";
  let description = [{
    ```mlir
    %y = nn.flatten %x {axis = 2 : i64} : (tensor<2x3x4x5xf32>) -> tensor<6x20xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, DefaultValuedAttr<I64Attr, "1">:$axis);
  let results = (outs NN_Tensor:$y);
}

def NN_SqueezeOp : NN_ValueShapedOp<"squeeze", [NN_ViewOfFirst, DeclareOpInterfaceMethods<ChannelFlowOpInterface>]> {
  let summary = "drops dimensions of size 1: those of `axes`, or all";
  let description = [{
    ```mlir
    %axes = nn.constant dense<[2, 3]> : tensor<2xi64>
    %y = nn.squeeze %x, %axes : (tensor<1x8x1x1xf32>, tensor<2xi64>) -> tensor<1x8xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, Optional<NN_IndexTensor>:$axes);
  let results = (outs NN_Tensor:$y);
}

def NN_UnsqueezeOp : NN_ValueShapedOp<"unsqueeze", [NN_ViewOfFirst, DeclareOpInterfaceMethods<ChannelFlowOpInterface>]> {
  let summary = "inserts dimensions of size 1 at `axes` of the result";
  let description = [{
    ```mlir
    %axes = nn.constant dense<[0, -1]> : tensor<2xi64>
    %y = nn.unsqueeze %x, %axes : (tensor<3x4xf32>, tensor<2xi64>) -> tensor<1x3x4x1xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, NN_IndexTensor:$axes);
  let results = (outs NN_Tensor:$y);
}
