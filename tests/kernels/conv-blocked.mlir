// RUN: sinter-opt %s -nn-assign-layout=block=8 -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s
func.func @main(%x: tensor<1x16x8x8xf32>) -> tensor<1x16x8x8xf32> {
  %w = nn.constant dense<0.5> : tensor<16x16x1x1xf32>
  %b = nn.constant dense<0.25> : tensor<16xf32>
  %a = nn.conv %x, %w, %b : (tensor<1x16x8x8xf32>, tensor<16x16x1x1xf32>, tensor<16xf32>) -> tensor<1x16x8x8xf32> loc("conv")
  %y = nn.relu %a : (tensor<1x16x8x8xf32>) -> tensor<1x16x8x8xf32> loc("relu")
  %c = nn.conv %y, %w, %b : (tensor<1x16x8x8xf32>, tensor<16x16x1x1xf32>, tensor<16xf32>) -> tensor<1x16x8x8xf32> loc("next")
  return %c : tensor<1x16x8x8xf32>
}
