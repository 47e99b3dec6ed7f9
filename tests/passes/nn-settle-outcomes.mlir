// RUN: sinter-opt %s -nn-take-inventory -nn-fold-constants -nn-fold-batch-norm -nn-form-kernels -nn-settle-outcomes -split-input-file | FileCheck %s

// The BatchNorm of a convolution lives on in its weights; the ReLU in its kernel.
// CHECK: nn.report = [{channels = 2 : i64, into = ["conv"], kind = "BatchNormalization", name = "bn", outcome = "folded"},
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

// -----

// An output that another one is, too, is a copy: a kernel of a view alone, which computes nothing.
// CHECK: kind = "BatchNormalization", name = "bn", outcome = "kept"
func.func @copied(%x: tensor<4x3x5xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %p = nn.constant dense<1.0> : tensor<3xf32>
  %y, %mean, %var = nn.batch_norm_training %x, %p, %p, %p, %p {momentum = 0.5 : f32}
    : (tensor<4x3x5xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<4x3x5xf32>, tensor<3xf32>, tensor<3xf32>) loc("bn")
  return %var, %var : tensor<3xf32>, tensor<3xf32>
}

// -----

// A kernel of a BatchNorm and an activation alone is a pass over memory that the BatchNorm needs: it is kept, and the activation joins
// it. A sum beside them needs the pass anyway: fused.
// CHECK: kind = "BatchNormalization", name = "bn1", outcome = "kept"
// CHECK-SAME: into = ["bn1"], kind = "Relu", name = "relu1", outcome = "fused"
// CHECK-SAME: into = ["sum", "relu2"], kind = "BatchNormalization", name = "bn2", outcome = "fused"
// CHECK-SAME: into = ["sum", "bn2"], kind = "Relu", name = "relu2", outcome = "fused"
func.func @without_anchor(%x: tensor<1x2x4x4xf32>, %z: tensor<1x2x4x4xf32>) -> (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) {
  %p = nn.constant dense<[2.0, 4.0]> : tensor<2xf32>
  %a = nn.batch_norm %x, %p, %p, %p, %p
    : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32> loc("bn1")
  %b = nn.relu %a : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("relu1")
  %c = nn.add %z, %z : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("sum")
  %d = nn.batch_norm %c, %p, %p, %p, %p
    : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32> loc("bn2")
  %e = nn.relu %d : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("relu2")
  return %b, %e : tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>
}
