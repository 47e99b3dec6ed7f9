// RUN: sinter-opt %s -nn-take-inventory -split-input-file | FileCheck %s

// beta = 0 clips half of N(0, 1); beta = -4 at gamma = 1 all but Phi(-4); gamma = 0 leaves beta, which is 1
// or -1. Mean (0.5 + 0.99997 + 0 + 1) / 4; two channels are above 0.999. Views keep the values.
// CHECK: nn.macs_before = 16 : i64
// CHECK-SAME: nn.report = [{channels = 4 : i64, kind = "BatchNormalization", name = "bn"},
// CHECK-SAME: {batch_norm = "bn", channels = 2 : i64, clipped_fraction = 0.62499{{[0-9]*}} : f64, kind = "Relu", name = "relu", statistically_dead_channels = 2 : i64}]
func.func @relu(%x: tensor<2x2xf32>) -> tensor<2x2x2xf32> {
  %w = nn.constant dense<1.0> : tensor<2x4xf32>
  %gamma = nn.constant dense<[1.0, 1.0, 0.0, 0.0]> : tensor<4xf32>
  %beta = nn.constant dense<[0.0, -4.0, 1.0, -1.0]> : tensor<4xf32>
  %mean = nn.constant dense<3.0> : tensor<4xf32>
  %shape = nn.constant dense<2> : tensor<3xi64>
  %a = nn.matmul %x, %w : (tensor<2x2xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %b = nn.batch_norm %a, %gamma, %beta, %mean, %mean
    : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4xf32> loc("bn")
  %c = nn.reshape %b, %shape : (tensor<2x4xf32>, tensor<3xi64>) -> tensor<2x2x2xf32>
  %y = nn.relu %c : (tensor<2x2x2xf32>) -> tensor<2x2x2xf32> loc("relu")
  return %y : tensor<2x2x2xf32>
}

// -----

// Clip counts both tails: 2 * Phi(-1) = 0.3173. A sigmoid clips nothing.
// CHECK: clipped_fraction = 0.3173{{[0-9]*}} : f64, kind = "Clip", name = "clip"
// CHECK-SAME: channels = 1 : i64, kind = "Sigmoid", name = "sigmoid"}
func.func @clip(%x: tensor<2x1xf32>, %m: tensor<1xf32>) -> (tensor<2x1xf32>, tensor<2x1xf32>) {
  %one = nn.constant dense<1.0> : tensor<1xf32>
  %zero = nn.constant dense<0.0> : tensor<1xf32>
  %lo = nn.constant dense<-1.0> : tensor<f32>
  %hi = nn.constant dense<1.0> : tensor<f32>
  // Mean and variance may be computed: the output has beta and gamma whatever they are.
  %b = nn.batch_norm %x, %one, %zero, %m, %m
    : (tensor<2x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x1xf32>
  %y = nn.clip %b, %lo, %hi {operandSegmentSizes = array<i32: 1, 1, 1>}
    : (tensor<2x1xf32>, tensor<f32>, tensor<f32>) -> tensor<2x1xf32> loc("clip")
  %z = nn.sigmoid %b : (tensor<2x1xf32>) -> tensor<2x1xf32> loc("sigmoid")
  return %y, %z : tensor<2x1xf32>, tensor<2x1xf32>
}

// -----

// Max is an activation where one operand is a constant. IR without names gets some.
// CHECK: nn.report = [{channels = 1 : i64, kind = "Max", name = "Max:1"}]
func.func @max(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %c = nn.constant dense<1.0> : tensor<4xf32>
  %a = nn.max %x, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %b = nn.max %x, %y : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}
