// RUN: sinter-opt %s --split-input-file --verify-diagnostics

// The constraints of the records: bools have a largest one, and no sum ...
func.func @bools(%x: tensor<2x3xi1>) {
  // expected-error @+1 {{'nn.reduce_sum' op operand #0 must be tensor of number values, but got 'tensor<2x3xi1>'}}
  %y = nn.reduce_sum %x : (tensor<2x3xi1>) -> tensor<1x1xi1>
  return
}

// -----

// ... axes are integers of 64 bits ...
func.func @axes(%x: tensor<2x3xf32>, %a: tensor<1xi32>) {
  // expected-error @+1 {{'nn.reduce_max' op operand #1 must be tensor of 64-bit signless integer values, but got 'tensor<1xi32>'}}
  %y = nn.reduce_max %x, %a : (tensor<2x3xf32>, tensor<1xi32>) -> tensor<1x3xf32>
  return
}

// -----

// ... and so are indices.
func.func @indices(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.arg_max' op result #0 must be tensor of 64-bit signless integer values, but got 'tensor<1x3xi32>'}}
  %y = nn.arg_max %x : (tensor<2x3xf32>) -> tensor<1x3xi32>
  return
}
