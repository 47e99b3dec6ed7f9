// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s
func.func @main(%x: tensor<1x2x16x32xf32>) -> (tensor<1x2x8x16xf32>, tensor<1x2x1x1xf32>) {
  %m = nn.max_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x2x16x32xf32>) -> tensor<1x2x8x16xf32> loc("max")
  %g = nn.global_average_pool %x : (tensor<1x2x16x32xf32>) -> tensor<1x2x1x1xf32> loc("mean")
  return %m, %g : tensor<1x2x8x16xf32>, tensor<1x2x1x1xf32>
}
