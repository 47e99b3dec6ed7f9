// RUN: sinter-opt %s -nn-fold-constants --split-input-file --verify-diagnostics

// The types of a dump may be anything.
func.func @main() {
  %a = nn.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = nn.constant dense<0> : tensor<1xi64>
  // expected-error @+1 {{'nn.reduce_sum' op makes 'tensor<1x2xf32>' of the values of its operands, not 'tensor<2x1xf32>'}}
  %y = nn.reduce_sum %a, %b : (tensor<2x2xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  return
}
