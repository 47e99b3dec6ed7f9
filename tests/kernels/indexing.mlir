// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s
// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels="target-cpu=x86-64-v3 check-indices=false" -canonicalize -cse | FileCheck %s --check-prefix=UNCHECKED

// Negative indices count from the end; one that is still outside sets the word that ends the run, and the nearest row is read meanwhile, so that the
// kernel stays within its buffers. Rows are copied in vectors.
// CHECK-LABEL: module @gather
// CHECK: func.func @kernel
// CHECK-SAME: %[[I:[^ ]+]]: memref<4xi64>, %[[FAULT:[^ ]+]]: memref<1xi64>
// CHECK: memref.load %[[I]]
// CHECK: %[[AT:.*]] = arith.select %{{.*}} : index
// CHECK: %[[OUTSIDE:.*]] = arith.cmpi uge, %[[AT]], %c10
// CHECK: scf.if %[[OUTSIDE]]
// CHECK-NEXT: memref.store %{{.*}}, %[[FAULT]]
// CHECK: arith.maxsi %[[AT]], %c0
// CHECK: arith.minsi %{{.*}}, %c9
// CHECK: scf.for %{{.*}} = %c0 to %c16 step %c8
// CHECK-NEXT: arith.addi
// CHECK-NEXT: vector.load {{.*}} vector<8xf32>
// CHECK-NOT: memref.store

// Unchecked, it is the nearest row.
// UNCHECKED-NOT: memref<1xi64>
// UNCHECKED-NOT: scf.if
// UNCHECKED: arith.maxsi
func.func @main(%x: tensor<10x16xf32>, %i: tensor<4xi64>) -> tensor<4x16xf32> {
  %y = nn.gather %x, %i {axis = 0 : i64} : (tensor<10x16xf32>, tensor<4xi64>) -> tensor<4x16xf32> loc("gather")
  return %y : tensor<4x16xf32>
}
