// RUN: sinter-opt %s -split-input-file -verify-diagnostics -nn-form-kernels=fuse=false -nn-plan-memory

// A mark that cannot be kept: a value has one place.
func.func @main(%x: tensor<1x8xf32>) -> tensor<1x16xf32> {
  %a = nn.relu %x : (tensor<1x8xf32>) -> tensor<1x8xf32>
  // expected-error @below {{is marked nn.in_place, but its operands cannot lie side by side: run nn-place-concats}}
  %aa = nn.concat %a, %a {axis = 1 : i64, nn.in_place} : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x16xf32>
  %y = nn.neg %aa : (tensor<1x16xf32>) -> tensor<1x16xf32>
  return %y : tensor<1x16xf32>
}

// -----

func.func @main(%x: tensor<2x8xf32>) -> tensor<2x16xf32> {
  %a = nn.relu %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %b = nn.abs %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
  // expected-error @below {{is marked nn.in_place}}
  %ab = nn.concat %a, %b {axis = 1 : i64, nn.in_place} : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x16xf32>
  %y = nn.neg %ab : (tensor<2x16xf32>) -> tensor<2x16xf32>
  return %y : tensor<2x16xf32>
}
