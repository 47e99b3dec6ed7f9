// RUN: sinter-opt %s --split-input-file --verify-diagnostics

func.func @kernel(%x: tensor<1x2x8x8xf32>) {
  // expected-error @+1 {{'nn.max_pool' op kernel_shape has the entry 0, expected 1 to 2^31-1}}
  %y = nn.max_pool %x {kernel_shape = array<i64: 0, 3>} : (tensor<1x2x8x8xf32>) -> tensor<1x2x6x6xf32>
  return
}

// -----

func.func @strides(%x: tensor<1x2x8x8xf32>) {
  // expected-error @+1 {{'nn.max_pool' op kernel_shape has 2 entries, expected 3}}
  %y = nn.max_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 1, 1, 1>} : (tensor<1x2x8x8xf32>) -> tensor<1x2x6x6xf32>
  return
}

// -----

func.func @pads(%x: tensor<1x2x8x8xf32>) {
  // expected-error @+1 {{'nn.average_pool' op pads has 2 entries, expected 4}}
  %y = nn.average_pool %x {kernel_shape = array<i64: 3, 3>, pads = array<i64: 1, 1>} : (tensor<1x2x8x8xf32>) -> tensor<1x2x6x6xf32>
  return
}

// -----

func.func @auto_pad(%x: tensor<1x2x8x8xf32>) {
  // expected-error @+1 {{'nn.max_pool_indices' op attribute 'auto_pad' failed to satisfy constraint: one of NOTSET, SAME_UPPER, SAME_LOWER, VALID}}
  %y, %i = nn.max_pool_indices %x {kernel_shape = array<i64: 3, 3>, auto_pad = "same_upper"} : (tensor<1x2x8x8xf32>) -> (tensor<1x2x6x6xf32>, tensor<1x2x6x6xi64>)
  return
}

// -----

// The root of order 0 is none.
func.func @power(%x: tensor<1x2x8x8xf32>) {
  // expected-error @+1 {{'nn.lp_pool' op p is 0, expected at least 1}}
  %y = nn.lp_pool %x {kernel_shape = array<i64: 3, 3>, p = 0 : i64} : (tensor<1x2x8x8xf32>) -> tensor<1x2x6x6xf32>
  return
}

// -----

func.func @global_power(%x: tensor<1x2x8x8xf32>) {
  // expected-error @+1 {{'nn.global_lp_pool' op p is -1, expected at least 1}}
  %y = nn.global_lp_pool %x {p = -1 : i64} : (tensor<1x2x8x8xf32>) -> tensor<1x2x1x1xf32>
  return
}

// -----

// The constraints of the records.
func.func @bools(%x: tensor<1x2x8x8xi1>) {
  // expected-error @+1 {{'nn.max_pool' op operand #0 must be tensor of number values, but got 'tensor<1x2x8x8xi1>'}}
  %y = nn.max_pool %x {kernel_shape = array<i64: 3, 3>} : (tensor<1x2x8x8xi1>) -> tensor<1x2x6x6xi1>
  return
}
