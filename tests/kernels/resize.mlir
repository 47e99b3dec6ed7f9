// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s

// Rows first: two rows of the operand, with weights from a table, make a line on the stack; its columns are gathered by another table.
// CHECK-LABEL: module @resize
// CHECK: func.func @kernel
// CHECK-SAME: %[[ROWS:[^ ]+]]: memref<16xi64> {llvm.noalias, llvm.readonly}
// CHECK: %[[LINE:.*]] = memref.alloca() {{.*}} : memref<8xf32>
// CHECK-COUNT-2: memref.load %[[ROWS]]
// CHECK: vector.store %{{.*}}, %[[LINE]][%c0] : memref<8xf32>, vector<8xf32>
// CHECK: scf.for %{{.*}} = %c0 to %c16 step %c8
// CHECK-COUNT-8: memref.load %[[LINE]]
// CHECK: vector.from_elements
// CHECK: vector.store {{.*}} vector<8xf32>
// CHECK-NOT: memref.store
func.func @main(%x: tensor<1x1x4x8xf32>) -> tensor<1x1x8x16xf32> {
  %s = nn.constant dense<[1.0, 1.0, 2.0, 2.0]> : tensor<4xf32>
  %y = nn.resize %x, %s {mode = "linear", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x1x4x8xf32>, tensor<4xf32>) -> tensor<1x1x8x16xf32> loc("resize")
  return %y : tensor<1x1x8x16xf32>
}
