// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s
func.func @main(%x: tensor<4x32xf32>) -> tensor<4x64xf32> {
  %w = nn.constant dense<0.5> : tensor<64x32xf32>
  %b = nn.constant dense<0.25> : tensor<64xf32>
  %a = nn.gemm %x, %w, %b {trans_b} : (tensor<4x32xf32>, tensor<64x32xf32>, tensor<64xf32>) -> tensor<4x64xf32> loc("gemm")
  %y = nn.relu %a : (tensor<4x64xf32>) -> tensor<4x64xf32> loc("relu")
  return %y : tensor<4x64xf32>
}
