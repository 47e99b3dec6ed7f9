// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s

// A max pool of stride 2 takes the maxima of the rows under a line first, in vectors, then those of neighbouring columns by shuffles. NaN passes.
// CHECK-LABEL: module @max
// CHECK: %[[LINE:.*]] = memref.alloca()
// CHECK: scf.for %{{.*}} = %c0 to %c32 step %c8
// CHECK: scf.for %{{.*}} = %c0 to %c2 step %c1 iter_args
// CHECK: arith.cmpf olt
// CHECK: arith.cmpf uno
// CHECK: vector.store %{{.*}}, %[[LINE]]{{.*}} vector<8xf32>
// CHECK: scf.for %{{.*}} = %c0 to %c16 step %c8
// CHECK: vector.shuffle {{.*}} [0, 2, 4, 6, 8, 10, 12, 14]
// CHECK: vector.store %{{.*}} : memref<256xf32>, vector<8xf32>
// CHECK-NOT: memref.store
// A mean of a plane: four sums of vectors, merged in one order, whatever the threads, and one division.
// CHECK-LABEL: module @mean
// CHECK: iterations = 2
// CHECK: %[[SUMS:.*]]:4 = scf.for %{{.*}} = %c0 to %c512 step %c32
// CHECK-COUNT-4: arith.addf {{.*}} vector<8xf32>
// CHECK: scf.yield
// CHECK: vector.extract_strided_slice
// CHECK: arith.divf {{.*}} : f32
// CHECK: memref.store
// CHECK-NOT: scf.for
func.func @main(%x: tensor<1x2x16x32xf32>) -> (tensor<1x2x8x16xf32>, tensor<1x2x1x1xf32>) {
  %m = nn.max_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x2x16x32xf32>) -> tensor<1x2x8x16xf32> loc("max")
  %g = nn.global_average_pool %x : (tensor<1x2x16x32xf32>) -> tensor<1x2x1x1xf32> loc("mean")
  return %m, %g : tensor<1x2x8x16xf32>, tensor<1x2x1x1xf32>
}
