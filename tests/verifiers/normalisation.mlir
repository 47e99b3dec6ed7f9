// RUN: sinter-opt %s --split-input-file --verify-diagnostics

func.func @groups(%x: tensor<2x8x4xf32>, %a: tensor<8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'nn.group_norm' op num_groups is 0, expected at least 1}}
  %y = nn.group_norm %x, %a, %b {num_groups = 0 : i64} : (tensor<2x8x4xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x8x4xf32>
  return
}

// -----

func.func @power(%x: tensor<2x8xf32>) {
  // expected-error @+1 {{'nn.lp_norm' op p is 3, expected 1 or 2}}
  %y = nn.lp_norm %x {p = 3 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @window(%x: tensor<1x8x4x4xf32>) {
  // expected-error @+1 {{'nn.lrn' op size is 0, expected at least 1}}
  %y = nn.lrn %x {size = 0 : i64} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
  return
}

// -----

// The constraints of the records: statistics are floats.
func.func @integers(%x: tensor<2x8xi32>) {
  // expected-error @+1 {{'nn.softmax' op operand #0 must be tensor of f16, bf16, f32 or f64 values, but got 'tensor<2x8xi32>'}}
  %y = nn.softmax %x : (tensor<2x8xi32>) -> tensor<2x8xi32>
  return
}
