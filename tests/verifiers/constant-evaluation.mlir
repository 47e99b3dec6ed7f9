// RUN: sinter-opt %s -nn-fold-constants --split-input-file --verify-diagnostics

// A dump without weights.
func.func @main() -> tensor<2xf32> {
  %shape = nn.constant dense<2> : tensor<1xi64>
  // expected-error @+1 {{'nn.constant_of_shape' op has a value without data}}
  %y = nn.constant_of_shape %shape {value = dense_resource<elided> : tensor<1xf32>} : (tensor<1xi64>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

// The types of a dump may be anything: here operands make another one.
func.func @main() -> tensor<3xf32> {
  %shape = nn.constant dense<2> : tensor<1xi64>
  // expected-error @+1 {{'nn.constant_of_shape' op makes 'tensor<2xf32>' of the values of its operands, not 'tensor<3xf32>'}}
  %y = nn.constant_of_shape %shape {value = dense<1.0> : tensor<1xf32>} : (tensor<1xi64>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// -----

// The shape of an operand that is no constant is known, too.
func.func @main(%x: tensor<2x3xf32>) -> tensor<3xi64> {
  // expected-error @+1 {{'nn.shape' op makes 'tensor<2xi64>' of the values of its operands, not 'tensor<3xi64>'}}
  %y = nn.shape %x : (tensor<2x3xf32>) -> tensor<3xi64>
  return %y : tensor<3xi64>
}

// -----

func.func @main() -> tensor<3xi64> {
  %s = nn.constant dense<0> : tensor<i64>
  %l = nn.constant dense<7> : tensor<i64>
  %d = nn.constant dense<2> : tensor<i64>
  // expected-error @+1 {{'nn.range' op makes 'tensor<4xi64>' of the values of its operands, not 'tensor<3xi64>'}}
  %y = nn.range %s, %l, %d : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<3xi64>
  return %y : tensor<3xi64>
}
