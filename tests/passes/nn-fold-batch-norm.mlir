// RUN: sinter-opt %s -nn-fold-batch-norm -split-input-file | FileCheck %s

// w' = w*s, b' = (b - mean)*s + beta with s = gamma/sqrt(var + eps) = 2/sqrt(3 + 1) = 1, 4/2 = 2.
// CHECK-LABEL: @conv
// CHECK-DAG: nn.constant dense<{{.*}}5.0{{.*}}, {{.*}}6.0{{.*}}> : tensor<2x1x1x1xf32>
// CHECK-DAG: nn.constant dense<[1.1{{.*}}, 1.5{{.*}}]> : tensor<2xf32>
// CHECK: nn.conv
// CHECK-NOT: nn.batch_norm
func.func @conv(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = nn.constant dense<[[[[5.0]]], [[[3.0]]]]> : tensor<2x1x1x1xf32>
  %b = nn.constant dense<[1.0, 1.0]> : tensor<2xf32>
  %scale = nn.constant dense<[2.0, 4.0]> : tensor<2xf32>
  %bias = nn.constant dense<[0.125, 0.5]> : tensor<2xf32>
  %mean = nn.constant dense<[0.0, 0.5]> : tensor<2xf32>
  %var = nn.constant dense<[3.0, 3.0]> : tensor<2xf32>
  %y = nn.conv %x, %w, %b : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  %z = nn.batch_norm %y, %scale, %bias, %mean, %var {epsilon = 1.0 : f32}
    : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  return %z : tensor<1x2x4x4xf32>
}

// -----

// The convolution's own value is an output: it stays, and the BatchNorm becomes an affine after it.
// CHECK: nn.batch_norms = [{channels = 1 : i64, code = "GRAPH_OUTPUT"
// CHECK-LABEL: @shared
// CHECK: %[[Y:.*]] = nn.conv
// CHECK: %[[Z:.*]] = nn.channel_affine %[[Y]]
// CHECK: return %[[Y]], %[[Z]]
func.func @shared(%x: tensor<1x1x4x4xf32>) -> (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) {
  %w = nn.constant dense<3.0> : tensor<1x1x1x1xf32>
  %one = nn.constant dense<1.0> : tensor<1xf32>
  %y = nn.conv %x, %w : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %z = nn.batch_norm %y, %one, %one, %one, %one
    : (tensor<1x1x4x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4x4xf32>
  return %y, %z : tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>
}

// -----

// Parameters that are inputs can change from run to run: nothing may be folded.
// CHECK: code = "NON_CONST_PARAM"
// CHECK-LABEL: @parameters
// CHECK: nn.batch_norm
func.func @parameters(%x: tensor<1x1x4x4xf32>, %p: tensor<1xf32>) -> tensor<1x1x4x4xf32> {
  %w = nn.constant dense<3.0> : tensor<1x1x1x1xf32>
  %y = nn.conv %x, %w : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %z = nn.batch_norm %y, %p, %p, %p, %p
    : (tensor<1x1x4x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4x4xf32>
  return %z : tensor<1x1x4x4xf32>
}
