// RUN: sinter-opt %s -nn-fold-constants --split-input-file --verify-diagnostics

// The types of a dump may be anything: what `to` says and what the result is are two.
func.func @main() -> tensor<2xi64> {
  %x = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  // expected-error @+1 {{'nn.bit_cast' op makes 'tensor<2xi32>' of the values of its operands, not 'tensor<2xi64>'}}
  %y = nn.bit_cast %x {to = i32} : (tensor<2xf32>) -> tensor<2xi64>
  return %y : tensor<2xi64>
}
