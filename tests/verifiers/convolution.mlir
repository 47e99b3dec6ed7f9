// RUN: sinter-opt %s --split-input-file --verify-diagnostics

func.func @group(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf32>) {
  // expected-error @+1 {{'nn.conv' op group is 0, expected at least 1}}
  %y = nn.conv %x, %w {group = 0 : i64} : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @transpose_group(%x: tensor<1x2x8x8xf32>, %w: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{'nn.conv_transpose' op group is -1, expected at least 1}}
  %y = nn.conv_transpose %x, %w {group = -1 : i64} : (tensor<1x2x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x4x10x10xf32>
  return
}

// -----

// Attributes that say one thing about each spatial dimension speak of as many.
func.func @arrays(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf32>) {
  // expected-error @+1 {{'nn.conv' op strides has 2 entries, expected 3}}
  %y = nn.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1, 1>} : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @half_pads(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf32>) {
  // expected-error @+1 {{'nn.conv' op pads has 3 entries, expected a begin and an end for each axis}}
  %y = nn.conv %x, %w {pads = array<i64: 1, 1, 1>} : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @auto_pad(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf32>) {
  // expected-error @+1 {{'nn.conv' op attribute 'auto_pad' failed to satisfy constraint: one of NOTSET, SAME_UPPER, SAME_LOWER, VALID}}
  %y = nn.conv %x, %w {auto_pad = "SAME"} : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

// A window that does not move has no end.
func.func @stride(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf32>) {
  // expected-error @+1 {{'nn.conv' op strides has the entry 0, expected 1 to 2^31-1}}
  %y = nn.conv %x, %w {strides = array<i64: 1, 0>} : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

// Products of attributes and sizes are counted in 64 bits.
func.func @dilation(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf32>) {
  // expected-error @+1 {{'nn.conv' op dilations has the entry 2147483648, expected 1 to 2^31-1}}
  %y = nn.conv %x, %w {dilations = array<i64: 1, 2147483648>} : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @pad(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf32>) {
  // expected-error @+1 {{'nn.conv' op pads has the entry -1, expected 0 to 2^31-1}}
  %y = nn.conv %x, %w {pads = array<i64: 0, -1, 0, 0>} : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @output_padding(%x: tensor<1x2x8x8xf32>, %w: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{'nn.conv_transpose' op output_padding has 1 entries, expected 2}}
  %y = nn.conv_transpose %x, %w {strides = array<i64: 2, 2>, output_padding = array<i64: 1>} : (tensor<1x2x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x4x18x18xf32>
  return
}

// -----

func.func @output_shape(%x: tensor<1x2x8x8xf32>, %w: tensor<2x4x3x3xf32>) {
  // expected-error @+1 {{'nn.conv_transpose' op output_shape has the entry 0, expected 1 to 2^31-1}}
  %y = nn.conv_transpose %x, %w {output_shape = array<i64: 0, 10>} : (tensor<1x2x8x8xf32>, tensor<2x4x3x3xf32>) -> tensor<1x4x10x10xf32>
  return
}

// -----

// Padding has the value of the zero point, so x must have that value.
func.func @zero_point(%x: tensor<1x2x8x8xui8>, %w: tensor<4x2x3x3xi8>) {
  // expected-error @+1 {{'nn.conv_integer' op has the zero point -1 for x of type 'ui8'}}
  %y = nn.conv_integer %x, %w {x_zero_point = -1 : i64} : (tensor<1x2x8x8xui8>, tensor<4x2x3x3xi8>) -> tensor<1x4x6x6xi32>
  return
}

// -----

func.func @integer_group(%x: tensor<1x2x8x8xui8>, %w: tensor<4x2x3x3xi8>) {
  // expected-error @+1 {{'nn.conv_integer' op group is 0, expected at least 1}}
  %y = nn.conv_integer %x, %w {group = 0 : i64} : (tensor<1x2x8x8xui8>, tensor<4x2x3x3xi8>) -> tensor<1x4x6x6xi32>
  return
}

// -----

// The constraints of the records: x, w, b and y have one element type.
func.func @element_types(%x: tensor<1x2x8x8xf32>, %w: tensor<4x2x3x3xf16>) {
  // expected-error @+1 {{'nn.conv' op requires the same element type for all operands and results}}
  %y = nn.conv %x, %w : (tensor<1x2x8x8xf32>, tensor<4x2x3x3xf16>) -> tensor<1x4x6x6xf32>
  return
}
