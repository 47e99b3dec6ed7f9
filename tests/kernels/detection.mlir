// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s

// Suppression runs on a copy of the scores, a class an iteration; the second phase lists the boxes of all classes, on one thread, for their order
// depends on all of them. What is not selected is 0.
// CHECK-LABEL: module @nms
// CHECK-LABEL: func.func @kernel(
// CHECK-SAME: iterations = 1
// CHECK: scf.for %{{.*}} = %c0 to %c2 step %c1 iter_args
// CHECK: scf.for %{{.*}} = %c0 to %c6 step %c1 iter_args
// CHECK: scf.if
// CHECK-LABEL: func.func @kernel_1(
// CHECK-SAME: iterations = 1
// CHECK-COUNT-6: memref.store {{.*}} : memref<6xi64>
// CHECK: memref.store {{.*}} : memref<1xi64>
func.func @main(%boxes: tensor<1x6x4xf32>, %scores: tensor<1x1x6xf32>) -> (tensor<2x3xi64>, tensor<i64>) {
  %y, %n = nn.non_max_suppression %boxes, %scores {max_output = 2 : i64, iou_threshold = 5.0e-1 : f32} : (tensor<1x6x4xf32>, tensor<1x1x6xf32>) -> (tensor<2x3xi64>, tensor<i64>) loc("nms")
  return %y, %n : tensor<2x3xi64>, tensor<i64>
}
