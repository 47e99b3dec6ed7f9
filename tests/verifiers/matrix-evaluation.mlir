// RUN: sinter-opt %s -nn-fold-constants --split-input-file --verify-diagnostics

// Constants are multiplied without a look at what shape inference says.
func.func @main() {
  %a = nn.constant dense<1.0> : tensor<2x3xf32>
  %b = nn.constant dense<2.0> : tensor<4x2xf32>
  // expected-error @+1 {{'nn.matmul' op the inner dimensions of 'tensor<2x3xf32>' and 'tensor<4x2xf32>' differ}}
  %y = nn.matmul %a, %b : (tensor<2x3xf32>, tensor<4x2xf32>) -> tensor<2x2xf32>
  return
}
