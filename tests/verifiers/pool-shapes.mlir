// RUN: sinter-opt %s -nn-specialise-shapes --split-input-file --verify-diagnostics

func.func @main(%x: tensor<8x8xf32>) {
  // expected-error @+1 {{'nn.max_pool' op expects [N, C, spatial...], got 'tensor<8x8xf32>'}}
  %y = nn.max_pool %x {kernel_shape = array<i64: 3, 3>} : (tensor<8x8xf32>) -> tensor<1x2x6x6xf32>
  return
}

// -----

func.func @main(%x: tensor<8xf32>) {
  // expected-error @+1 {{'nn.global_average_pool' op expects [N, C, spatial...], got 'tensor<8xf32>'}}
  %y = nn.global_average_pool %x : (tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----

// The kernel says nothing about channels.
func.func @main(%x: tensor<1x2x8x8xf32>) {
  // expected-error @+1 {{'nn.max_pool' op the kernel has 4 dimensions, but the input has 2 spatial dimensions}}
  %y = nn.max_pool %x {kernel_shape = array<i64: 1, 1, 3, 3>} : (tensor<1x2x8x8xf32>) -> tensor<1x2x6x6xf32>
  return
}

// -----

func.func @main(%x: tensor<1x2x8x8xf32>) {
  // expected-error @+1 {{'nn.average_pool' op has a kernel of extent 9 over an input of 8 elements, pads included}}
  %y = nn.average_pool %x {kernel_shape = array<i64: 9, 3>} : (tensor<1x2x8x8xf32>) -> tensor<1x2x6x6xf32>
  return
}
