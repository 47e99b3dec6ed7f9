// RUN: sinter-opt %s -nn-specialise-shapes --split-input-file --verify-diagnostics

func.func @main(%x: tensor<3xf32>) {
  // expected-error @+1 {{'nn.inverse' op needs matrices, not 'tensor<3xf32>'}}
  %y = nn.inverse %x : (tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3x4xf32>) {
  // expected-error @+1 {{'nn.inverse' op needs square matrices, not 'tensor<2x3x4xf32>'}}
  %y = nn.inverse %x : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @main(%a: tensor<2x40xf32>, %b: tensor<3x3x8xui8>, %s: tensor<3x3xf32>) {
  // expected-error @+1 {{'nn.mat_mul_n_bits' op has weights of 3 bits; quantise to 2, 4 or 8}}
  %y = nn.mat_mul_n_bits %a, %b, %s {k = 40, n = 3, block_size = 16, bits = 3, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<2x40xf32>, tensor<3x3x8xui8>, tensor<3x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// Nothing is sized by attributes before they are known to be good.
func.func @main(%a: tensor<2x40xf32>, %b: tensor<3x3x8xui8>, %s: tensor<3x3xf32>) {
  // expected-error @+1 {{'nn.mat_mul_n_bits' op has a block_size of 0; quantise with a power of two from 16 on}}
  %y = nn.mat_mul_n_bits %a, %b, %s {k = 40, n = 3, block_size = 0, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<2x40xf32>, tensor<3x3x8xui8>, tensor<3x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%a: tensor<2x40xf32>, %b: tensor<3x3x8xui8>, %s: tensor<3x3xf32>) {
  // expected-error @+1 {{'nn.mat_mul_n_bits' op has a block_size of 24; quantise with a power of two from 16 on}}
  %y = nn.mat_mul_n_bits %a, %b, %s {k = 40, n = 3, block_size = 24, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<2x40xf32>, tensor<3x3x8xui8>, tensor<3x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%a: tensor<2x40xf32>, %b: tensor<3x3x8xui8>, %s: tensor<3x3xf32>) {
  // expected-error @+1 {{'nn.mat_mul_n_bits' op has no weights, as K is 0 and N is 3; export the model again}}
  %y = nn.mat_mul_n_bits %a, %b, %s {k = 0, n = 3, block_size = 16, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<2x40xf32>, tensor<3x3x8xui8>, tensor<3x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%a: tensor<2x40xf32>, %b: tensor<3x3x8xui8>, %s: tensor<3x3xf32>) {
  // expected-error @+1 {{'nn.mat_mul_n_bits' op has no weights, as K is 40 and N is -3; export the model again}}
  %y = nn.mat_mul_n_bits %a, %b, %s {k = 40, n = -3, block_size = 16, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<2x40xf32>, tensor<3x3x8xui8>, tensor<3x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// Sizes that overflow.
func.func @main(%a: tensor<2x40xf32>, %b: tensor<3x3x8xui8>, %s: tensor<3x3xf32>) {
  // expected-error @+1 {{'nn.mat_mul_n_bits' op has more weights than memory holds, as K is 9223372036854775807 and N is 9223372036854775807}}
  %y = nn.mat_mul_n_bits %a, %b, %s {k = 9223372036854775807, n = 9223372036854775807, block_size = 4611686018427387904, bits = 8, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<2x40xf32>, tensor<3x3x8xui8>, tensor<3x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%a: tensor<2x40xf32>, %b: tensor<3x2x8xui8>, %s: tensor<3x3xf32>) {
  // expected-error @+1 {{'nn.mat_mul_n_bits' op has B of 'tensor<3x2x8xui8>' where K 40, N 3, block_size 16 and 4 bits need 3x3x8}}
  %y = nn.mat_mul_n_bits %a, %b, %s {k = 40, n = 3, block_size = 16, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<2x40xf32>, tensor<3x2x8xui8>, tensor<3x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// The same bytes hold half as many numbers.
func.func @main(%a: tensor<2x40xf32>, %b: tensor<3x3x8xui8>, %s: tensor<3x3xf32>) {
  // expected-error @+1 {{'nn.mat_mul_n_bits' op has B of 'tensor<3x3x8xui8>' where K 40, N 3, block_size 16 and 8 bits need 3x3x16}}
  %y = nn.mat_mul_n_bits %a, %b, %s {k = 40, n = 3, block_size = 16, bits = 8, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<2x40xf32>, tensor<3x3x8xui8>, tensor<3x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%a: tensor<2x40xf32>, %b: tensor<3x3x8xui8>, %s: tensor<8xf32>) {
  // expected-error @+1 {{'nn.mat_mul_n_bits' op has scales of 'tensor<8xf32>' where K 40, N 3, block_size 16 and 4 bits need 3x3 or 9}}
  %y = nn.mat_mul_n_bits %a, %b, %s {k = 40, n = 3, block_size = 16, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<2x40xf32>, tensor<3x3x8xui8>, tensor<8xf32>) -> tensor<2x3xf32>
  return
}

// -----

// Three blocks of 4 bits are two bytes a row.
func.func @main(%a: tensor<2x40xf32>, %b: tensor<3x3x8xui8>, %s: tensor<3x3xf32>, %z: tensor<3x3xui8>) {
  // expected-error @+1 {{'nn.mat_mul_n_bits' op has zero_points of 'tensor<3x3xui8>' where K 40, N 3, block_size 16 and 4 bits need 3x2 or 6}}
  %y = nn.mat_mul_n_bits %a, %b, %s, %z {k = 40, n = 3, block_size = 16, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>}
      : (tensor<2x40xf32>, tensor<3x3x8xui8>, tensor<3x3xf32>, tensor<3x3xui8>) -> tensor<2x3xf32>
  return
}

// -----

// Floats are not packed.
func.func @main(%a: tensor<2x40xf32>, %b: tensor<3x3x8xui8>, %s: tensor<3x3xf32>, %z: tensor<3x2xf32>) {
  // expected-error @+1 {{'nn.mat_mul_n_bits' op has zero_points of 'tensor<3x2xf32>' where K 40, N 3, block_size 16 and 4 bits need 3x3 or 9}}
  %y = nn.mat_mul_n_bits %a, %b, %s, %z {k = 40, n = 3, block_size = 16, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>}
      : (tensor<2x40xf32>, tensor<3x3x8xui8>, tensor<3x3xf32>, tensor<3x2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%a: tensor<2x40xf32>, %b: tensor<3x3x8xui8>, %s: tensor<3x3xf32>, %g: tensor<41xi32>) {
  // expected-error @+1 {{'nn.mat_mul_n_bits' op has g_idx of 'tensor<41xi32>' where K 40, N 3, block_size 16 and 4 bits need 40 or 48}}
  %y = nn.mat_mul_n_bits %a, %b, %s, %g {k = 40, n = 3, block_size = 16, operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>}
      : (tensor<2x40xf32>, tensor<3x3x8xui8>, tensor<3x3xf32>, tensor<41xi32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%a: tensor<2x40xf32>, %b: tensor<3x3x8xui8>, %s: tensor<3x3xf32>, %c: tensor<1x3xf32>) {
  // expected-error @+1 {{'nn.mat_mul_n_bits' op has bias of 'tensor<1x3xf32>' where K 40, N 3, block_size 16 and 4 bits need 3}}
  %y = nn.mat_mul_n_bits %a, %b, %s, %c {k = 40, n = 3, block_size = 16, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>}
      : (tensor<2x40xf32>, tensor<3x3x8xui8>, tensor<3x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%a: tensor<2x40xf32>, %b: tensor<3x3x8xui8>, %s: tensor<3x3xf16>) {
  // expected-error @+1 {{'nn.mat_mul_n_bits' op needs scales, bias and zero points that are not bytes of A's type, 'f32', and has 'f16'}}
  %y = nn.mat_mul_n_bits %a, %b, %s {k = 40, n = 3, block_size = 16, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<2x40xf32>, tensor<3x3x8xui8>, tensor<3x3xf16>) -> tensor<2x3xf32>
  return
}

// -----

// The last block is filled up, A is not.
func.func @main(%a: tensor<2x48xf32>, %b: tensor<3x3x8xui8>, %s: tensor<3x3xf32>) {
  // expected-error @+1 {{'nn.mat_mul_n_bits' op multiplies rows of K 40, and A is 'tensor<2x48xf32>'}}
  %y = nn.mat_mul_n_bits %a, %b, %s {k = 40, n = 3, block_size = 16, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
      : (tensor<2x48xf32>, tensor<3x3x8xui8>, tensor<3x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%a: tensor<2x16xf32>, %b: tensor<3x1x8xui8>, %s: tensor<3xf32>) {
  %g = nn.constant dense<1> : tensor<16xi32>
  // expected-error @+1 {{'nn.mat_mul_n_bits' op has 1 in g_idx, which names blocks from 0 to 0}}
  %y = nn.mat_mul_n_bits %a, %b, %s, %g {k = 16, n = 3, block_size = 16, operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>}
      : (tensor<2x16xf32>, tensor<3x1x8xui8>, tensor<3xf32>, tensor<16xi32>) -> tensor<2x3xf32>
  return
}
