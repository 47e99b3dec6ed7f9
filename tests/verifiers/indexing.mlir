// RUN: sinter-opt %s --split-input-file --verify-diagnostics

func.func @scatter_reduction(%x: tensor<3x5xf32>, %i: tensor<3x2xi64>, %u: tensor<3x2xf32>) {
  // expected-error @+1 {{'nn.scatter_elements' op attribute 'reduction' failed to satisfy constraint: one of none, add, mul, min, max}}
  %y = nn.scatter_elements %x, %i, %u {axis = 1 : i64, reduction = "sum"} : (tensor<3x5xf32>, tensor<3x2xi64>, tensor<3x2xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @scatter_nd_reduction(%x: tensor<4x4xf32>, %i: tensor<2x1xi64>, %u: tensor<2x4xf32>) {
  // expected-error @+1 {{'nn.scatter_nd' op attribute 'reduction' failed to satisfy constraint: one of none, add, mul, min, max}}
  %y = nn.scatter_nd %x, %i, %u {reduction = "replace"} : (tensor<4x4xf32>, tensor<2x1xi64>, tensor<2x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

// Updates are stored as they are.
func.func @scatter_types(%x: tensor<4x4xf32>, %i: tensor<2x1xi64>, %u: tensor<2x4xf16>) {
  // expected-error @+1 {{'nn.scatter_nd' op updates a tensor of 'f32' with 'f16'}}
  %y = nn.scatter_nd %x, %i, %u : (tensor<4x4xf32>, tensor<2x1xi64>, tensor<2x4xf16>) -> tensor<4x4xf32>
  return
}

// -----

func.func @unpool_kernel(%x: tensor<1x1xf32>, %i: tensor<1x1xi64>) {
  // expected-error @+1 {{'nn.max_unpool' op has a kernel of 0 dimensions}}
  %y = nn.max_unpool %x, %i {kernel_shape = array<i64>} : (tensor<1x1xf32>, tensor<1x1xi64>) -> tensor<1x1xf32>
  return
}

// -----

func.func @unpool_strides(%x: tensor<1x1x2x2xf32>, %i: tensor<1x1x2x2xi64>) {
  // expected-error @+1 {{'nn.max_unpool' op needs 2 strides and twice as many pads}}
  %y = nn.max_unpool %x, %i {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2>} : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xi64>) -> tensor<1x1x4x4xf32>
  return
}

// -----

func.func @unpool_pads(%x: tensor<1x1x2x2xf32>, %i: tensor<1x1x2x2xi64>) {
  // expected-error @+1 {{'nn.max_unpool' op needs 2 strides and twice as many pads}}
  %y = nn.max_unpool %x, %i {kernel_shape = array<i64: 2, 2>, pads = array<i64: 0, 0>} : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xi64>) -> tensor<1x1x4x4xf32>
  return
}

// -----

// Products of attributes and sizes are counted in 64 bits.
func.func @unpool_sizes(%x: tensor<1x1x2x2xf32>, %i: tensor<1x1x2x2xi64>) {
  // expected-error @+1 {{'nn.max_unpool' op has a kernel, stride or pad outside 0 to 2^31}}
  %y = nn.max_unpool %x, %i {kernel_shape = array<i64: 2, 2147483648>} : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xi64>) -> tensor<1x1x4x4xf32>
  return
}

// -----

// The constraints of the records: indices are integers of 32 or 64 bits.
func.func @index_type(%x: tensor<4xf32>, %i: tensor<2xf32>) {
  // expected-error @+1 {{'nn.gather' op operand #1 must be tensor of 32-bit signless integer or 64-bit signless integer values, but got 'tensor<2xf32>'}}
  %y = nn.gather %x, %i : (tensor<4xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}
