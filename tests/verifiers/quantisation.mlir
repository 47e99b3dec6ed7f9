// RUN: sinter-opt %s --split-input-file --verify-diagnostics

// The constraints of the records: bytes have the type of their zero point ...
func.func @types(%x: tensor<4xf32>, %s: tensor<f32>, %z: tensor<i8>) {
  // expected-error @+1 {{'nn.quantize' op failed to verify that all of {zero_point, y} have same element type}}
  %y = nn.quantize %x, %s, %z : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xui8>
  return
}

// -----

func.func @dequantize_types(%x: tensor<4xi8>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+1 {{'nn.dequantize' op failed to verify that all of {zero_point, x} have same element type}}
  %y = nn.dequantize %x, %s, %z : (tensor<4xi8>, tensor<f32>, tensor<ui8>) -> tensor<4xf32>
  return
}

// -----

// ... and scales are f32.
func.func @scale(%x: tensor<4xf32>, %s: tensor<f16>, %z: tensor<i8>) {
  // expected-error @+1 {{'nn.quantize' op operand #1 must be tensor of 32-bit float values, but got 'tensor<f16>'}}
  %y = nn.quantize %x, %s, %z : (tensor<4xf32>, tensor<f16>, tensor<i8>) -> tensor<4xi8>
  return
}
