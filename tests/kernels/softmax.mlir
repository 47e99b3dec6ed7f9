// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s

// A row is an iteration. Its maximum is found first, so that no exponential overflows; the exponentials are kept on the stack and divided by their
// sum in a third pass. All passes are vectors of eight, and 16 elements leave no tail.
// CHECK-LABEL: module @softmax
// CHECK: iterations = 4
// CHECK: %[[ROW:.*]] = memref.alloca() {{.*}} : memref<16xf32>
// CHECK: %[[LARGEST:.*]] = scf.for %{{.*}} = %c0 to %c16 step %c8 iter_args(%{{.*}} = %{{.*}}) -> (vector<8xf32>)
// CHECK: arith.cmpf uno
// CHECK: vector.extract {{.*}} : f32 from vector<1xf32>
// CHECK: %[[SUM:.*]] = scf.for %{{.*}} = %c0 to %c16 step %c8
// CHECK: arith.subf
// CHECK: vector.store %[[E:.*]], %[[ROW]]
// CHECK-NEXT: arith.addf %{{.*}}, %[[E]]
// CHECK: scf.for %{{.*}} = %c0 to %c16 step %c8
// CHECK: vector.load %[[ROW]]
// CHECK: arith.divf {{.*}} : vector<8xf32>
// CHECK: vector.store
// CHECK-NOT: memref.store
func.func @main(%x: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %y = nn.softmax %x {axis = 1 : i64} : (tensor<4x16xf32>) -> tensor<4x16xf32> loc("softmax")
  return %y : tensor<4x16xf32>
}
