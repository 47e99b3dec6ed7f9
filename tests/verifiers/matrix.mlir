// RUN: sinter-opt %s --split-input-file --verify-diagnostics

// The constraints of the records: no op converts ...
func.func @element_types(%a: tensor<2x3xf32>, %b: tensor<3x4xf16>) {
  // expected-error @+1 {{'nn.gemm' op requires the same element type for all operands and results}}
  %y = nn.gemm %a, %b : (tensor<2x3xf32>, tensor<3x4xf16>) -> tensor<2x4xf32>
  return
}

// -----

// ... also to the type that sums need.
func.func @result_type(%a: tensor<2x3xi8>, %b: tensor<3x4xi8>) {
  // expected-error @+1 {{'nn.matmul' op requires the same element type for all operands and results}}
  %y = nn.matmul %a, %b : (tensor<2x3xi8>, tensor<3x4xi8>) -> tensor<2x4xi32>
  return
}
