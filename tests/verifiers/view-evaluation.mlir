// RUN: sinter-opt %s -nn-fold-constants --split-input-file --verify-diagnostics

// The types of a dump may be anything.
func.func @main() {
  %a = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  // expected-error @+1 {{'nn.flatten' op makes 'tensor<2x2xf32>' of the values of its operands, not 'tensor<2x3xf32>'}}
  %y = nn.flatten %a : (tensor<2x2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main() {
  %a = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = nn.constant dense<4> : tensor<1xi64>
  // expected-error @+1 {{'nn.reshape' op makes 'tensor<4xf32>' of the values of its operands, not 'tensor<2x2xf32>'}}
  %y = nn.reshape %a, %b : (tensor<2x2xf32>, tensor<1xi64>) -> tensor<2x2xf32>
  return
}
