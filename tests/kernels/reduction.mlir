// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s
func.func @main(%x: tensor<4x32xf32>) -> (tensor<4x1xf32>, tensor<1x32xf32>) {
  %last = nn.constant dense<1> : tensor<1xi64>
  %first = nn.constant dense<0> : tensor<1xi64>
  %a = nn.reduce_sum %x, %last : (tensor<4x32xf32>, tensor<1xi64>) -> tensor<4x1xf32> loc("along")
  %b = nn.reduce_max %x, %first : (tensor<4x32xf32>, tensor<1xi64>) -> tensor<1x32xf32> loc("across")
  return %a, %b : tensor<4x1xf32>, tensor<1x32xf32>
}
