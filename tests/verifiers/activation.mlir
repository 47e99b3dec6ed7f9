// RUN: sinter-opt %s --split-input-file --verify-diagnostics

// What nn.celu divides by.
func.func @celu(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.celu' op divides by alpha, which must not be 0}}
  %y = nn.celu %x {alpha = 0.0 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @gelu(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.gelu' op attribute 'approximate' failed to satisfy constraint: one of none, tanh}}
  %y = nn.gelu %x {approximate = "erf"} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

// The generic form is checked as well, which has attributes as properties.
func.func @gelu_generic(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.gelu' op attribute 'approximate' failed to satisfy constraint: one of none, tanh}}
  %y = "nn.gelu"(%x) <{approximate = "erf"}> : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

// Bounds are compared with x as they are: none is converted.
func.func @clip_bound_type(%x: tensor<4xf32>, %b: tensor<f16>) {
  // expected-error @+1 {{'nn.clip' op bound of type 'tensor<f16>' has another element type than x}}
  %y = nn.clip %x, %b {operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<4xf32>, tensor<f16>) -> tensor<4xf32>
  return
}

// -----

// The upper bound is checked as the lower one is.
func.func @clip_bound_size(%x: tensor<4xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{'nn.clip' op bound of type 'tensor<4xf32>' is not a scalar}}
  %y = nn.clip %x, %b {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

// The result has the shape of x, so a bound may not add dimensions.
func.func @clip_bound_rank(%x: tensor<4xf32>, %b: tensor<1x1xf32>) {
  // expected-error @+1 {{'nn.clip' op bound of type 'tensor<1x1xf32>' has a higher rank than x; reshape it to a scalar}}
  %y = nn.clip %x, %b {operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<4xf32>, tensor<1x1xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @clip_result(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.clip' op result has another element type than x}}
  %y = nn.clip %x {operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<4xf32>) -> tensor<4xf16>
  return
}

// -----

// The constraints of the records: element types of one kind ...
func.func @constraint(%x: tensor<4xi32>) {
  // expected-error @+1 {{'nn.tanh' op operand #0 must be tensor of f16, bf16, f32 or f64 values, but got 'tensor<4xi32>'}}
  %y = nn.tanh %x : (tensor<4xi32>) -> tensor<4xi32>
  return
}

// -----

// ... and the same one in the result.
func.func @element_types(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.relu' op failed to verify that all of {x, y} have same element type}}
  %y = nn.relu %x : (tensor<4xf32>) -> tensor<4xf16>
  return
}
