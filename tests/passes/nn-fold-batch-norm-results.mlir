// RUN: sinter-opt %s -nn-fold-batch-norm -split-input-file | FileCheck %s
// An affine on one of several results moves up only along channels that reach no other.

// Split along the channels: those of the first half take the scale, the sibling's stay.
// CHECK-LABEL: @along_channels
// CHECK: nn.constant dense<{{.*}}2.0{{.*}}, {{.*}}1.0{{.*}}> : tensor<2x1x1x1xf32>
// CHECK: nn.conv
// CHECK: %[[S:.*]]:2 = nn.split
// CHECK-NOT: nn.mul
// CHECK: return %[[S]]#0, %[[S]]#1
func.func @along_channels(%x: tensor<1x1x2x4xf32>) -> (tensor<1x1x2x4xf32>, tensor<1x1x2x4xf32>) {
  %w = nn.constant dense<1.0> : tensor<2x1x1x1xf32>
  %two = nn.constant dense<2.0> : tensor<f32>
  %sizes = nn.constant dense<1> : tensor<2xi64>
  %y = nn.conv %x, %w : (tensor<1x1x2x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x2x4xf32>
  %a, %b = nn.split %y, %sizes {axis = 1 : i64} : (tensor<1x2x2x4xf32>, tensor<2xi64>) -> (tensor<1x1x2x4xf32>, tensor<1x1x2x4xf32>)
  %z = nn.mul %a, %two : (tensor<1x1x2x4xf32>, tensor<f32>) -> tensor<1x1x2x4xf32>
  return %z, %b : tensor<1x1x2x4xf32>, tensor<1x1x2x4xf32>
}

// -----

// Split along the height: every channel of the convolution reaches both halves.
// CHECK-LABEL: @along_height
// CHECK: %[[S:.*]]:2 = nn.split
// CHECK: %[[Z:.*]] = nn.mul %[[S]]#0
// CHECK: return %[[Z]], %[[S]]#1
func.func @along_height(%x: tensor<1x1x2x4xf32>) -> (tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>) {
  %w = nn.constant dense<1.0> : tensor<2x1x1x1xf32>
  %two = nn.constant dense<2.0> : tensor<f32>
  %sizes = nn.constant dense<1> : tensor<2xi64>
  %y = nn.conv %x, %w : (tensor<1x1x2x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x2x4xf32>
  %a, %b = nn.split %y, %sizes {axis = 2 : i64} : (tensor<1x2x2x4xf32>, tensor<2xi64>) -> (tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>)
  %z = nn.mul %a, %two : (tensor<1x2x1x4xf32>, tensor<f32>) -> tensor<1x2x1x4xf32>
  return %z, %b : tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>
}

// -----

// The same split, but nothing reads the other half: the scale may change what it holds.
// CHECK-LABEL: @sibling_unread
// CHECK: nn.constant dense<2.0{{.*}}> : tensor<2x1x1x1xf32>
// CHECK-NOT: nn.mul
func.func @sibling_unread(%x: tensor<1x1x2x4xf32>) -> tensor<1x2x1x4xf32> {
  %w = nn.constant dense<1.0> : tensor<2x1x1x1xf32>
  %two = nn.constant dense<2.0> : tensor<f32>
  %sizes = nn.constant dense<1> : tensor<2xi64>
  %y = nn.conv %x, %w : (tensor<1x1x2x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x2x4xf32>
  %a, %b = nn.split %y, %sizes {axis = 2 : i64} : (tensor<1x2x2x4xf32>, tensor<2xi64>) -> (tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>)
  %z = nn.mul %a, %two : (tensor<1x2x1x4xf32>, tensor<f32>) -> tensor<1x2x1x4xf32>
  return %z : tensor<1x2x1x4xf32>
}

// -----

// A view regroups the product's columns (2 parts of 2) before the split: the first part's columns take the scale.
// CHECK-LABEL: @through_views
// CHECK: nn.constant dense<{{\[\[}}3.0{{.*}}, 3.0{{.*}}, 1.0{{.*}}, 1.0{{.*}}]]> : tensor<1x4xf32>
// CHECK-NOT: nn.mul
func.func @through_views(%x: tensor<5x1xf32>) -> (tensor<1x2x5xf32>, tensor<1x2x5xf32>) {
  %w = nn.constant dense<1.0> : tensor<1x4xf32>
  %three = nn.constant dense<3.0> : tensor<f32>
  %shape = nn.constant dense<[5, 2, 2]> : tensor<3xi64>
  %sizes = nn.constant dense<1> : tensor<2xi64>
  %y = nn.matmul %x, %w : (tensor<5x1xf32>, tensor<1x4xf32>) -> tensor<5x4xf32>
  %v = nn.reshape %y, %shape : (tensor<5x4xf32>, tensor<3xi64>) -> tensor<5x2x2xf32>
  %t = nn.transpose %v {perm = array<i64: 1, 2, 0>} : (tensor<5x2x2xf32>) -> tensor<2x2x5xf32>
  %a, %b = nn.split %t, %sizes {axis = 0 : i64} : (tensor<2x2x5xf32>, tensor<2xi64>) -> (tensor<1x2x5xf32>, tensor<1x2x5xf32>)
  %z = nn.mul %a, %three : (tensor<1x2x5xf32>, tensor<f32>) -> tensor<1x2x5xf32>
  return %z, %b : tensor<1x2x5xf32>, tensor<1x2x5xf32>
}
