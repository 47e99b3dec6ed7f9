// RUN: sinter-opt %s --split-input-file --verify-diagnostics

func.func @cast_to(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.cast' op cannot cast to 'index'}}
  %y = nn.cast %x {to = index} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

// Signed integers are signless ones.
func.func @signed(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.cast' op cannot cast to 'si8'}}
  %y = nn.cast %x {to = si8} : (tensor<4xf32>) -> tensor<4xi8>
  return
}

// -----

func.func @cast_result(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.cast' op result 'tensor<4xi32>' is not of the element type 'i64'}}
  %y = nn.cast %x {to = i64} : (tensor<4xf32>) -> tensor<4xi32>
  return
}

// -----

func.func @round_mode(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.cast' op attribute 'round_mode' failed to satisfy constraint: one of up, down, nearest}}
  %y = nn.cast %x {to = f8E8M0FNU, round_mode = "even"} : (tensor<4xf32>) -> tensor<4xf8E8M0FNU>
  return
}

// -----

// The constraints of the records: integers are rounded already ...
func.func @float(%x: tensor<4xi32>) {
  // expected-error @+1 {{'nn.round' op operand #0 must be tensor of f16, bf16, f32 or f64 values, but got 'tensor<4xi32>'}}
  %y = nn.round %x : (tensor<4xi32>) -> tensor<4xi32>
  return
}

// -----

// ... bits of floats have no meaning ...
func.func @bool(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.bitwise_not' op operand #0 must be tensor of integer values, but got 'tensor<4xf32>'}}
  %y = nn.bitwise_not %x : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

// ... a test gives bools ...
func.func @test(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.is_nan' op result #0 must be tensor of 1-bit signless integer values, but got 'tensor<4xi8>'}}
  %y = nn.is_nan %x : (tensor<4xf32>) -> tensor<4xi8>
  return
}

// -----

// ... and no op converts but nn.cast.
func.func @element_types(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.exp' op failed to verify that all of {x, y} have same element type}}
  %y = nn.exp %x : (tensor<4xf32>) -> tensor<4xf64>
  return
}
