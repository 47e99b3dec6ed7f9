// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s
func.func @main(%x: tensor<8x16xf32>) -> (tensor<16x8xf32>, tensor<16x16xf32>, tensor<10x16xf32>) {
  %pads = nn.constant dense<[1, 0, 1, 0]> : tensor<4xi64>
  %t = nn.transpose %x {perm = array<i64: 1, 0>} : (tensor<8x16xf32>) -> tensor<16x8xf32> loc("transpose")
  %c = nn.concat %x, %x {axis = 0 : i64} : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<16x16xf32> loc("concat")
  %p = nn.pad %x, %pads {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<8x16xf32>, tensor<4xi64>) -> tensor<10x16xf32> loc("pad")
  return %t, %c, %p : tensor<16x8xf32>, tensor<16x16xf32>, tensor<10x16xf32>
}
