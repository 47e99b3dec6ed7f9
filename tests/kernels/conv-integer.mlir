// RUN: sinter-opt %s -nn-assign-layout=block=16 -nn-form-kernels -nn-emit-kernels=target-cpu=icelake-server -canonicalize -cse | FileCheck %s

// With VNNI four products of bytes are one instruction: sums are 16 words of 32 bits for 16 output channels, and four channels of a pixel are one
// word. Eight pixels stay in registers; 16 channels of input are four words, each with a vector of weights.
// CHECK: module @conv
// CHECK: func.func @kernel
// CHECK-SAME: %[[W:[^ ]+]]: memref<64xi32> {llvm.noalias, llvm.readonly}
// CHECK: scf.for %{{.*}} = %c0 to %c16 step %c8
// CHECK: %[[FIRST:.*]] = vector.load %[[W]]
// CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK-COUNT-3: vector.load %[[W]]{{.*}} vector<16xi32>
// CHECK: vector.store {{.*}} vector<16xi32>
// CHECK-NOT: arith.muli {{.*}} vector
// CHECK: module @"reorder of conv"
func.func @main(%x: tensor<1x16x4x4xui8>) -> tensor<1x16x4x4xi32> {
  %w = nn.constant dense<3> : tensor<16x16x1x1xi8>
  %y = nn.conv_integer %x, %w : (tensor<1x16x4x4xui8>, tensor<16x16x1x1xi8>) -> tensor<1x16x4x4xi32> loc("conv")
  return %y : tensor<1x16x4x4xi32>
}
