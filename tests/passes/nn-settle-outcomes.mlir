// RUN: sinter-opt %s -nn-take-inventory -nn-fold-constants -nn-fold-batch-norm -nn-form-kernels -nn-settle-outcomes -split-input-file | FileCheck %s

// The BatchNorm of a convolution lives on in its weights; the ReLU in its kernel.
// CHECK: nn.journal = [{channels = 2 : i64, into = ["conv"], kind = "BatchNormalization", name = "bn", outcome = "folded"},
// CHECK-SAME: into = ["conv", "bn"], kind = "Relu", name = "relu", outcome = "fused"
func.func @folded(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = nn.constant dense<5.0> : tensor<2x1x1x1xf32>
  %p = nn.constant dense<[2.0, 4.0]> : tensor<2xf32>
  %a = nn.conv %x, %w : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32> loc("conv")
  %b = nn.batch_norm %a, %p, %p, %p, %p
    : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32> loc("bn")
  %y = nn.relu %b : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("relu")
  return %y : tensor<1x2x4x4xf32>
}

// -----

// What reads a graph input has no kernel to join; what no output depends on is removed; what is applied to
// a constant becomes one.
// CHECK: code = "CONSTANT_OPERAND", kind = "Relu", name = "constant", outcome = "constant"
// CHECK-SAME: code = "UNUSED_RESULT", kind = "Relu", name = "unused", outcome = "removed"
// CHECK-SAME: code = "NO_PRODUCER", kind = "Relu", name = "relu", outcome = "kept"
func.func @alone(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = nn.constant dense<[1.0, -2.0, 3.0, -4.0]> : tensor<4xf32>
  %0 = nn.relu %c : (tensor<4xf32>) -> tensor<4xf32> loc("constant")
  %1 = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32> loc("unused")
  %2 = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32> loc("relu")
  return %2 : tensor<4xf32>
}
