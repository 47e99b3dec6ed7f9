// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v4 -canonicalize -cse | FileCheck %s
func.func @main(%a: tensor<2x8x16xf32>, %b: tensor<2x16x32xf32>) -> tensor<2x8x32xf32> {
  %y = nn.matmul %a, %b : (tensor<2x8x16xf32>, tensor<2x16x32xf32>) -> tensor<2x8x32xf32> loc("matmul")
  return %y : tensor<2x8x32xf32>
}
