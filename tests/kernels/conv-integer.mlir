// RUN: sinter-opt %s -nn-assign-layout=block=16 -nn-form-kernels -nn-emit-kernels=target-cpu=icelake-server -canonicalize -cse | FileCheck %s
func.func @main(%x: tensor<1x16x4x4xui8>) -> tensor<1x16x4x4xi32> {
  %w = nn.constant dense<3> : tensor<16x16x1x1xi8>
  %y = nn.conv_integer %x, %w : (tensor<1x16x4x4xui8>, tensor<16x16x1x1xi8>) -> tensor<1x16x4x4xi32> loc("conv")
  return %y : tensor<1x16x4x4xi32>
}
