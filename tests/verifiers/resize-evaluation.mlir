// RUN: sinter-opt %s -nn-fold-constants --split-input-file --verify-diagnostics

// The types of a dump may be anything.
func.func @main() {
  %x = nn.constant dense<1.0> : tensor<1x4xf32>
  %s = nn.constant dense<[1, 8]> : tensor<2xi64>
  // expected-error @+1 {{'nn.resize' op makes 'tensor<1x8xf32>' of the values of its operands, not 'tensor<1x6xf32>'}}
  %y = nn.resize %x, %s {operandSegmentSizes = array<i32: 1, 0, 0, 1>} : (tensor<1x4xf32>, tensor<2xi64>) -> tensor<1x6xf32>
  return
}

// -----

func.func @main() {
  %x = nn.constant dense<1.0> : tensor<1x4xf32>
  %s = nn.constant dense<[1, 8, 8]> : tensor<3xi64>
  // expected-error @+1 {{'nn.resize' op needs a scale or size for each of 2 axes, and a start and an end in roi}}
  %y = nn.resize %x, %s {operandSegmentSizes = array<i32: 1, 0, 0, 1>} : (tensor<1x4xf32>, tensor<3xi64>) -> tensor<1x8xf32>
  return
}
