// RUN: sinter-opt %s --split-input-file --verify-diagnostics

func.func @perm_rank(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.transpose' op permutes 65 dimensions; the limit is 64}}
  %y = nn.transpose %x {perm = array<i64: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return
}

// -----

func.func @perm_twice(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.transpose' op perm is not a permutation of 0 to 1}}
  %y = nn.transpose %x {perm = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return
}

// -----

// Negative axes are not counted from the end here.
func.func @perm_range(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.transpose' op perm is not a permutation of 0 to 1}}
  %y = nn.transpose %x {perm = array<i64: 0, -1>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return
}

// -----

// The type of nothing is unknown.
func.func @join_nothing() {
  // expected-error @+1 {{'nn.concat' op joins nothing; it needs at least one operand}}
  %y = nn.concat {axis = 0 : i64} : () -> tensor<0xf32>
  return
}

// -----

func.func @join_types(%x: tensor<2x3xf32>, %b: tensor<2x3xf16>) {
  // expected-error @+1 {{'nn.concat' op joins different element types: 'f32' and 'f16'}}
  %y = nn.concat %x, %b {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf16>) -> tensor<4x3xf32>
  return
}

// -----

func.func @block_size(%x: tensor<1x4x4x4xf32>) {
  // expected-error @+1 {{'nn.space_to_depth' op has block size 0; it must be in 1 to 2^20}}
  %y = nn.space_to_depth %x {blocksize = 0 : i64} : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  return
}

// -----

// The square of a block size is counted in 64 bits.
func.func @large_block(%x: tensor<1x4x4x4xf32>) {
  // expected-error @+1 {{'nn.depth_to_space' op has block size 1048577; it must be in 1 to 2^20}}
  %y = nn.depth_to_space %x {blocksize = 1048577 : i64} : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  return
}

// -----

func.func @mode(%x: tensor<1x4x4x4xf32>) {
  // expected-error @+1 {{'nn.depth_to_space' op attribute 'mode' failed to satisfy constraint: one of DCR, CRD}}
  %y = nn.depth_to_space %x {blocksize = 2 : i64, mode = "dcr"} : (tensor<1x4x4x4xf32>) -> tensor<1x1x8x8xf32>
  return
}

// -----

func.func @pad_mode(%x: tensor<2x3xf32>, %p: tensor<4xi64>) {
  // expected-error @+1 {{'nn.pad' op attribute 'mode' failed to satisfy constraint: one of constant, reflect, edge, wrap}}
  %y = nn.pad %x, %p {mode = "symmetric", operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<?x?xf32>
  return
}

// -----

// The fill value is stored as it is.
func.func @pad_type(%x: tensor<2x3xf32>, %p: tensor<4xi64>, %v: tensor<f16>) {
  // expected-error @+1 {{'nn.pad' op fills a tensor of 'f32' with a 'f16'}}
  %y = nn.pad %x, %p, %v {operandSegmentSizes = array<i32: 1, 1, 1, 0>} : (tensor<2x3xf32>, tensor<4xi64>, tensor<f16>) -> tensor<?x?xf32>
  return
}

// -----

func.func @pad_value(%x: tensor<2x3xf32>, %p: tensor<4xi64>, %v: tensor<2xf32>) {
  // expected-error @+1 {{'nn.pad' op needs one fill value, not 'tensor<2xf32>'}}
  %y = nn.pad %x, %p, %v {operandSegmentSizes = array<i32: 1, 1, 1, 0>} : (tensor<2x3xf32>, tensor<4xi64>, tensor<2xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @triangle(%x: tensor<3xf32>) {
  // expected-error @+1 {{'nn.trilu' op needs matrices; its operand is 'tensor<3xf32>'}}
  %y = nn.trilu %x : (tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

// The constraints of the records: a layout changes neither the shape ...
func.func @reorder_shape(%x: tensor<1x12xf32>) {
  // expected-error @+1 {{'nn.reorder' op requires the same shape for all operands and results}}
  %y = nn.reorder %x : (tensor<1x12xf32>) -> tensor<1x16xf32, #nn.blocked<1, 8>>
  return
}

// -----

// ... nor the elements.
func.func @reorder_type(%x: tensor<1x12xf32>) {
  // expected-error @+1 {{'nn.reorder' op requires the same element type for all operands and results}}
  %y = nn.reorder %x : (tensor<1x12xf32>) -> tensor<1x12xbf16, #nn.blocked<1, 8>>
  return
}
