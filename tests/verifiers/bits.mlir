// RUN: sinter-opt %s --split-input-file --verify-diagnostics

// Bits stay what they are, so their number stays.
func.func @width(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.bit_cast' op cannot read 'f32' as 'i64'}}
  %y = nn.bit_cast %x {to = i64} : (tensor<4xf32>) -> tensor<4xi64>
  return
}

// -----

// Of the eight bits of a byte most are no bool.
func.func @bool(%x: tensor<4xi8>) {
  // expected-error @+1 {{'nn.bit_cast' op cannot read 'i8' as 'i1'}}
  %y = nn.bit_cast %x {to = i1} : (tensor<4xi8>) -> tensor<4xi8>
  return
}

// -----

// An element type that no tensor of a model has.
func.func @type(%x: tensor<4xi64>) {
  // expected-error @+1 {{'nn.bit_cast' op cannot read 'i64' as 'index'}}
  %y = nn.bit_cast %x {to = index} : (tensor<4xi64>) -> tensor<4xi64>
  return
}
