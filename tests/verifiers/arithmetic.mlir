// RUN: sinter-opt %s --split-input-file --verify-diagnostics

// The remainder with the divisor's sign is defined for integers alone.
func.func @mod(%a: tensor<4xf32>) {
  // expected-error @+1 {{'nn.mod' op takes floats only with fmod = true}}
  %y = nn.mod %a, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @bit_shift(%a: tensor<4xui8>) {
  // expected-error @+1 {{'nn.bit_shift' op attribute 'direction' failed to satisfy constraint: one of LEFT, RIGHT}}
  %y = nn.bit_shift %a, %a {direction = "left"} : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return
}

// -----

// The largest of nothing is no number.
func.func @max_of_nothing() {
  // expected-error @+1 {{'nn.max' op needs at least one operand}}
  %y = nn.max : () -> tensor<4xf32>
  return
}

// -----

func.func @sum_of_types(%a: tensor<4xf32>, %b: tensor<4xf16>) {
  // expected-error @+1 {{'nn.sum' op needs operands and result of one element type, but has 'f32' and 'f16'}}
  %y = nn.sum %a, %b : (tensor<4xf32>, tensor<4xf16>) -> tensor<4xf32>
  return
}

// -----

// The result is one of them.
func.func @min_result(%a: tensor<4xi32>) {
  // expected-error @+1 {{'nn.min' op needs operands and result of one element type, but has 'i32' and 'i64'}}
  %y = nn.min %a, %a : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi64>
  return
}

// -----

func.func @mean_of_types(%a: tensor<4xf32>, %b: tensor<4xf64>) {
  // expected-error @+1 {{'nn.mean' op needs operands and result of one element type, but has 'f32' and 'f64'}}
  %y = nn.mean %a, %b : (tensor<4xf32>, tensor<4xf64>) -> tensor<4xf32>
  return
}

// -----

// The constraints of the records: no op converts ...
func.func @element_types(%a: tensor<4xf32>, %b: tensor<4xf16>) {
  // expected-error @+1 {{'nn.add' op failed to verify that all of {a, b, y} have same element type}}
  %y = nn.add %a, %b : (tensor<4xf32>, tensor<4xf16>) -> tensor<4xf32>
  return
}

// -----

// ... a comparison gives bools ...
func.func @comparison(%a: tensor<4xf32>) {
  // expected-error @+1 {{'nn.less' op result #0 must be tensor of 1-bit signless integer values, but got 'tensor<4xf32>'}}
  %y = nn.less %a, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

// ... and a condition is one.
func.func @condition(%c: tensor<4xi8>, %a: tensor<4xf32>) {
  // expected-error @+1 {{'nn.where' op operand #0 must be tensor of 1-bit signless integer values, but got 'tensor<4xi8>'}}
  %y = nn.where %c, %a, %a : (tensor<4xi8>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}
