// RUN: sinter-opt %s -nn-form-kernels -nn-emit-kernels=target-cpu=x86-64-v3 -canonicalize -cse | FileCheck %s
func.func @main(%boxes: tensor<1x6x4xf32>, %scores: tensor<1x1x6xf32>) -> (tensor<2x3xi64>, tensor<i64>) {
  %y, %n = nn.non_max_suppression %boxes, %scores {max_output = 2 : i64, iou_threshold = 5.0e-1 : f32} : (tensor<1x6x4xf32>, tensor<1x1x6xf32>) -> (tensor<2x3xi64>, tensor<i64>) loc("nms")
  return %y, %n : tensor<2x3xi64>, tensor<i64>
}
