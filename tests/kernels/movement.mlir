// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s

// A transposed matrix is written in vectors that are gathered from a column.
// CHECK-LABEL: module @transpose
// CHECK-COUNT-8: memref.load
// CHECK: vector.from_elements
// CHECK: vector.store
// CHECK-NOT: memref.store
// Each operand of a concatenation is a phase of its own, which copies a run.
// CHECK-LABEL: module @concat
// CHECK-LABEL: func.func @kernel(
// CHECK: scf.for %{{.*}} = %c0 to %c128 step %c8
// CHECK-LABEL: func.func @kernel_1(
// CHECK: %[[AT:.*]] = arith.addi %{{.*}}, %c128
// CHECK: vector.store %{{.*}}[%[[AT]]]
// A table has the row that each row of the result is read from, and -1 for those of zeros: whole rows are filled or copied.
// CHECK-LABEL: module @pad
// CHECK: %[[ROW:.*]] = memref.load %{{.*}} : memref<10xi64>
// CHECK: %[[FROM:.*]] = arith.index_cast %[[ROW]]
// CHECK: %[[OUTSIDE:.*]] = arith.cmpi slt, %[[FROM]], %c0
// CHECK: scf.if %[[OUTSIDE]]
// CHECK: vector.store %cst
// CHECK: } else {
// CHECK: vector.load
// CHECK-NOT: memref.store
func.func @main(%x: tensor<8x16xf32>) -> (tensor<16x8xf32>, tensor<16x16xf32>, tensor<10x16xf32>) {
  %pads = nn.constant dense<[1, 0, 1, 0]> : tensor<4xi64>
  %t = nn.transpose %x {perm = array<i64: 1, 0>} : (tensor<8x16xf32>) -> tensor<16x8xf32> loc("transpose")
  %c = nn.concat %x, %x {axis = 0 : i64} : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<16x16xf32> loc("concat")
  %p = nn.pad %x, %pads {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<8x16xf32>, tensor<4xi64>) -> tensor<10x16xf32> loc("pad")
  return %t, %c, %p : tensor<16x8xf32>, tensor<16x16xf32>, tensor<10x16xf32>
}
