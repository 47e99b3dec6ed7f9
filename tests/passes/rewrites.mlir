// Every rewrite is an action that can be counted, named and withheld (passes/Rewrite.h).
// RUN: sinter-opt %s -nn-simplify-activations --mlir-debug-counter=nn-rewrite-skip=0,nn-rewrite-count=1 | FileCheck %s --check-prefix=ONE
// RUN: sinter-opt %s -nn-simplify-activations --log-actions-to=%t && FileCheck %s --check-prefix=LOG < %t

// ONE: nn.abs
// ONE-NOT: nn.relu
// ONE: nn.sigmoid
// ONE: nn.relu

// LOG: `nn-rewrite` drop-identity-activation at 'first' (Relu)
// LOG: `nn-rewrite` drop-identity-activation at 'second' (Relu)
func.func @main(%x: tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %a = nn.abs %x : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %y = nn.relu %a : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32> loc("first")
  %b = nn.sigmoid %x : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %z = nn.relu %b : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32> loc("second")
  return %y, %z : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}
