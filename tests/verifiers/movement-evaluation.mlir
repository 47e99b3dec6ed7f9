// RUN: sinter-opt %s -nn-fold-constants --split-input-file --verify-diagnostics

// The types of a dump may be anything.
func.func @main() {
  %a = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  // expected-error @+1 {{'nn.transpose' op makes 'tensor<2x2xf32>' of the values of its operands, not 'tensor<2x3xf32>'}}
  %y = nn.transpose %a : (tensor<2x2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main() {
  %a = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  // expected-error @+1 {{'nn.trilu' op makes 'tensor<2x2xf32>' of the values of its operands, not 'tensor<2x3xf32>'}}
  %y = nn.trilu %a : (tensor<2x2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main() {
  %a = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = nn.constant dense<[0, 1]> : tensor<2xi64>
  // expected-error @+1 {{'nn.trilu' op needs one k, not 2}}
  %y = nn.trilu %a, %b : (tensor<2x2xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  return
}
