// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s

// Along the last axis, vectors run along a row and their lanes are merged at its end.
// CHECK-LABEL: module @along
// CHECK: iterations = 4
// CHECK: scf.for %{{.*}} = %c0 to %c32 step %c8 iter_args
// CHECK: arith.addf {{.*}} vector<8xf32>
// CHECK: vector.extract_strided_slice {{.*}} vector<8xf32> to vector<4xf32>
// CHECK: vector.extract_strided_slice {{.*}} vector<4xf32> to vector<2xf32>
// CHECK: memref.store
// Across rows, each lane is a column of its own: nothing is merged.
// CHECK-LABEL: module @across
// CHECK: scf.for %{{.*}} = %c0 to %c32 step %c8
// CHECK: %[[MAX:.*]] = scf.for %{{.*}} = %c0 to %c4 step %c1 iter_args
// CHECK-NOT: vector.extract
// CHECK: vector.store %[[MAX]]
// CHECK-NOT: memref.store
func.func @main(%x: tensor<4x32xf32>) -> (tensor<4x1xf32>, tensor<1x32xf32>) {
  %last = nn.constant dense<1> : tensor<1xi64>
  %first = nn.constant dense<0> : tensor<1xi64>
  %a = nn.reduce_sum %x, %last : (tensor<4x32xf32>, tensor<1xi64>) -> tensor<4x1xf32> loc("along")
  %b = nn.reduce_max %x, %first : (tensor<4x32xf32>, tensor<1xi64>) -> tensor<1x32xf32> loc("across")
  return %a, %b : tensor<4x1xf32>, tensor<1x32xf32>
}
