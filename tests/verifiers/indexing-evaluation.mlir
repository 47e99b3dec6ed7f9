// RUN: sinter-opt %s -nn-fold-constants --split-input-file --verify-diagnostics

// Indices that are known are checked where they are folded, before code clamps them.
func.func @main() {
  %a = nn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %b = nn.constant dense<[0, 3]> : tensor<2xi64>
  // expected-error @+1 {{'nn.gather' op index 3 is outside a dimension of size 3}}
  %y = nn.gather %a, %b : (tensor<3xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @main() {
  %a = nn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %b = nn.constant dense<[0, -4]> : tensor<2xi64>
  // expected-error @+1 {{'nn.gather_elements' op index -4 is outside a dimension of size 3}}
  %y = nn.gather_elements %a, %b : (tensor<3xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @main() {
  %a = nn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %b = nn.constant dense<[[0], [3]]> : tensor<2x1xi64>
  // expected-error @+1 {{'nn.gather_nd' op index 3 is outside a dimension of size 3}}
  %y = nn.gather_nd %a, %b : (tensor<3xf32>, tensor<2x1xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @main() {
  %a = nn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %b = nn.constant dense<[0, 3]> : tensor<2xi64>
  %c = nn.constant dense<[5.0, 6.0]> : tensor<2xf32>
  // expected-error @+1 {{'nn.scatter_elements' op index 3 or its place is outside the data}}
  %y = nn.scatter_elements %a, %b, %c : (tensor<3xf32>, tensor<2xi64>, tensor<2xf32>) -> tensor<3xf32>
  return
}

// -----

// Beside the axis an update lies where its index lies: the second row of data that has one.
func.func @main() {
  %a = nn.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  %b = nn.constant dense<[[0], [1]]> : tensor<2x1xi64>
  %c = nn.constant dense<[[5.0], [6.0]]> : tensor<2x1xf32>
  // expected-error @+1 {{'nn.scatter_elements' op index 1 or its place is outside the data}}
  %y = nn.scatter_elements %a, %b, %c {axis = 1 : i64} : (tensor<1x3xf32>, tensor<2x1xi64>, tensor<2x1xf32>) -> tensor<1x3xf32>
  return
}

// -----

func.func @main() {
  %a = nn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %b = nn.constant dense<[[0], [-4]]> : tensor<2x1xi64>
  %c = nn.constant dense<[5.0, 6.0]> : tensor<2xf32>
  // expected-error @+1 {{'nn.scatter_nd' op index -4 is outside a dimension of size 3}}
  %y = nn.scatter_nd %a, %b, %c : (tensor<3xf32>, tensor<2x1xi64>, tensor<2xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @main() {
  %a = nn.constant dense<[0, 2]> : tensor<2xi64>
  %b = nn.constant dense<3> : tensor<i64>
  %c = nn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  // expected-error @+1 {{'nn.one_hot' op needs two values (off, on), not 'tensor<3xf32>'}}
  %y = nn.one_hot %a, %b, %c : (tensor<2xi64>, tensor<i64>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// A pool of 4 elements.
func.func @main() {
  %a = nn.constant dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  %b = nn.constant dense<[[[0, 4]]]> : tensor<1x1x2xi64>
  // expected-error @+1 {{'nn.max_unpool' op index 4 is outside the 4 positions of the pool's input}}
  %y = nn.max_unpool %a, %b {kernel_shape = array<i64: 2>, strides = array<i64: 2>} : (tensor<1x1x2xf32>, tensor<1x1x2xi64>) -> tensor<1x1x4xf32>
  return
}

// -----

// The last of 4 positions does not lie in 3.
func.func @main() {
  %a = nn.constant dense<[[[1.0, 2.0]]]> : tensor<1x1x2xf32>
  %b = nn.constant dense<[[[0, 3]]]> : tensor<1x1x2xi64>
  %c = nn.constant dense<[1, 1, 3]> : tensor<3xi64>
  // expected-error @+1 {{'nn.max_unpool' op index 3 is outside the output shape}}
  %y = nn.max_unpool %a, %b, %c {kernel_shape = array<i64: 2>, strides = array<i64: 2>} : (tensor<1x1x2xf32>, tensor<1x1x2xi64>, tensor<3xi64>) -> tensor<1x1x3xf32>
  return
}

// -----

// The output shape is given; what indices count in has (2^31)^2 elements.
func.func @main() {
  %a = nn.constant dense<1.0> : tensor<1x1x1x1xf32>
  %b = nn.constant dense<0> : tensor<1x1x1x1xi64>
  %c = nn.constant dense<[1, 1, 2, 2]> : tensor<4xi64>
  // expected-error @+1 {{'nn.max_unpool' op has an operand of unknown shape, or a pool of more elements than can be counted}}
  %y = nn.max_unpool %a, %b, %c {kernel_shape = array<i64: 2147483647, 2147483647>} : (tensor<1x1x1x1xf32>, tensor<1x1x1x1xi64>, tensor<4xi64>) -> tensor<1x1x2x2xf32>
  return
}
