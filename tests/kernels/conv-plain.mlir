// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s

// With weights that are no constants the first phase packs them, once for all threads, into a workspace. The second one collects the pixels
// under 24 outputs into a panel on the stack and multiplies it by four rows of weights at a time: twelve sums in registers, four of sixteen for
// operands. 256 outputs are ten such tiles and one of 16.
// CHECK-LABEL: module @conv
// CHECK-LABEL: func.func @kernel(
// CHECK-SAME: workspace_bytes = 896
// CHECK: memref.store %{{.*}}, %{{.*}} : memref<216xf32>
// CHECK-LABEL: func.func @kernel_1(
// CHECK-SAME: %[[X:[^ ]+]]: memref<768xf32>, %[[W:[^ ]+]]: memref<216xf32>, %[[Y:[^ ]+]]: memref<2048xf32>) attributes {grain = {{[0-9]+}} : i64, iterations = 11 : i64}
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<432xf32>
// CHECK: %[[PANEL:.*]] = memref.alloca() {alignment = 64 : i64} : memref<648xf32>
// CHECK: vector.store %{{.*}}, %[[PANEL]]{{.*}} vector<8xf32>
// CHECK: %[[SUMS:.*]]:12 = scf.for %{{.*}} = %c0 to %c27 step %c1
// CHECK-COUNT-3: vector.load %[[PANEL]]{{.*}} vector<8xf32>
// CHECK: memref.load %[[W]]
// CHECK-COUNT-3: vector.fma
// CHECK: memref.load %[[W]]
// CHECK: scf.yield
// CHECK: vector.store %[[SUMS]]#0, %[[Y]]
func.func @main(%x: tensor<1x3x16x16xf32>, %w: tensor<8x3x3x3xf32>) -> tensor<1x8x16x16xf32> {
  %y = nn.conv %x, %w {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x3x16x16xf32>, tensor<8x3x3x3xf32>) -> tensor<1x8x16x16xf32> loc("conv")
  return %y : tensor<1x8x16x16xf32>
}
