// RUN: sinter-opt %s -nn-form-kernels -split-input-file | FileCheck %s
// RUN: sinter-opt %s -nn-form-kernels=fuse=false -split-input-file | FileCheck %s --check-prefix=ALONE

// A relu joins the convolution only it reads; the residual sum joins the later of its two producers.
// CHECK-LABEL: @residual
// CHECK: %[[A:.*]] = nn.kernel
// CHECK-NEXT: nn.conv
// CHECK-NEXT: nn.yield
// CHECK: %[[B:.*]] = nn.kernel
// CHECK-NEXT: nn.conv
// CHECK-NEXT: nn.add {{.*}}%[[A]]
// CHECK-NEXT: nn.relu
// CHECK-NEXT: nn.yield
// CHECK: return %[[B]]
// ALONE-LABEL: @residual
// ALONE-COUNT-4: nn.kernel
func.func @residual(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32> {
  %a = nn.conv %x, %w : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %b = nn.conv %a, %w : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %s = nn.add %b, %a : (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  %y = nn.relu %s : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
  return %y : tensor<1x1x4x4xf32>
}

// -----

// What grows by broadcasting is not computed at the producer's points: two kernels.
// CHECK-LABEL: @grows
// CHECK-COUNT-2: nn.kernel
func.func @grows(%x: tensor<1x4xf32>, %y: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %a = nn.relu %x : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %s = nn.add %a, %y : (tensor<1x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return %s : tensor<3x4xf32>
}

// -----

// An input that is an output, and a value that is two outputs, are copied: each output has memory of its own.
// CHECK-LABEL: @aliases
// CHECK: nn.relu
// CHECK: nn.identity
// CHECK: nn.identity
func.func @aliases(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %a = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %x, %a, %a : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
