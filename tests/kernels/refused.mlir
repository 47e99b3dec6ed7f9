// RUN: sinter-opt %s -nn-emit-kernels=target-cpu=x86-64-v3 -split-input-file -verify-diagnostics
// RUN: not sinter-opt %s -split-input-file -nn-emit-kernels=target-cpu=x86-64-v9 2>&1 | FileCheck %s
// CHECK: 'x86-64-v9' is not known

// Emission is asked only for what code generation takes, and says why it is not.
func.func @main(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32> {
  // expected-error @+1 {{cannot be emitted: it has two anchors, Conv and Conv}}
  %y = nn.kernel "two" "llvm" {
    %a = nn.conv %x, %w : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
    %b = nn.conv %a, %w : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
    nn.yield %b : tensor<1x1x4x4xf32>
  } : tensor<1x1x4x4xf32>
  return %y : tensor<1x1x4x4xf32>
}

// -----

// A kernel of another backend has no loops.
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = nn.kernel "relu" "onednn" {
    %a = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
    nn.yield %a : tensor<4xf32>
  } : tensor<4xf32>
  return %y : tensor<4xf32>
}
