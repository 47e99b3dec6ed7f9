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
