// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s
// UPDATE: the lines below come from scripts/update-tests.py.

// A chain is one loop and stores its result alone; 16 elements are two vectors without a tail, five are one vector of four and one element. f16 is
// computed in f32.
// CHECK-LABEL: module @"add+mul"
// CHECK-SAME: {
// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%[[ARG0:[^ :,)]+]]: index, %[[ARG1:[^ :,)]+]]: index, %[[ARG2:[^ :,)]+]]: memref<64xf32>, %[[ARG3:[^ :,)]+]]: memref<16xf32>, %[[ARG4:[^ :,)]+]]: memref<64xf32>) attributes {grain = 512 : i64, iterations = 4 : i64} {
// CHECK-NEXT: %[[C8:[^ :,)]+]] = arith.constant 8 : index
// CHECK-NEXT: %[[C16:[^ :,)]+]] = arith.constant 16 : index
// CHECK-NEXT: %[[C0:[^ :,)]+]] = arith.constant 0 : index
// CHECK-NEXT: %[[C1:[^ :,)]+]] = arith.constant 1 : index
// CHECK-NEXT: scf.for %[[ARG5:[^ :,)]+]] = %[[ARG0]] to %[[ARG1]] step %[[C1]] {
// CHECK-NEXT: scf.for %[[ARG6:[^ :,)]+]] = %[[C0]] to %[[C16]] step %[[C8]] {
// CHECK-NEXT: %[[V0:[^ :,)]+]] = arith.muli %[[ARG5]], %[[C16]] : index
// CHECK-NEXT: %[[V1:[^ :,)]+]] = arith.addi %[[V0]], %[[ARG6]] : index
// CHECK-NEXT: %[[V2:[^ :,)]+]] = vector.load %[[ARG2]][%[[V1]]] : memref<64xf32>, vector<8xf32>
// CHECK-NEXT: %[[V3:[^ :,)]+]] = vector.load %[[ARG3]][%[[ARG6]]] : memref<16xf32>, vector<8xf32>
// CHECK-NEXT: %[[V4:[^ :,)]+]] = arith.addf %[[V2]], %[[V3]] : vector<8xf32>
// CHECK-NEXT: %[[V5:[^ :,)]+]] = arith.mulf %[[V4]], %[[V2]] : vector<8xf32>
// CHECK-NEXT: vector.store %[[V5]], %[[ARG4]][%[[V1]]] : memref<64xf32>, vector<8xf32>
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: return
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-LABEL: module @tail
// CHECK-SAME: {
// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%[[ARG0:[^ :,)]+]]: index, %[[ARG1:[^ :,)]+]]: index, %[[ARG2:[^ :,)]+]]: memref<5xi64> {llvm.noalias, llvm.readonly}, %[[ARG3:[^ :,)]+]]: memref<5xi64>) attributes {grain = 3276 : i64, iterations = 1 : i64} {
// CHECK-NEXT: %[[C4:[^ :,)]+]] = arith.constant 4 : index
// CHECK-NEXT: %[[C0:[^ :,)]+]] = arith.constant 0 : index
// CHECK-NEXT: %[[C1:[^ :,)]+]] = arith.constant 1 : index
// CHECK-NEXT: scf.for %[[ARG4:[^ :,)]+]] = %[[ARG0]] to %[[ARG1]] step %[[C1]] {
// CHECK-NEXT: %[[V0:[^ :,)]+]] = vector.load %[[ARG2]][%[[C0]]] : memref<5xi64>, vector<4xi64>
// CHECK-NEXT: %[[V1:[^ :,)]+]] = arith.addi %[[V0]], %[[V0]] : vector<4xi64>
// CHECK-NEXT: vector.store %[[V1]], %[[ARG3]][%[[C0]]] : memref<5xi64>, vector<4xi64>
// CHECK-NEXT: %[[V2:[^ :,)]+]] = memref.load %[[ARG2]][%[[C4]]] : memref<5xi64>
// CHECK-NEXT: %[[V3:[^ :,)]+]] = arith.addi %[[V2]], %[[V2]] : i64
// CHECK-NEXT: memref.store %[[V3]], %[[ARG3]][%[[C4]]] : memref<5xi64>
// CHECK-NEXT: }
// CHECK-NEXT: return
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-LABEL: module @half
// CHECK-SAME: {
// CHECK-LABEL: func.func @kernel
// CHECK-SAME: (%[[ARG0:[^ :,)]+]]: index, %[[ARG1:[^ :,)]+]]: index, %[[ARG2:[^ :,)]+]]: memref<16xi16>, %[[ARG3:[^ :,)]+]]: memref<16xi16>) attributes {grain = 682 : i64, iterations = 1 : i64} {
// CHECK-NEXT: %[[CST:[^ :,)]+]] = arith.constant dense<2.000000e+00> : vector<8xf32>
// CHECK-NEXT: %[[C8:[^ :,)]+]] = arith.constant 8 : index
// CHECK-NEXT: %[[C16:[^ :,)]+]] = arith.constant 16 : index
// CHECK-NEXT: %[[C0:[^ :,)]+]] = arith.constant 0 : index
// CHECK-NEXT: %[[C1:[^ :,)]+]] = arith.constant 1 : index
// CHECK-NEXT: scf.for %[[ARG4:[^ :,)]+]] = %[[ARG0]] to %[[ARG1]] step %[[C1]] {
// CHECK-NEXT: scf.for %[[ARG5:[^ :,)]+]] = %[[C0]] to %[[C16]] step %[[C8]] {
// CHECK-NEXT: %[[V0:[^ :,)]+]] = vector.load %[[ARG2]][%[[ARG5]]] : memref<16xi16>, vector<8xi16>
// CHECK-NEXT: %[[V1:[^ :,)]+]] = arith.bitcast %[[V0]] : vector<8xi16> to vector<8xf16>
// CHECK-NEXT: %[[V2:[^ :,)]+]] = arith.extf %[[V1]] : vector<8xf16> to vector<8xf32>
// CHECK-NEXT: %[[V3:[^ :,)]+]] = arith.mulf %[[V2]], %[[CST]] : vector<8xf32>
// CHECK-NEXT: %[[V4:[^ :,)]+]] = arith.truncf %[[V3]] : vector<8xf32> to vector<8xf16>
// CHECK-NEXT: %[[V5:[^ :,)]+]] = arith.bitcast %[[V4]] : vector<8xf16> to vector<8xi16>
// CHECK-NEXT: vector.store %[[V5]], %[[ARG3]][%[[ARG5]]] : memref<16xi16>, vector<8xi16>
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: return
// CHECK-NEXT: }
// CHECK-NEXT: }
func.func @main(%x: tensor<4x16xf32>, %y: tensor<16xf32>, %h: tensor<16xf16>) -> (tensor<4x16xf32>, tensor<5xi64>, tensor<16xf16>) {
  %two = nn.constant dense<2.0> : tensor<f16>
  %i = nn.constant dense<[0, 1, 2, 3, 4]> : tensor<5xi64>
  %a = nn.add %x, %y : (tensor<4x16xf32>, tensor<16xf32>) -> tensor<4x16xf32> loc("add")
  %b = nn.mul %a, %x : (tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32> loc("mul")
  %c = nn.add %i, %i : (tensor<5xi64>, tensor<5xi64>) -> tensor<5xi64> loc("tail")
  %d = nn.mul %h, %two : (tensor<16xf16>, tensor<f16>) -> tensor<16xf16> loc("half")
  return %b, %c, %d : tensor<4x16xf32>, tensor<5xi64>, tensor<16xf16>
}
