// RUN: sinter-opt %s -nn-specialise-shapes --split-input-file --verify-diagnostics

func.func @main(%x: tensor<1x1x4x4xf32>) {
  %b = nn.constant dense<1.0> : tensor<4xf32>
  %c = nn.constant dense<4> : tensor<4xi64>
  // expected-error @+1 {{'nn.resize' op needs either scales or sizes}}
  %y = nn.resize %x, %b, %c {operandSegmentSizes = array<i32: 1, 0, 1, 1>} : (tensor<1x1x4x4xf32>, tensor<4xf32>, tensor<4xi64>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @main(%x: tensor<1x1x4x4xf32>) {
  %b = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  // expected-error @+1 {{'nn.resize' op needs a scale or size for each of 4 axes, and a start and an end in roi}}
  %y = nn.resize %x, %b {operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x1x4x4xf32>, tensor<2xf32>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @main(%x: tensor<1x1x4x4xf32>) {
  %b = nn.constant dense<4> : tensor<4xi64>
  // expected-error @+1 {{'nn.resize' op needs a scale or size for each of 2 axes, and a start and an end in roi}}
  %y = nn.resize %x, %b {axes = array<i64: 2, 3>, operandSegmentSizes = array<i32: 1, 0, 0, 1>} : (tensor<1x1x4x4xf32>, tensor<4xi64>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @main(%x: tensor<1x1x4x4xf32>) {
  %b = nn.constant dense<1.0> : tensor<4xf32>
  %c = nn.constant dense<4> : tensor<4xi64>
  // expected-error @+1 {{'nn.resize' op needs a scale or size for each of 4 axes, and a start and an end in roi}}
  %y = nn.resize %x, %b, %c {coordinate_transformation_mode = "tf_crop_and_resize", operandSegmentSizes = array<i32: 1, 1, 0, 1>} : (tensor<1x1x4x4xf32>, tensor<4xf32>, tensor<4xi64>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @main(%x: tensor<1x1x4x4xf32>) {
  %b = nn.constant dense<[4]> : tensor<1xi64>
  // expected-error @+1 {{'nn.resize' op axis 4 is outside a tensor of rank 4}}
  %y = nn.resize %x, %b {axes = array<i64: 4>, operandSegmentSizes = array<i32: 1, 0, 0, 1>} : (tensor<1x1x4x4xf32>, tensor<1xi64>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @main(%x: tensor<1x1x4x4xf32>) {
  %b = nn.constant dense<[4, 4]> : tensor<2xi64>
  // expected-error @+1 {{'nn.resize' op names axis 3 twice}}
  %y = nn.resize %x, %b {axes = array<i64: 3, -1>, operandSegmentSizes = array<i32: 1, 0, 0, 1>} : (tensor<1x1x4x4xf32>, tensor<2xi64>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @main(%x: tensor<1x1x4x4xf32>) {
  %b = nn.constant dense<[1.0, 1.0, 1.0, -1.0]> : tensor<4xf32>
  // expected-error @+1 {{'nn.resize' op cannot make -4 of 4 elements along dimension 3}}
  %y = nn.resize %x, %b {operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x1x4x4xf32>, tensor<4xf32>) -> tensor<?x?x?x?xf32>
  return
}

// -----

// No element of the operand is near.
func.func @main(%x: tensor<1x1x0x4xf32>) {
  %b = nn.constant dense<[1, 1, 2, 4]> : tensor<4xi64>
  // expected-error @+1 {{'nn.resize' op cannot make 2 of 0 elements along dimension 2}}
  %y = nn.resize %x, %b {operandSegmentSizes = array<i32: 1, 0, 0, 1>} : (tensor<1x1x0x4xf32>, tensor<4xi64>) -> tensor<?x?x?x?xf32>
  return
}
