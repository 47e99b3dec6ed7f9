// Constants and the shape arithmetic that makes them.
include "ir/NN.td"

def NN_ConstantOp : Op<NN_Dialect, "constant", [Pure, ConstantLike, AllTypesMatch<["value", "result"]>,
    DeclareOpInterfaceMethods<ShapeInferenceOpInterface>, DeclareOpInterfaceMethods<ReferenceOpInterface>]> {
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
