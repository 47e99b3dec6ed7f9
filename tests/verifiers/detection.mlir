// RUN: sinter-opt %s --split-input-file --verify-diagnostics

func.func @max_output(%b: tensor<1x4x4xf32>, %s: tensor<1x2x4xf32>) {
  // expected-error @+1 {{'nn.non_max_suppression' op cannot give -1 boxes per class}}
  %y, %n = nn.non_max_suppression %b, %s {max_output = -1 : i64} : (tensor<1x4x4xf32>, tensor<1x2x4xf32>) -> (tensor<4x3xi64>, tensor<i64>)
  return
}

// -----

// The constraints of the records.
func.func @types(%b: tensor<1x4x4xf64>, %s: tensor<1x2x4xf32>) {
  // expected-error @+1 {{'nn.non_max_suppression' op operand #0 must be tensor of 32-bit float values, but got 'tensor<1x4x4xf64>'}}
  %y, %n = nn.non_max_suppression %b, %s {max_output = 2 : i64} : (tensor<1x4x4xf64>, tensor<1x2x4xf32>) -> (tensor<4x3xi64>, tensor<i64>)
  return
}
