// RUN: sinter-opt %s -nn-specialise-shapes --split-input-file --verify-diagnostics

func.func @main(%x: tensor<4x5xf32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{'nn.gather' op axis 2 is outside a tensor of rank 2}}
  %y = nn.gather %x, %i {axis = 2 : i64} : (tensor<4x5xf32>, tensor<2xi64>) -> tensor<4x2xf32>
  return
}

// -----

// Slices of rank 40 at indices of rank 40.
func.func @main(%x: tensor<1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1xf32>, %i: tensor<1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1xi64>) {
  // expected-error @+1 {{'nn.gather' op makes a tensor of rank 79; the limit is 64}}
  %y = nn.gather %x, %i : (tensor<1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1xf32>, tensor<1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1xi64>) -> tensor<*xf32>
  return
}

// -----

func.func @main(%x: tensor<3x5xf32>, %i: tensor<3x2xi64>) {
  // expected-error @+1 {{'nn.gather_elements' op axis -3 is outside a tensor of rank 2}}
  %y = nn.gather_elements %x, %i {axis = -3 : i64} : (tensor<3x5xf32>, tensor<3x2xi64>) -> tensor<3x2xf32>
  return
}

// -----

func.func @main(%x: tensor<3x5xf32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{'nn.gather_elements' op needs data and indices of one rank, not 'tensor<3x5xf32>' and 'tensor<2xi64>'}}
  %y = nn.gather_elements %x, %i : (tensor<3x5xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

// Beside the axis an index says where it reads by where it is.
func.func @main(%x: tensor<3x5xf32>, %i: tensor<4x2xi64>) {
  // expected-error @+1 {{'nn.gather_elements' op indices exceed data in dimension 0: 'tensor<4x2xi64>' over 'tensor<3x5xf32>'}}
  %y = nn.gather_elements %x, %i {axis = 1 : i64} : (tensor<3x5xf32>, tensor<4x2xi64>) -> tensor<4x2xf32>
  return
}

// -----

func.func @main(%x: tensor<3x5xf32>, %i: tensor<3x1xi64>) {
  // expected-error @+1 {{'nn.gather_nd' op has 2 batch dimensions; both operands must have more dimensions than that}}
  %y = nn.gather_nd %x, %i {batch_dims = 2 : i64} : (tensor<3x5xf32>, tensor<3x1xi64>) -> tensor<3xf32>
  return
}

// -----

func.func @main(%x: tensor<3x5xf32>, %i: tensor<3x1xi64>) {
  // expected-error @+1 {{'nn.gather_nd' op has -1 batch dimensions; both operands must have more dimensions than that}}
  %y = nn.gather_nd %x, %i {batch_dims = -1 : i64} : (tensor<3x5xf32>, tensor<3x1xi64>) -> tensor<3xf32>
  return
}

// -----

func.func @main(%x: tensor<3x5xf32>, %i: tensor<4x1xi64>) {
  // expected-error @+1 {{'nn.gather_nd' op has batch dimensions that differ: 'tensor<3x5xf32>' and 'tensor<4x1xi64>'}}
  %y = nn.gather_nd %x, %i {batch_dims = 1 : i64} : (tensor<3x5xf32>, tensor<4x1xi64>) -> tensor<4xf32>
  return
}

// -----

// A batch dimension has its index already.
func.func @main(%x: tensor<3x5xf32>, %i: tensor<3x2xi64>) {
  // expected-error @+1 {{'nn.gather_nd' op has index tuples of 2 for 1 dimensions}}
  %y = nn.gather_nd %x, %i {batch_dims = 1 : i64} : (tensor<3x5xf32>, tensor<3x2xi64>) -> tensor<3xf32>
  return
}

// -----

func.func @main(%x: tensor<3x5xf32>, %i: tensor<3x2xi64>, %u: tensor<3x2xf32>) {
  // expected-error @+1 {{'nn.scatter_elements' op axis 2 is outside a tensor of rank 2}}
  %y = nn.scatter_elements %x, %i, %u {axis = 2 : i64} : (tensor<3x5xf32>, tensor<3x2xi64>, tensor<3x2xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @main(%x: tensor<3x5xf32>, %i: tensor<3xi64>, %u: tensor<3xf32>) {
  // expected-error @+1 {{'nn.scatter_elements' op needs data and indices of one rank, not 'tensor<3x5xf32>' and 'tensor<3xi64>'}}
  %y = nn.scatter_elements %x, %i, %u : (tensor<3x5xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @main(%x: tensor<3x5xf32>, %i: tensor<3x2xi64>, %u: tensor<3x1xf32>) {
  // expected-error @+1 {{'nn.scatter_elements' op needs one update per index, not 'tensor<3x1xf32>' for 'tensor<3x2xi64>'}}
  %y = nn.scatter_elements %x, %i, %u : (tensor<3x5xf32>, tensor<3x2xi64>, tensor<3x1xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @main(%x: tensor<4x4xf32>, %i: tensor<i64>, %u: tensor<4xf32>) {
  // expected-error @+1 {{'nn.scatter_nd' op needs index tuples, not a scalar}}
  %y = nn.scatter_nd %x, %i, %u : (tensor<4x4xf32>, tensor<i64>, tensor<4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @main(%x: tensor<4x4xf32>, %i: tensor<2x3xi64>, %u: tensor<2xf32>) {
  // expected-error @+1 {{'nn.scatter_nd' op has index tuples of 3 for 2 dimensions}}
  %y = nn.scatter_nd %x, %i, %u : (tensor<4x4xf32>, tensor<2x3xi64>, tensor<2xf32>) -> tensor<4x4xf32>
  return
}

// -----

// Each of two tuples names a row of four.
func.func @main(%x: tensor<4x4xf32>, %i: tensor<2x1xi64>, %u: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.scatter_nd' op needs updates of shape 2x4, not 'tensor<2x3xf32>'}}
  %y = nn.scatter_nd %x, %i, %u : (tensor<4x4xf32>, tensor<2x1xi64>, tensor<2x3xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @main(%i: tensor<4xi64>, %v: tensor<2xf32>) {
  %b = nn.constant dense<10> : tensor<i64>
  // expected-error @+1 {{'nn.one_hot' op axis 3 is outside a tensor of rank 2}}
  %y = nn.one_hot %i, %b, %v {axis = 3 : i64} : (tensor<4xi64>, tensor<i64>, tensor<2xf32>) -> tensor<4x10xf32>
  return
}

// -----

func.func @main(%i: tensor<4xi64>, %v: tensor<2xf32>) {
  %b = nn.constant dense<[10, 11]> : tensor<2xi64>
  // expected-error @+1 {{'nn.one_hot' op needs one depth, not 2}}
  %y = nn.one_hot %i, %b, %v : (tensor<4xi64>, tensor<2xi64>, tensor<2xf32>) -> tensor<4x10xf32>
  return
}

// -----

func.func @main(%i: tensor<4xi64>, %v: tensor<2xf32>) {
  %b = nn.constant dense<-10> : tensor<i64>
  // expected-error @+1 {{'nn.one_hot' op makes a dimension of negative size -10}}
  %y = nn.one_hot %i, %b, %v : (tensor<4xi64>, tensor<i64>, tensor<2xf32>) -> tensor<4x10xf32>
  return
}

// -----

func.func @main(%x: tensor<1x1x2xf32>, %i: tensor<1x1x2xi64>) {
  // expected-error @+1 {{'nn.max_unpool' op has a kernel of 2 dimensions for 'tensor<1x1x2xf32>'}}
  %y = nn.max_unpool %x, %i {kernel_shape = array<i64: 2, 2>} : (tensor<1x1x2xf32>, tensor<1x1x2xi64>) -> tensor<1x1x4xf32>
  return
}

// -----

// (2 - 1)*1 + 2 elements, without 4.
func.func @main(%x: tensor<1x1x2xf32>, %i: tensor<1x1x2xi64>) {
  // expected-error @+1 {{'nn.max_unpool' op has pads that leave nothing, or a size that cannot be counted, in dimension 2}}
  %y = nn.max_unpool %x, %i {kernel_shape = array<i64: 2>, pads = array<i64: 2, 2>} : (tensor<1x1x2xf32>, tensor<1x1x2xi64>) -> tensor<1x1x4xf32>
  return
}

// -----

// 2^40 elements, 2^31 - 1 apart. The tensor has none of them, as its batch is empty.
func.func @main(%x: tensor<0x1x1099511627776xf32>, %i: tensor<0x1x1099511627776xi64>) {
  // expected-error @+1 {{'nn.max_unpool' op has pads that leave nothing, or a size that cannot be counted, in dimension 2}}
  %y = nn.max_unpool %x, %i {kernel_shape = array<i64: 2>, strides = array<i64: 2147483647>} : (tensor<0x1x1099511627776xf32>, tensor<0x1x1099511627776xi64>) -> tensor<0x1x4xf32>
  return
}

// -----

func.func @main(%x: tensor<1x1x2xf32>, %i: tensor<1x1x3xi64>) {
  // expected-error @+1 {{'nn.max_unpool' op needs one index per element, not 'tensor<1x1x3xi64>' for 'tensor<1x1x2xf32>'}}
  %y = nn.max_unpool %x, %i {kernel_shape = array<i64: 2>} : (tensor<1x1x2xf32>, tensor<1x1x3xi64>) -> tensor<1x1x3xf32>
  return
}

// -----

func.func @main(%x: tensor<1x1x2xf32>, %i: tensor<1x1x2xi64>) {
  %c = nn.constant dense<4> : tensor<1xi64>
  // expected-error @+1 {{'nn.max_unpool' op has an output shape of 1 dimensions for 'tensor<1x1x2xf32>'}}
  %y = nn.max_unpool %x, %i, %c {kernel_shape = array<i64: 2>} : (tensor<1x1x2xf32>, tensor<1x1x2xi64>, tensor<1xi64>) -> tensor<1x1x4xf32>
  return
}

// -----

func.func @main(%x: tensor<2x9xf32>) {
  %b = nn.constant dense<3> : tensor<1xi64>
  // expected-error @+1 {{'nn.top_k' op axis 2 is outside a tensor of rank 2}}
  %y, %z = nn.top_k %x, %b {axis = 2 : i64} : (tensor<2x9xf32>, tensor<1xi64>) -> (tensor<2x3xf32>, tensor<2x3xi64>)
  return
}

// -----

func.func @main(%x: tensor<2x9xf32>) {
  %b = nn.constant dense<3> : tensor<2xi64>
  // expected-error @+1 {{'nn.top_k' op needs one k, not 2}}
  %y, %z = nn.top_k %x, %b : (tensor<2x9xf32>, tensor<2xi64>) -> (tensor<2x3xf32>, tensor<2x3xi64>)
  return
}

// -----

func.func @main(%x: tensor<2x9xf32>) {
  %b = nn.constant dense<10> : tensor<1xi64>
  // expected-error @+1 {{'nn.top_k' op cannot take 10 of 9 elements along axis 1}}
  %y, %z = nn.top_k %x, %b : (tensor<2x9xf32>, tensor<1xi64>) -> (tensor<2x10xf32>, tensor<2x10xi64>)
  return
}

// -----

func.func @main(%x: tensor<2x9xf32>) {
  %b = nn.constant dense<-1> : tensor<1xi64>
  // expected-error @+1 {{'nn.top_k' op cannot take -1 of 9 elements along axis 1}}
  %y, %z = nn.top_k %x, %b : (tensor<2x9xf32>, tensor<1xi64>) -> (tensor<2x9xf32>, tensor<2x9xi64>)
  return
}

// -----

func.func @main(%x: tensor<2x9xf32>) {
  %b = nn.constant dense<[0, 1]> : tensor<2xi64>
  // expected-error @+1 {{'nn.cum_sum' op needs one axis, not 2}}
  %y = nn.cum_sum %x, %b : (tensor<2x9xf32>, tensor<2xi64>) -> tensor<2x9xf32>
  return
}

// -----

func.func @main(%x: tensor<2x9xf32>) {
  %b = nn.constant dense<2> : tensor<i64>
  // expected-error @+1 {{'nn.cum_sum' op axis 2 is outside a tensor of rank 2}}
  %y = nn.cum_sum %x, %b : (tensor<2x9xf32>, tensor<i64>) -> tensor<2x9xf32>
  return
}

// -----

// Generated code reads both values.
func.func @main(%i: tensor<3xi64>, %v: tensor<1xf32>) {
  %d = nn.constant dense<4> : tensor<i64>
  // expected-error @+1 {{'nn.one_hot' op needs two values (off, on), not 'tensor<1xf32>'}}
  %y = nn.one_hot %i, %d, %v : (tensor<3xi64>, tensor<i64>, tensor<1xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @main(%x: tensor<3x4xf32>, %a: tensor<2xi64>) {
  // expected-error @+1 {{'nn.cum_sum' op needs one axis, not 2}}
  %y = nn.cum_sum %x, %a : (tensor<3x4xf32>, tensor<2xi64>) -> tensor<3x4xf32>
  return
}
