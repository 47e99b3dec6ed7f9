// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s

// Weights are packed while compiling, so the kernel reads them in order. Four rows by three vectors of sums; 64 columns are two tiles of 24 and
// one of 16, whose code stands beside: no masks. The bias is added to the sums and the ReLU done before the only store.
// CHECK-LABEL: module @"gemm+relu"
// CHECK: func.func @kernel
// CHECK-SAME: %[[W:[^ ]+]]: memref<2048xf32> {llvm.noalias, llvm.readonly}, %[[X:[^ ]+]]: memref<128xf32>, %[[B:[^ ]+]]: memref<64xf32> {llvm.noalias, llvm.readonly}, %[[Y:[^ ]+]]: memref<256xf32>
// CHECK-SAME: iterations = 3
// CHECK-NOT: memref.alloca
// CHECK: scf.if
// CHECK: %[[SUMS:.*]]:12 = scf.for %{{.*}} = %c0 to %c32 step %c1
// CHECK-COUNT-3: vector.load %[[W]]{{.*}} vector<8xf32>
// CHECK: memref.load %[[X]]
// CHECK-COUNT-3: vector.fma
// CHECK-NOT: vector.load
// CHECK: scf.yield
// CHECK: %[[BIAS:.*]] = vector.load %[[B]]
// CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[SUMS]]#0, %[[BIAS]]
// CHECK-NEXT: %[[LESS:.*]] = arith.cmpf olt, %[[SUM]], %[[ZERO:.*]] :
// CHECK-NEXT: %[[RELU:.*]] = arith.select %[[LESS]], %[[ZERO]], %[[SUM]]
// CHECK: vector.store %[[RELU]], %[[Y]]
// CHECK: } else {
// CHECK: :8 = scf.for
// CHECK-NOT: memref.store
func.func @main(%x: tensor<4x32xf32>) -> tensor<4x64xf32> {
  %w = nn.constant dense<0.5> : tensor<64x32xf32>
  %b = nn.constant dense<0.25> : tensor<64xf32>
  %a = nn.gemm %x, %w, %b {trans_b} : (tensor<4x32xf32>, tensor<64x32xf32>, tensor<64xf32>) -> tensor<4x64xf32> loc("gemm")
  %y = nn.relu %a : (tensor<4x64xf32>) -> tensor<4x64xf32> loc("relu")
  return %y : tensor<4x64xf32>
}
