// RUN: sinter-opt %s --split-input-file --verify-diagnostics

// The constraints of the records: a quotient of integers is no inverse.
func.func @types(%x: tensor<3x3xi32>) {
  // expected-error @+1 {{'nn.inverse' op operand #0 must be tensor of f16, bf16, f32 or f64 values, but got 'tensor<3x3xi32>'}}
  %y = nn.inverse %x : (tensor<3x3xi32>) -> tensor<3x3xi32>
  return
}

// -----

func.func @element_types(%x: tensor<3x3xf32>) {
  // expected-error @+1 {{'nn.inverse' op failed to verify that all of {x, y} have same element type}}
  %y = nn.inverse %x : (tensor<3x3xf32>) -> tensor<3x3xf64>
  return
}
