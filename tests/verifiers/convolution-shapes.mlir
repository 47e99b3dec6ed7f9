// RUN: sinter-opt %s -nn-specialise-shapes --split-input-file --verify-diagnostics

// A convolution without spatial dimensions is a Gemm.
func.func @main(%x: tensor<1x2xf32>, %w: tensor<4x2xf32>) {
  // expected-error @+1 {{'nn.conv' op expects x and w of rank 3 or more, [N, C, spatial...]; got 'tensor<1x2xf32>' and 'tensor<4x2xf32>'}}
  %y = nn.conv %x, %w : (tensor<1x2xf32>, tensor<4x2xf32>) -> tensor<1x4xf32>
  return
}

// -----

// A kernel of rows over images.
func.func @main(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3xf32>) {
  // expected-error @+1 {{'nn.conv' op x 'tensor<1x2x8x8xf32>' and w 'tensor<4x2x3xf32>' differ in rank}}
  %y = nn.conv %x, %w : (tensor<1x2x8x8xf32>, tensor<4x2x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

// Weights count the channels of one group.
func.func @main(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf32>) {
  // expected-error @+1 {{'nn.conv' op x 'tensor<1x2x8x8xf32>' has 2 channels, but w 'tensor<4x2x3x3xf32>' with group 2 covers 4}}
  %y = nn.conv %x, %w {group = 2 : i64} : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

// Outputs belong to groups as inputs do.
func.func @main(%x: tensor<1x2x8x8xf32>, %w: tensor<5x1x3x3xf32>) {
  // expected-error @+1 {{'nn.conv' op channels of x 'tensor<1x2x8x8xf32>' and w 'tensor<5x1x3x3xf32>' do not divide into 2 groups}}
  %y = nn.conv %x, %w {group = 2 : i64} : (tensor<1x2x8x8xf32>, tensor<5x1x3x3xf32>) -> tensor<1x5x6x6xf32>
  return
}

// -----

// A transposed convolution has the channels of x first in its weights.
func.func @main(%x: tensor<1x4x8x8xf32>, %w: tensor<4x1x3x3xf32>) {
  // expected-error @+1 {{'nn.conv_transpose' op channels of x 'tensor<1x4x8x8xf32>' and w 'tensor<4x1x3x3xf32>' do not divide into 3 groups}}
  %y = nn.conv_transpose %x, %w {group = 3 : i64} : (tensor<1x4x8x8xf32>, tensor<4x1x3x3xf32>) -> tensor<1x3x10x10xf32>
  return
}

// -----

func.func @main(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{'nn.conv' op the bias 'tensor<3xf32>' does not have the 4 output channels of w 'tensor<4x2x3x3xf32>'}}
  %y = nn.conv %x, %w, %b : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>, tensor<3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

// A bias that broadcasts is none.
func.func @main(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf32>, %b: tensor<4x1x1xf32>) {
  // expected-error @+1 {{'nn.conv' op the bias 'tensor<4x1x1xf32>' does not have the 4 output channels of w 'tensor<4x2x3x3xf32>'}}
  %y = nn.conv %x, %w, %b : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>, tensor<4x1x1xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

// 2 channels in each of 2^62 groups are no int64.
func.func @main(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf32>) {
  // expected-error @+1 {{'nn.conv' op group is too large}}
  %y = nn.conv %x, %w {group = 4611686018427387904 : i64} : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

// The attributes agree with each other, and not with x.
func.func @main(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf32>) {
  // expected-error @+1 {{'nn.conv' op strides has 3 entries, but the input has 2 spatial dimensions}}
  %y = nn.conv %x, %w {strides = array<i64: 1, 1, 1>} : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @main(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf32>) {
  // expected-error @+1 {{'nn.conv' op dilations has 1 entries, but the input has 2 spatial dimensions}}
  %y = nn.conv %x, %w {dilations = array<i64: 1>} : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @main(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf32>) {
  // expected-error @+1 {{'nn.conv' op pads has 2 entries, but the input has 2 spatial dimensions}}
  %y = nn.conv %x, %w {pads = array<i64: 1, 1>} : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @main(%x: tensor<1x2x8x8xf32>, %w: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{'nn.conv_transpose' op output_padding has 3 entries, but the input has 2 spatial dimensions}}
  %y = nn.conv_transpose %x, %w {output_padding = array<i64: 0, 0, 0>} : (tensor<1x2x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x4x10x10xf32>
  return
}

// -----

// ONNX counts spatial dimensions. Four would be taken as batch, channels and those.
func.func @main(%x: tensor<1x2x8x8xf32>, %w: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{'nn.conv_transpose' op output_shape has 3 entries, but the input has 2 spatial dimensions}}
  %y = nn.conv_transpose %x, %w {output_shape = array<i64: 4, 10, 10>} : (tensor<1x2x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x4x10x10xf32>
  return
}

// -----

// A kernel has the size that weights have.
func.func @main(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x0x3xf32>) {
  // expected-error @+1 {{'nn.conv' op has a kernel of size 0, expected 1 to 2^31-1}}
  %y = nn.conv %x, %w : (tensor<1x2x8x8xf32>, tensor<4x2x0x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

// The dilated kernel spans 9 elements; with pads there are 8.
func.func @main(%x: tensor<1x2x8x6xf32>, %w: tensor<4x2x3x3xf32>) {
  // expected-error @+1 {{'nn.conv' op has a kernel of extent 9 over an input of 8 elements, pads included}}
  %y = nn.conv %x, %w {pads = array<i64: 0, 1, 0, 1>, dilations = array<i64: 1, 4>} : (tensor<1x2x8x6xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

// 2^40 inputs, 2^31 - 1 apart. The tensor has none of them, as its batch is empty.
func.func @main(%x: tensor<0x2x1099511627776xf32>, %w: tensor<2x4x3xf32>) {
  // expected-error @+1 {{'nn.conv_transpose' op has an output too large to count}}
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2147483647>} : (tensor<0x2x1099511627776xf32>, tensor<2x4x3xf32>) -> tensor<0x4x1xf32>
  return
}

// -----

// 8 inputs and a kernel of 3 reach 10 outputs, and one more by output_padding.
func.func @main(%x: tensor<1x2x8x8xf32>, %w: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{'nn.conv_transpose' op output_shape asks for 12 elements along spatial dimension 1, of which the kernel reaches 10}}
  %y = nn.conv_transpose %x, %w {output_shape = array<i64: 10, 12>} : (tensor<1x2x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x4x10x12xf32>
  return
}

// -----

// Pads of a transposed convolution remove outputs: 10 - 5 - 5.
func.func @main(%x: tensor<1x2x8x8xf32>, %w: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{'nn.conv_transpose' op has no output left: its pads exceed the transposed extent 10}}
  %y = nn.conv_transpose %x, %w {pads = array<i64: 5, 0, 5, 0>} : (tensor<1x2x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x4x0x10xf32>
  return
}
