// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s

// Three passes over a row, in vectors: the mean, the mean of squared distances from it (not of squares, which would cancel), and the result. The
// root is taken once, and rows are multiplied by its reciprocal.
// CHECK-LABEL: module @norm
// CHECK: iterations = 4
// CHECK: scf.for %{{.*}} = %c0 to %c16 step %c8 iter_args
// CHECK: arith.addf {{.*}} vector<8xf32>
// CHECK: %[[MEAN:.*]] = arith.divf {{.*}} : f32
// CHECK: scf.for %{{.*}} = %c0 to %c16 step %c8 iter_args
// CHECK: %[[M:.*]] = vector.broadcast %[[MEAN]]
// CHECK-NEXT: %[[D:.*]] = arith.subf %{{.*}}, %[[M]] : vector<8xf32>
// CHECK-NEXT: arith.mulf %[[D]], %[[D]] : vector<8xf32>
// CHECK: %[[ROOT:.*]] = math.sqrt %{{.*}} : f32
// CHECK-NEXT: arith.divf %{{.*}}, %[[ROOT]] : f32
// CHECK: scf.for %{{.*}} = %c0 to %c16 step %c8 {
// CHECK-NOT: arith.divf
// CHECK: vector.store
// CHECK-NOT: memref.store
func.func @main(%x: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %s = nn.constant dense<2.0> : tensor<16xf32>
  %b = nn.constant dense<1.0> : tensor<16xf32>
  %y = nn.layer_norm %x, %s, %b {axis = 1 : i64} : (tensor<4x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x16xf32> loc("norm")
  return %y : tensor<4x16xf32>
}
