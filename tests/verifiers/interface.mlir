// RUN: sinter-opt %s --split-input-file --verify-diagnostics

// Tables and analyses read these attributes as they are.

// expected-error @+1 {{input 0: nn.name needs a string}}
func.func @name(%x: tensor<4xf32> {nn.name = 5 : i64}) {
  return
}

// -----

// expected-error @+1 {{output 0: nn.name needs a string}}
func.func @outputName(%x: tensor<4xf32>) -> (tensor<4xf32> {nn.name}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{input 1: nn.dims needs a list of strings, one for each dimension}}
func.func @dims(%w: tensor<4xf32>, %x: tensor<4x?xf32> {nn.dims = ["batch"]}) {
  return
}

// -----

// Eight bytes are not eight floats.
// expected-error @+1 {{input 0: nn.default needs a tensor of the input's type}}
func.func @defaultOfAnotherElement(%x: tensor<8xf32> {nn.default = dense<1> : tensor<8xi8>}) {
  return
}

// -----

// expected-error @+1 {{input 0: nn.default needs a tensor of the input's type}}
func.func @defaultOfAnotherShape(%x: tensor<8xf32> {nn.default = dense<1.0> : tensor<4xf32>}) {
  return
}

// -----

// expected-error @+1 {{input 0: nn.value needs a tensor of the input's type}}
func.func @value(%x: tensor<?xi64> {nn.value = dense<1> : tensor<2x2xi64>}) {
  return
}

// -----

// No number is within: every activation of it could go.
// expected-error @+1 {{input 0: nn.range needs two finite bounds, the lower one first}}
func.func @emptyRange(%x: tensor<8xf32> {nn.range = array<f64: 5.0, 1.0>}) {
  return
}

// -----

// expected-error @+1 {{input 0: nn.range needs two finite bounds, the lower one first}}
func.func @halfARange(%x: tensor<8xf32> {nn.range = array<f64: 1.0>}) {
  return
}

// -----

// expected-error @+1 {{input 0: nn.range needs two finite bounds, the lower one first}}
func.func @rangeOfNothing(%x: tensor<8xf32> {nn.range = array<f64: 0x7FF8000000000000, 1.0>}) {
  return
}

// -----

// expected-error @+1 {{output 0: nn.bound needs an axis of the output and the number of an output that is marked nn.count}}
func.func @boundByNothing(%x: tensor<4xf32>) -> (tensor<4xf32> {nn.bound = array<i64: 0, 99>}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{output 1: nn.bound needs an axis of the output and the number of an output that is marked nn.count}}
func.func @boundAlongNothing(%n: tensor<i64>, %x: tensor<4xf32>) -> (tensor<i64> {nn.count}, tensor<4xf32> {nn.bound = array<i64: 1, 0>}) {
  return %n, %x : tensor<i64>, tensor<4xf32>
}

// -----

// expected-error @+1 {{output 0: nn.count needs to come first, and to be one number of type i64}}
func.func @countOfFloats(%x: tensor<4xf32>) -> (tensor<4xf32> {nn.count}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{output 1: nn.count needs to come first, and to be one number of type i64}}
func.func @countBehind(%x: tensor<4xf32>, %n: tensor<i64>) -> (tensor<4xf32>, tensor<i64> {nn.count}) {
  return %x, %n : tensor<4xf32>, tensor<i64>
}
