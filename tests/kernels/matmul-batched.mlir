// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v4 -canonicalize -cse | FileCheck %s

// Vectors of 16 with AVX-512. The second operand is no constant: a tile of its columns goes to the stack first, where all eight rows read it.
// CHECK-LABEL: module @matmul
// CHECK: func.func @kernel
// CHECK-SAME: %[[B:[^ ]+]]: memref<1024xf32>, %[[A:[^ ]+]]: memref<256xf32>, %[[Y:[^ ]+]]: memref<512xf32>
// CHECK: %[[PANEL:.*]] = memref.alloca() {alignment = 64 : i64} : memref<512xf32>
// CHECK: vector.load %[[B]]{{.*}} vector<16xf32>
// CHECK: vector.store %{{.*}}, %[[PANEL]]
// CHECK: %[[SUMS:.*]]:16 = scf.for %{{.*}} = %c0 to %c16 step %c1
// CHECK-COUNT-2: vector.load %[[PANEL]]{{.*}} vector<16xf32>
// CHECK: memref.load %[[A]]
// CHECK-COUNT-2: vector.fma {{.*}} : vector<16xf32>
// CHECK: scf.yield
// CHECK-COUNT-16: vector.store %{{.*}}, %[[Y]]{{.*}} vector<16xf32>
// CHECK-NOT: memref.store
func.func @main(%a: tensor<2x8x16xf32>, %b: tensor<2x16x32xf32>) -> tensor<2x8x32xf32> {
  %y = nn.matmul %a, %b : (tensor<2x8x16xf32>, tensor<2x16x32xf32>) -> tensor<2x8x32xf32> loc("matmul")
  return %y : tensor<2x8x32xf32>
}
