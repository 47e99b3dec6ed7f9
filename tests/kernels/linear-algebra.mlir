// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s

// Gauss and Jordan's elimination with pivots, on [A | I] in a workspace: one matrix is one iteration.
// CHECK-LABEL: module @inverse
// CHECK: func.func @kernel
// CHECK-SAME: iterations = 2 : i64, workspace_bytes = 192 : i64
// CHECK: scf.for
// CHECK: %[[PIVOT:.*]]:2 = scf.for {{.*}} -> (index, f32)
// CHECK: arith.cmpf
// CHECK: arith.divf
// CHECK: memref.store %{{.*}} : memref<18xf32>
func.func @main(%x: tensor<2x3x3xf32>) -> tensor<2x3x3xf32> {
  %y = nn.inverse %x : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32> loc("inverse")
  return %y : tensor<2x3x3xf32>
}
