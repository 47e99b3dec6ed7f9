// RUN: sinter-opt %s -nn-form-kernels -nn-expose-kernels | FileCheck %s

// The convolution's kernel gets an output; what a view or an output shows already gets none.
// CHECK: @main(%{{.*}}) -> (tensor<1x2x2x2xf32> {nn.name = "y"}, tensor<1x2x4x4xf32> {nn.name = "relu"})
// CHECK: %[[RELU:.*]] = nn.kernel "conv+relu"
// CHECK: %[[POOL:.*]] = nn.kernel "pool"
// CHECK: return %[[POOL]], %[[RELU]]
func.func @main(%x: tensor<1x1x4x4xf32>) -> (tensor<1x2x2x2xf32> {nn.name = "y"}) {
  %w = nn.constant dense<5.0> : tensor<2x1x1x1xf32>
  %a = nn.conv %x, %w : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32> loc("conv")
  %b = nn.relu %a : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("relu")
  %y = nn.max_pool %b {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>}
    : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32> loc("pool")
  return %y : tensor<1x2x2x2xf32>
}
