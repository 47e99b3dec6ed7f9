// RUN: sinter-opt %s -nn-fold-batch-norm --split-input-file --verify-diagnostics

// After specialisation these operands are constants. Passes that ask an op where its elements come from may meet another dump.
func.func @main(%x: tensor<1x4x6xf32>, %r: tensor<3xi64>) -> tensor<1x4x6xf32> {
  // expected-error @+1 {{'nn.tile' op has repeats that are not constant}}
  %y = nn.tile %x, %r : (tensor<1x4x6xf32>, tensor<3xi64>) -> tensor<1x4x6xf32>
  %s = nn.constant dense<[[2.0], [3.0], [4.0], [5.0]]> : tensor<4x1xf32>
  %z = nn.channel_affine %y, %s, %s : (tensor<1x4x6xf32>, tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<1x4x6xf32>
  return %z : tensor<1x4x6xf32>
}

// -----

func.func @main(%x: tensor<1x4x6xf32>, %t: tensor<3xi64>) -> tensor<1x4x6xf32> {
  // expected-error @+1 {{'nn.expand' op has a shape that is not constant}}
  %y = nn.expand %x, %t : (tensor<1x4x6xf32>, tensor<3xi64>) -> tensor<1x4x6xf32>
  %s = nn.constant dense<[[2.0], [3.0], [4.0], [5.0]]> : tensor<4x1xf32>
  %z = nn.channel_affine %y, %s, %s : (tensor<1x4x6xf32>, tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<1x4x6xf32>
  return %z : tensor<1x4x6xf32>
}

// -----

func.func @main(%x: tensor<1x4x6xf32>, %b: tensor<3xi64>, %e: tensor<3xi64>) -> tensor<1x4x6xf32> {
  // expected-error @+1 {{'nn.slice' op has starts, ends, axes or steps that are not constant}}
  %y = nn.slice %x, %b, %e {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>} : (tensor<1x4x6xf32>, tensor<3xi64>, tensor<3xi64>) -> tensor<1x4x6xf32>
  %s = nn.constant dense<[[2.0], [3.0], [4.0], [5.0]]> : tensor<4x1xf32>
  %z = nn.channel_affine %y, %s, %s : (tensor<1x4x6xf32>, tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<1x4x6xf32>
  return %z : tensor<1x4x6xf32>
}

// -----

func.func @main(%x: tensor<1x4x6xf32>, %b: tensor<3xi64>, %a: tensor<3xi64>) -> tensor<1x4x6xf32> {
  // expected-error @+1 {{'nn.slice' op has starts, ends, axes or steps that are not constant}}
  %y = nn.slice %x, %b, %b, %a {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0>} : (tensor<1x4x6xf32>, tensor<3xi64>, tensor<3xi64>, tensor<3xi64>) -> tensor<1x4x6xf32>
  %s = nn.constant dense<[[2.0], [3.0], [4.0], [5.0]]> : tensor<4x1xf32>
  %z = nn.channel_affine %y, %s, %s : (tensor<1x4x6xf32>, tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<1x4x6xf32>
  return %z : tensor<1x4x6xf32>
}

// -----

func.func @main(%x: tensor<1x4x6xf32>, %p: tensor<6xi64>) -> tensor<1x4x6xf32> {
  // expected-error @+1 {{'nn.pad' op has pads or axes that are not constant}}
  %y = nn.pad %x, %p {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<1x4x6xf32>, tensor<6xi64>) -> tensor<1x4x6xf32>
  %s = nn.constant dense<[[2.0], [3.0], [4.0], [5.0]]> : tensor<4x1xf32>
  %z = nn.channel_affine %y, %s, %s : (tensor<1x4x6xf32>, tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<1x4x6xf32>
  return %z : tensor<1x4x6xf32>
}

// -----

func.func @main(%x: tensor<1x4x6xf32>, %k: tensor<3xi64>) -> tensor<1x4x6xf32> {
  %b = nn.constant dense<0> : tensor<6xi64>
  // expected-error @+1 {{'nn.pad' op has pads or axes that are not constant}}
  %y = nn.pad %x, %b, %k {operandSegmentSizes = array<i32: 1, 1, 0, 1>} : (tensor<1x4x6xf32>, tensor<6xi64>, tensor<3xi64>) -> tensor<1x4x6xf32>
  %s = nn.constant dense<[[2.0], [3.0], [4.0], [5.0]]> : tensor<4x1xf32>
  %z = nn.channel_affine %y, %s, %s : (tensor<1x4x6xf32>, tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<1x4x6xf32>
  return %z : tensor<1x4x6xf32>
}
