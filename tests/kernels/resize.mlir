// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s
func.func @main(%x: tensor<1x1x4x8xf32>) -> tensor<1x1x8x16xf32> {
  %s = nn.constant dense<[1.0, 1.0, 2.0, 2.0]> : tensor<4xf32>
  %y = nn.resize %x, %s {mode = "linear", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x1x4x8xf32>, tensor<4xf32>) -> tensor<1x1x8x16xf32> loc("resize")
  return %y : tensor<1x1x8x16xf32>
}
