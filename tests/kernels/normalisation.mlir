// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s
func.func @main(%x: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %s = nn.constant dense<2.0> : tensor<16xf32>
  %b = nn.constant dense<1.0> : tensor<16xf32>
  %y = nn.layer_norm %x, %s, %b {axis = 1 : i64} : (tensor<4x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x16xf32> loc("norm")
  return %y : tensor<4x16xf32>
}
