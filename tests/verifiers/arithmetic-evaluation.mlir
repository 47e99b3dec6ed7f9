// RUN: sinter-opt %s -nn-fold-constants --split-input-file --verify-diagnostics

// Only evaluation sees that the branch that is taken has another shape than what reads it. A condition that is no scalar counts as false.
func.func @main() -> tensor<2xf32> {
  %c = nn.constant dense<[true, false]> : tensor<2xi1>
  %a = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = nn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  // expected-error @+1 {{'nn.select' op needs a scalar condition, got 'tensor<2xi1>'}}
  %y = nn.select %c, %a, %b : (tensor<2xi1>, tensor<2xf32>, tensor<3xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

// Evaluations store as many elements as operands make.
func.func @main() -> tensor<1xf32> {
  %a = nn.constant dense<1.0> : tensor<100000xf32>
  // expected-error @+1 {{'nn.relu' op makes 'tensor<100000xf32>' of the values of its operands, not 'tensor<1xf32>'}}
  %y = nn.relu %a : (tensor<100000xf32>) -> tensor<1xf32>
  return %y : tensor<1xf32>
}
