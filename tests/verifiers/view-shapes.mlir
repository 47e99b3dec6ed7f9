// RUN: sinter-opt %s -nn-specialise-shapes --split-input-file --verify-diagnostics

func.func @main(%x: tensor<6xf32>) {
  %b = nn.constant dense<[-2, 3]> : tensor<2xi64>
  // expected-error @+1 {{'nn.reshape' op cannot make a dimension of size -2}}
  %y = nn.reshape %x, %b : (tensor<6xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<6xf32>) {
  %b = nn.constant dense<[-1, 2, -1]> : tensor<3xi64>
  // expected-error @+1 {{'nn.reshape' op has more than one -1 in its shape; at most one dimension can be computed}}
  %y = nn.reshape %x, %b : (tensor<6xf32>, tensor<3xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<6xf32>) {
  %b = nn.constant dense<[6, 0]> : tensor<2xi64>
  // expected-error @+1 {{'nn.reshape' op copies dimension 1 of an operand of rank 1}}
  %y = nn.reshape %x, %b : (tensor<6xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<6xf32>) {
  %b = nn.constant dense<[-1, 4]> : tensor<2xi64>
  // expected-error @+1 {{'nn.reshape' op cannot compute the dimension -1: 6 elements do not divide by 4}}
  %y = nn.reshape %x, %b : (tensor<6xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

// What times 0 is 0 is any number.
func.func @main(%x: tensor<0xf32>) {
  %b = nn.constant dense<[0, -1]> : tensor<2xi64>
  // expected-error @+1 {{'nn.reshape' op cannot compute the dimension -1: 0 elements do not divide by 0}}
  %y = nn.reshape %x, %b : (tensor<0xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<6xf32>) {
  %b = nn.constant dense<[2, 4]> : tensor<2xi64>
  // expected-error @+1 {{'nn.reshape' op makes a shape of 8 elements out of 6}}
  %y = nn.reshape %x, %b : (tensor<6xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<6xf32>) {
  %b = nn.constant dense<[0]> : tensor<1xi64>
  // expected-error @+1 {{'nn.reshape' op makes a shape of 0 elements out of 6}}
  %y = nn.reshape %x, %b {allowzero = true} : (tensor<6xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.flatten' op axis 3 is outside [-2, 2]}}
  %y = nn.flatten %x {axis = 3 : i64} : (tensor<2x3xf32>) -> tensor<6x1xf32>
  return
}

// -----

func.func @main(%x: tensor<1x3xf32>) {
  %b = nn.constant dense<1> : tensor<1xi64>
  // expected-error @+1 {{'nn.squeeze' op cannot drop dimension 1 of size 3; only size 1 can be dropped}}
  %y = nn.squeeze %x, %b : (tensor<1x3xf32>, tensor<1xi64>) -> tensor<1xf32>
  return
}

// -----

func.func @main(%x: tensor<1x3xf32>) {
  %b = nn.constant dense<2> : tensor<1xi64>
  // expected-error @+1 {{'nn.squeeze' op axis 2 is outside a tensor of rank 2}}
  %y = nn.squeeze %x, %b : (tensor<1x3xf32>, tensor<1xi64>) -> tensor<1xf32>
  return
}

// -----

func.func @main(%x: tensor<1x3xf32>) {
  %b = nn.constant dense<[0, -2]> : tensor<2xi64>
  // expected-error @+1 {{'nn.squeeze' op names axis 0 twice}}
  %y = nn.squeeze %x, %b : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<1xf32>
  return
}

// -----

// Axes are those of the result, which has three.
func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<3> : tensor<1xi64>
  // expected-error @+1 {{'nn.unsqueeze' op axis 3 is outside a tensor of rank 3}}
  %y = nn.unsqueeze %x, %b : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x3x1xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[0, -4]> : tensor<2xi64>
  // expected-error @+1 {{'nn.unsqueeze' op names axis 0 twice}}
  %y = nn.unsqueeze %x, %b : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<1x1x2x3xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %s = nn.constant dense<[4611686018427387904, 4]> : tensor<2xi64>
  // expected-error @+1 {{'nn.reshape' op makes a shape of more elements than can be counted out of 6}}
  %y = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}
