// RUN: sinter-opt %s -nn-assign-layout=block=8 -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s

// A pointwise convolution in blocks of 8 channels: six pixels by two vectors of output channels stay in registers, one FMA for each pixel and
// vector of weights. 64 pixels are ten tiles of six and one of four: no masked vector, no scalar. Sums start with the bias; the ReLU is done on
// the sums in registers, and nothing else is stored.
// CHECK-LABEL: module @"conv+relu"
// CHECK-LABEL: func.func @kernel
// CHECK-SAME: %[[W:[^ ]+]]: memref<256xf32> {llvm.noalias, llvm.readonly}, %[[B:[^ ]+]]: memref<16xf32> {llvm.noalias, llvm.readonly}, %[[X:[^ ]+]]: memref<1024xf32>, %[[Y:[^ ]+]]: memref<1024xf32>
// CHECK: scf.for %{{.*}} = %c0 to %c60 step %c6
// CHECK: vector.load %[[B]]
// CHECK: %[[SUMS:.*]]:12 = scf.for %{{.*}} = %c0 to %c16 step %c1 iter_args
// CHECK: vector.load %[[W]]{{.*}} vector<8xf32>
// CHECK: vector.load %[[W]]{{.*}} vector<8xf32>
// CHECK: memref.load %[[X]]
// CHECK: vector.broadcast {{.*}} : f32 to vector<8xf32>
// CHECK-COUNT-2: vector.fma {{.*}} : vector<8xf32>
// CHECK-NOT: vector.load
// CHECK: memref.load %[[X]]
// CHECK-NOT: vector.store
// CHECK: scf.yield
// CHECK: %[[LESS:.*]] = arith.cmpf olt, %[[SUMS]]#0, %[[ZERO:.*]] : vector<8xf32>
// CHECK-NEXT: %[[RELU:.*]] = arith.select %[[LESS]], %[[ZERO]], %[[SUMS]]#0
// CHECK: vector.store %[[RELU]], %[[Y]]{{.*}} vector<8xf32>
// CHECK: %{{.*}}:8 = scf.for
// CHECK-NOT: vector.maskedstore
// CHECK-NOT: memref.store

// Between blocked kernels nothing is reordered; at the output, once.
// CHECK: module @next
// CHECK: module @"reorder of next"
// CHECK-NOT: vector.fma
func.func @main(%x: tensor<1x16x8x8xf32>) -> tensor<1x16x8x8xf32> {
  %w = nn.constant dense<0.5> : tensor<16x16x1x1xf32>
  %b = nn.constant dense<0.25> : tensor<16xf32>
  %a = nn.conv %x, %w, %b : (tensor<1x16x8x8xf32>, tensor<16x16x1x1xf32>, tensor<16xf32>) -> tensor<1x16x8x8xf32> loc("conv")
  %y = nn.relu %a : (tensor<1x16x8x8xf32>) -> tensor<1x16x8x8xf32> loc("relu")
  %c = nn.conv %y, %w, %b : (tensor<1x16x8x8xf32>, tensor<16x16x1x1xf32>, tensor<16xf32>) -> tensor<1x16x8x8xf32> loc("next")
  return %c : tensor<1x16x8x8xf32>
}
