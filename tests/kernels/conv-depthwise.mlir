// RUN: sinter-opt %s -nn-assign-layout=block=8 -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s
func.func @main(%x: tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf32> {
  %p = nn.constant dense<0.5> : tensor<8x8x1x1xf32>
  %w = nn.constant dense<0.25> : tensor<8x1x3x3xf32>
  %a = nn.conv %x, %p : (tensor<1x8x8x8xf32>, tensor<8x8x1x1xf32>) -> tensor<1x8x8x8xf32> loc("pointwise")
  %d = nn.conv %a, %w {group = 8 : i64, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x8x8x8xf32>, tensor<8x1x3x3xf32>) -> tensor<1x8x8x8xf32> loc("depthwise")
  %y = nn.relu %d : (tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf32> loc("relu")
  return %y : tensor<1x8x8x8xf32>
}
