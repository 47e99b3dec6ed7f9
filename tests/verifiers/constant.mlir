// RUN: sinter-opt %s --split-input-file --verify-diagnostics

// One value fills the tensor.
func.func @constant_of_shape(%shape: tensor<2xi64>) {
  // expected-error @+1 {{'nn.constant_of_shape' op needs one value, not 'tensor<2xf32>'}}
  %y = nn.constant_of_shape %shape {value = dense<1.0> : tensor<2xf32>} : (tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @eye_like(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{'nn.eye_like' op cannot make a tensor of 'index'}}
  %y = nn.eye_like %x {dtype = index} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  return
}

// -----

// The constraints of the records: what a model computes with ...
func.func @element() {
  // expected-error @+1 {{'nn.constant' op result #0 must be tensor of number or bool values, but got 'tensor<2xindex>'}}
  %y = nn.constant dense<1> : tensor<2xindex>
  return
}

// -----

// ... in a tensor ...
func.func @vector() {
  // expected-error @+1 {{'nn.constant' op result #0 must be tensor of number or bool values, but got 'vector<2xf32>'}}
  %y = nn.constant dense<1.0> : vector<2xf32>
  return
}

// -----

// ... and shapes are integers.
func.func @shape(%shape: tensor<2xf32>) {
  // expected-error @+1 {{'nn.constant_of_shape' op operand #0 must be tensor of 32-bit signless integer or 64-bit signless integer values, but got 'tensor<2xf32>'}}
  %y = nn.constant_of_shape %shape {value = dense<1.0> : tensor<1xf32>} : (tensor<2xf32>) -> tensor<?x?xf32>
  return
}

// -----

// A tensor of indices is none that a model has.
func.func @index(%shape: tensor<2xi64>) {
  // expected-error @+1 {{'nn.constant_of_shape' op needs as its value a tensor of a known element type, not 'tensor<1xindex>'}}
  %y = nn.constant_of_shape %shape {value = dense<1> : tensor<1xindex>} : (tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @vector(%shape: tensor<2xi64>) {
  // expected-error @+1 {{'nn.constant_of_shape' op needs as its value a tensor of a known element type, not 'vector<1xf32>'}}
  %y = nn.constant_of_shape %shape {value = dense<1.0> : vector<1xf32>} : (tensor<2xi64>) -> tensor<?x?xf32>
  return
}
