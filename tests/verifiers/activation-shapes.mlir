// RUN: sinter-opt %s -nn-specialise-shapes --split-input-file --verify-diagnostics

// A slope that broadcasts with x, but to more than x.
func.func @main(%x: tensor<4xf32>, %s: tensor<3x4xf32>) {
  // expected-error @+1 {{'nn.prelu' op slope of type 'tensor<3x4xf32>' does not broadcast to the shape of x, 'tensor<4xf32>'; give one slope, or reshape it to match x's last dimensions}}
  %y = nn.prelu %x, %s : (tensor<4xf32>, tensor<3x4xf32>) -> tensor<4xf32>
  return
}

// -----

// A slope per channel of a model that keeps channels first: it meets the last dimension.
func.func @main(%x: tensor<1x8x4xf32>, %s: tensor<8xf32>) {
  // expected-error @+1 {{'nn.prelu' op operands do not broadcast: 'tensor<1x8x4xf32>' 'tensor<8xf32>'}}
  %y = nn.prelu %x, %s : (tensor<1x8x4xf32>, tensor<8xf32>) -> tensor<1x8x4xf32>
  return
}
