// Constants and the shape arithmetic that makes them.
include "ir/NN.td"

def NN_ConstantOp : Op<NN_Dialect, "constant", [Pure, ConstantLike, AllTypesMatch<["value", "result"]>,
    DeclareOpInterfaceMethods<ShapeInferenceOpInterface>, DeclareOpInterfaceMethods<ReferenceOpInterface>,
    DeclareOpInterfaceMethods<RangeOpInterface>]> {
  let summary = "a weight, a shape or another constant tensor";
  let description = [{
    ```mlir
    %shape = nn.constant dense<[1, -1]> : tensor<2xi64>
    %w = nn.constant dense_resource<conv1.weight> : tensor<64x3x7x7xf32>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
  let builders = [OpBuilder<(ins "const ::sinter::Tensor &":$tensor, CArg<"::llvm::StringRef", "\"constant\"">:$name)>];
  let extraClassDeclaration = [{
    /// A constant of integers, as shapes, axes and pads are given.
    static ConstantOp ints(::mlir::OpBuilder &builder, ::mlir::Location loc, ::llvm::ArrayRef<int64_t> values);
  }];
}

def NN_ShapeOp : NN_Op<"shape"> {
  let summary = "the dimensions of the operand, [start, end) of them";
  let description = [{
    Negative `start` and `end` count from the end; both are clamped to the rank.

    ```mlir
    %y = nn.shape %x {start = 1 : i64} : (tensor<2x3x4xf32>) -> tensor<2xi64>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, DefaultValuedAttr<I64Attr, "0">:$start, OptionalAttr<I64Attr>:$end);
  let results = (outs TensorOf<[I64]>:$y);
  let extraClassDeclaration = [{
    /// `start` and `end` within [0, rank].
    std::pair<int64_t, int64_t> range(int64_t rank);
  }];
}

def NN_SizeOp : NN_Op<"size"> {
  let summary = "the number of elements of the operand";
  let description = [{
    ```mlir
    %y = nn.size %x : (tensor<2x3x4xf32>) -> tensor<i64>
    ```
  }];
  let arguments = (ins NN_Tensor:$x);
  let results = (outs TensorOf<[I64]>:$y);
}

def NN_ConstantOfShapeOp : NN_ValueShapedOp<"constant_of_shape"> {
  let summary = "a tensor of the given shape, every element `value`";
  let description = [{
    ```mlir
    %shape = nn.constant dense<[2, 3]> : tensor<2xi64>
    %y = nn.constant_of_shape %shape {value = dense<1.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<2x3xf32>
    ```
  }];
  let arguments = (ins NN_IndexTensor:$shape, ElementsAttr:$value);
  let results = (outs NN_Tensor:$y);
  let hasVerifier = 1;
}

def NN_RangeOp : NN_Op<"range"> {
  let summary = "start, start + delta, ... up to, not including, limit";
  let description = [{
    ```mlir
    %start = nn.constant dense<0> : tensor<i64>
    %limit = nn.constant dense<7> : tensor<i64>
    %delta = nn.constant dense<2> : tensor<i64>
    %y = nn.range %start, %limit, %delta : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<4xi64>
    ```
  }];
  let arguments = (ins NN_NumberTensor:$start, NN_NumberTensor:$limit, NN_NumberTensor:$delta);
  let results = (outs NN_NumberTensor:$y);
}

def NN_EyeLikeOp : NN_Op<"eye_like"> {
  let summary = "ones on diagonal k, zeros elsewhere, in the shape of the operand";
  let description = [{
    ```mlir
    %y = nn.eye_like %x {dtype = f32, k = 1 : i64} : (tensor<3x4xi32>) -> tensor<3x4xf32>
    ```
  }];
  let arguments = (ins NN_Tensor:$x, OptionalAttr<TypeAttr>:$dtype, DefaultValuedAttr<I64Attr, "0">:$k);
  let results = (outs NN_Tensor:$y);
  let hasVerifier = 1;
}
