// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s
func.func @main(%x: tensor<4x16xf32>, %y: tensor<16xf32>, %h: tensor<16xf16>) -> (tensor<4x16xf32>, tensor<5xi64>, tensor<16xf16>) {
  %two = nn.constant dense<2.0> : tensor<f16>
  %i = nn.constant dense<[0, 1, 2, 3, 4]> : tensor<5xi64>
  %a = nn.add %x, %y : (tensor<4x16xf32>, tensor<16xf32>) -> tensor<4x16xf32> loc("add")
  %b = nn.mul %a, %x : (tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32> loc("mul")
  %c = nn.add %i, %i : (tensor<5xi64>, tensor<5xi64>) -> tensor<5xi64> loc("tail")
  %d = nn.mul %h, %two : (tensor<16xf16>, tensor<f16>) -> tensor<16xf16> loc("half")
  return %b, %c, %d : tensor<4x16xf32>, tensor<5xi64>, tensor<16xf16>
}
