// RUN: sinter-opt %s -nn-fold-batch-norm -split-input-file | FileCheck %s
// x - c is exact near c; W*x - W*c, and s*x - s*c, lose the digits in which x and c agree.

// CHECK-LABEL: @into_weights
// CHECK: %[[D:.*]] = nn.sub %arg0
// CHECK: nn.conv %[[D]]
func.func @into_weights(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> {
  %c = nn.constant dense<1.0e6> : tensor<f32>
  %w = nn.constant dense<3.0> : tensor<1x1x1x1xf32>
  %d = nn.sub %x, %c : (tensor<1x1x2x2xf32>, tensor<f32>) -> tensor<1x1x2x2xf32>
  %y = nn.conv %d, %w : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  return %y : tensor<1x1x2x2xf32>
}

// -----

// The shift is small, but not beside what the scale makes of it.
// CHECK-LABEL: @composed
// CHECK: nn.sub
// CHECK: nn.mul
// CHECK-NOT: nn.channel_affine
func.func @composed(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %c = nn.constant dense<1.0> : tensor<f32>
  %s = nn.constant dense<1.0e6> : tensor<f32>
  %d = nn.sub %x, %c : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %y = nn.mul %d, %s : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

// What an image's mean is to its deviation, 0.485 to 0.229: two bits.
// CHECK-LABEL: @small
// CHECK-NOT: nn.sub
// CHECK: nn.conv %arg0
func.func @small(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> {
  %c = nn.constant dense<2.1> : tensor<f32>
  %w = nn.constant dense<3.0> : tensor<1x1x1x1xf32>
  %d = nn.sub %x, %c : (tensor<1x1x2x2xf32>, tensor<f32>) -> tensor<1x1x2x2xf32>
  %y = nn.conv %d, %w : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  return %y : tensor<1x1x2x2xf32>
}

// -----

// Of the 11 bits of f16 one may go.
// CHECK-LABEL: @half
// CHECK: nn.sub
func.func @half(%x: tensor<1x1x2x2xf16>) -> tensor<1x1x2x2xf16> {
  %c = nn.constant dense<2.1> : tensor<f16>
  %w = nn.constant dense<3.0> : tensor<1x1x1x1xf16>
  %d = nn.sub %x, %c : (tensor<1x1x2x2xf16>, tensor<f16>) -> tensor<1x1x2x2xf16>
  %y = nn.conv %d, %w : (tensor<1x1x2x2xf16>, tensor<1x1x1x1xf16>) -> tensor<1x1x2x2xf16>
  return %y : tensor<1x1x2x2xf16>
}

// -----

// A BatchNorm whose mean is 10,000 standard deviations away stays, and subtracts the mean before it scales.
// CHECK: code = "LARGE_SHIFT"
// CHECK-LABEL: @norm
// CHECK: %[[D:.*]] = nn.sub %arg0
// CHECK: nn.channel_affine %[[D]]
// CHECK: nn.conv
module attributes {nn.report = [{name = "bn", kind = "BatchNormalization", channels = 1}]} {
func.func @norm(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> {
  %one = nn.constant dense<1.0> : tensor<1xf32>
  %mean = nn.constant dense<1.0e4> : tensor<1xf32>
  %w = nn.constant dense<3.0> : tensor<1x1x1x1xf32>
  %d = nn.batch_norm %x, %one, %one, %mean, %one {epsilon = 0.0 : f32}
    : (tensor<1x1x2x2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x2x2xf32> loc("bn")
  %y = nn.conv %d, %w : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32>
  return %y : tensor<1x1x2x2xf32>
}
}

// -----

// A shift that is undone cancels, too: it may be there to round.
// CHECK-LABEL: @undone
// CHECK: nn.add
// CHECK: nn.sub
func.func @undone(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %c = nn.constant dense<1.2582912e7> : tensor<f32>
  %d = nn.add %x, %c : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %y = nn.sub %d, %c : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}
