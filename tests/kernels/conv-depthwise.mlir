// RUN: sinter-opt %s -nn-assign-layout=block=8 -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s

// A depthwise convolution has a channel in each lane: a row of weights is a vector, and so is a pixel. Four pixels of a line are in registers;
// each pixel that is loaded serves three of them. Borders have code of their own, without tests inside of loops; the ReLU is in registers.
// CHECK: module @"depthwise+relu"
// CHECK: func.func @kernel
// CHECK-SAME: %[[X:[^ ]+]]: memref<512xf32>, %{{[^ ]+}}: memref<8xf32> {llvm.noalias, llvm.readonly}, %[[W:[^ ]+]]: memref<72xf32> {llvm.noalias, llvm.readonly}, %[[Y:[^ ]+]]: memref<512xf32>
// CHECK-NOT: scf.if
// CHECK: %[[SUMS:.*]]:4 = scf.for
// CHECK-DAG: vector.load %[[X]]{{.*}} vector<8xf32>
// CHECK-DAG: vector.load %[[W]]{{.*}} vector<8xf32>
// CHECK-COUNT-11: vector.fma {{.*}} : vector<8xf32>
// CHECK-NOT: vector.fma
// CHECK: scf.yield
// CHECK: arith.cmpf olt, %[[SUMS]]#0
// CHECK: vector.store %{{.*}}, %[[Y]]
// CHECK-NOT: scf.if
// CHECK: module @"reorder of relu"
func.func @main(%x: tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf32> {
  %p = nn.constant dense<0.5> : tensor<8x8x1x1xf32>
  %w = nn.constant dense<0.25> : tensor<8x1x3x3xf32>
  %a = nn.conv %x, %p : (tensor<1x8x8x8xf32>, tensor<8x8x1x1xf32>) -> tensor<1x8x8x8xf32> loc("pointwise")
  %d = nn.conv %a, %w {group = 8 : i64, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x8x8x8xf32>, tensor<8x1x3x3xf32>) -> tensor<1x8x8x8xf32> loc("depthwise")
  %y = nn.relu %d : (tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf32> loc("relu")
  return %y : tensor<1x8x8x8xf32>
}
