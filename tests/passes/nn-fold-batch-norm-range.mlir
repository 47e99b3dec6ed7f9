// RUN: sinter-opt %s -nn-fold-batch-norm -split-input-file | FileCheck %s
// Folded constants that underflow, and intermediate values that overflow sooner than before.

// 1 / 3e38 is below the smallest normal float: all weights would vanish.
// CHECK-LABEL: @all_underflow
// CHECK: nn.conv
// CHECK: nn.div
func.func @all_underflow(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> {
  %c = nn.constant dense<3.0e38> : tensor<f32>
  %w = nn.constant dense<1.0> : tensor<1x1x1x1xf32>
  %d = nn.conv %x, %w : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  %y = nn.div %d, %c : (tensor<1x1x2x2xf32>, tensor<f32>) -> tensor<1x1x2x2xf32>
  return %y : tensor<1x1x2x2xf32>
}

// -----

// 1e-37 / 100 underflows beside a weight of 1: nothing to speak of.
// CHECK-LABEL: @one_underflows
// CHECK-NOT: nn.div
func.func @one_underflows(%x: tensor<1x2x2x2xf32>) -> tensor<1x1x2x2xf32> {
  %c = nn.constant dense<100.0> : tensor<f32>
  %w = nn.constant dense<[[[[1.0]], [[1.0e-37]]]]> : tensor<1x2x1x1xf32>
  %d = nn.conv %x, %w : (tensor<1x2x2x2xf32>, tensor<1x2x1x1xf32>) -> tensor<1x1x2x2xf32>
  %y = nn.div %d, %c : (tensor<1x1x2x2xf32>, tensor<f32>) -> tensor<1x1x2x2xf32>
  return %y : tensor<1x1x2x2xf32>
}

// -----

// Before the convolution the scale differs from channel to channel: 1e-39 beside 1 is small, but it stands for 1 beside 1.
// CHECK-LABEL: @one_input_channel
// CHECK: nn.mul
// CHECK: nn.conv
func.func @one_input_channel(%x: tensor<1x2x2x2xf32>) -> tensor<1x1x2x2xf32> {
  %c = nn.constant dense<[[[1.0]], [[1.0e-37]]]> : tensor<2x1x1xf32>
  %w = nn.constant dense<[[[[1.0]], [[0.01]]]]> : tensor<1x2x1x1xf32>
  %d = nn.mul %x, %c : (tensor<1x2x2x2xf32>, tensor<2x1x1xf32>) -> tensor<1x2x2x2xf32>
  %y = nn.conv %d, %w : (tensor<1x2x2x2xf32>, tensor<1x2x1x1xf32>) -> tensor<1x1x2x2xf32>
  return %y : tensor<1x1x2x2xf32>
}

// -----

// The mean of finite values is finite; that of values 1e37 times as large need not be.
// CHECK-LABEL: @mean_overflows
// CHECK: nn.global_average_pool
// CHECK: nn.mul
func.func @mean_overflows(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32> {
  %c = nn.constant dense<1.0e37> : tensor<f32>
  %w = nn.constant dense<1.0> : tensor<1x1x1x1xf32>
  %d = nn.conv %x, %w : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  %p = nn.global_average_pool %d : (tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32>
  %y = nn.mul %p, %c : (tensor<1x1x1x1xf32>, tensor<f32>) -> tensor<1x1x1x1xf32>
  return %y : tensor<1x1x1x1xf32>
}

// -----

// The same with values that are known to be small.
// CHECK-LABEL: @mean_of_small_values
// CHECK: nn.global_average_pool
// CHECK-NOT: nn.mul
func.func @mean_of_small_values(%x: tensor<1x1x2x2xf32> {nn.range = array<f64: 0.0, 1.0>}) -> tensor<1x1x1x1xf32> {
  %c = nn.constant dense<100.0> : tensor<f32>
  %w = nn.constant dense<1.0> : tensor<1x1x1x1xf32>
  %d = nn.conv %x, %w : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  %p = nn.global_average_pool %d : (tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32>
  %y = nn.mul %p, %c : (tensor<1x1x1x1xf32>, tensor<f32>) -> tensor<1x1x1x1xf32>
  return %y : tensor<1x1x1x1xf32>
}

// -----

// (1e-25*x)^2 and x^2 leave the range of floats for different x.
// CHECK-LABEL: @powers
// CHECK: nn.mul
// CHECK: nn.lp_pool
func.func @powers(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32> {
  %c = nn.constant dense<1.0e-25> : tensor<f32>
  %w = nn.constant dense<1.0> : tensor<1x1x1x1xf32>
  %d = nn.mul %x, %c : (tensor<1x1x2x2xf32>, tensor<f32>) -> tensor<1x1x2x2xf32>
  %p = nn.lp_pool %d {kernel_shape = array<i64: 2, 2>, p = 2 : i64} : (tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32>
  %y = nn.conv %p, %w : (tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32>
  return %y : tensor<1x1x1x1xf32>
}

// -----

// f64 counts more digits than f32 does: this scale is not 1.
// CHECK-LABEL: @near_one
// CHECK: nn.channel_affine
func.func @near_one(%x: tensor<1x1x2xf64>) -> tensor<1x1x2xf64> {
  %s = nn.constant dense<1.00000002> : tensor<1xf64>
  %one = nn.constant dense<1.0> : tensor<1xf64>
  %zero = nn.constant dense<0.0> : tensor<1xf64>
  %y = nn.batch_norm %x, %s, %zero, %zero, %one {epsilon = 0.0 : f32}
    : (tensor<1x1x2xf64>, tensor<1xf64>, tensor<1xf64>, tensor<1xf64>, tensor<1xf64>) -> tensor<1x1x2xf64>
  return %y : tensor<1x1x2xf64>
}

// -----

// Trap: (0*a)*b is 0, and 0*(a*b) is NaN where a*b overflows.
// CHECK-LABEL: @dead_factor
// CHECK: %[[D:.*]] = nn.{{mul|channel_affine}} %arg0
// CHECK: nn.mul %[[D]], %arg1
func.func @dead_factor(%a: tensor<1x2x3xf32>, %b: tensor<1x2x3xf32>) -> tensor<1x2x3xf32> {
  %scale = nn.constant dense<[[0.0], [2.0]]> : tensor<2x1xf32>
  %half = nn.constant dense<0.5> : tensor<f32>
  %d = nn.mul %a, %scale : (tensor<1x2x3xf32>, tensor<2x1xf32>) -> tensor<1x2x3xf32>
  %p = nn.mul %d, %b : (tensor<1x2x3xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  %y = nn.mul %p, %half : (tensor<1x2x3xf32>, tensor<f32>) -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}

// -----

// The product of two scales underflows: each stays.
// CHECK-LABEL: @product_underflows
// CHECK-COUNT-2: nn.{{mul|channel_affine}}
func.func @product_underflows(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %c = nn.constant dense<1.0e-30> : tensor<f32>
  %a = nn.mul %x, %c : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  %y = nn.mul %a, %c : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
