// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s
func.func @main(%x: tensor<2x3x3xf32>) -> tensor<2x3x3xf32> {
  %y = nn.inverse %x : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32> loc("inverse")
  return %y : tensor<2x3x3xf32>
}
