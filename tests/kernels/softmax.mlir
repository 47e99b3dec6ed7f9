// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s
func.func @main(%x: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %y = nn.softmax %x {axis = 1 : i64} : (tensor<4x16xf32>) -> tensor<4x16xf32> loc("softmax")
  return %y : tensor<4x16xf32>
}
