// Structure: the kernel, a group of ops computed by one piece of machine code.
include "mlir/IR/RegionKindInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "ir/NN.td"

def NN_KernelOp : Op<NN_Dialect, "kernel", [Pure, SingleBlock, NoRegionArguments,
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "ops computed together by one backend";
  let description = [{
    An anchor (a convolution, a pool, ... or none) with the elementwise ops fused around it. Values from outside are the kernel's
    inputs; what it yields are its outputs. After `nn-form-kernels` a function body is constants, kernels and views.

    `nn-plan-memory` adds where in the arena the outputs lie (-1: they are outputs of the graph), and from which byte on nothing is
    live while the kernel runs.

    ```mlir
    %y = nn.kernel "conv1+relu1" "llvm" {
      %a = nn.conv %x, %w, %b : ...
      %r = nn.relu %a : ...
      nn.yield %r : tensor<1x64x56x56xf32>
    } : tensor<1x64x56x56xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, DefaultValuedAttr<StrAttr, "\"llvm\"">:$backend,
                       OptionalAttr<DenseI64ArrayAttr>:$arena_offsets, OptionalAttr<I64Attr>:$workspace_offset);
  let results = (outs Variadic<NN_Tensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let assemblyFormat = "$name $backend attr-dict-with-keyword $body `:` type($outputs)";
  // Builds a kernel of generated code, with no place in the arena yet.
  let builders = [OpBuilder<(ins "::mlir::TypeRange":$outputs, "::llvm::StringRef":$name), [{
    build($_builder, $_state, outputs, name, "llvm", ::mlir::DenseI64ArrayAttr(), ::mlir::IntegerAttr());
  }]>];
  let extraClassDeclaration = [{
    /// Values from outside that ops of the region read, in order of first use; constants included.
    ::llvm::SmallVector<::mlir::Value> inputs();
  }];
}

def NN_YieldOp : Op<NN_Dialect, "yield", [Pure, Terminator, ReturnLike, ParentOneOf<["KernelOp"]>]> {
  let summary = "the outputs of a kernel";
  let description = [{
    ```mlir
    nn.yield %y : tensor<1x8xf32>
    ```
  }];
  let arguments = (ins Variadic<NN_Tensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}
