// RUN: sinter-opt %s -nn-specialise-shapes --split-input-file --verify-diagnostics

func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[0, 2]> : tensor<2xi64>
  // expected-error @+1 {{'nn.reduce_sum' op cannot reduce a tensor of rank 2 over axes [0, 2]: each must be in range and listed once}}
  %y = nn.reduce_sum %x, %b : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<1x1xf32>
  return
}

// -----

// -1 is 1.
func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[1, -1]> : tensor<2xi64>
  // expected-error @+1 {{'nn.reduce_mean' op cannot reduce a tensor of rank 2 over axes [1, -1]: each must be in range and listed once}}
  %y = nn.reduce_mean %x, %b : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x1xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.arg_min' op cannot reduce a tensor of rank 2 over axes [2]: each must be in range and listed once}}
  %y = nn.arg_min %x {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<1x3xi64>
  return
}

// -----

// A sum of nothing is 0; the place of the largest of nothing is none.
func.func @main(%x: tensor<2x0xf32>) {
  // expected-error @+1 {{'nn.arg_max' op asks for an index along axis 1 of 'tensor<2x0xf32>', which has no elements}}
  %y = nn.arg_max %x {axis = 1 : i64} : (tensor<2x0xf32>) -> tensor<2x1xi64>
  return
}
