// RUN: sinter-opt %s -nn-specialise-shapes --split-input-file --verify-diagnostics

// The result has the shape of x.
func.func @main(%x: tensor<4xf32>, %s: tensor<1x1xf32>, %z: tensor<i8>) {
  // expected-error @+1 {{'nn.quantize' op has a parameter 'tensor<1x1xf32>' that does not broadcast to 'tensor<4xf32>'}}
  %y = nn.quantize %x, %s, %z : (tensor<4xf32>, tensor<1x1xf32>, tensor<i8>) -> tensor<4xi8>
  return
}

// -----

func.func @main(%x: tensor<2x4xi8>, %s: tensor<f32>, %z: tensor<2xi8>) {
  // expected-error @+1 {{'nn.dequantize' op has a parameter 'tensor<2xi8>' that does not broadcast to 'tensor<2x4xi8>'}}
  %y = nn.dequantize %x, %s, %z : (tensor<2x4xi8>, tensor<f32>, tensor<2xi8>) -> tensor<2x4xf32>
  return
}
