// RUN: sinter-opt %s -nn-specialise-shapes --split-input-file --verify-diagnostics

// Dimensions meet from the right: 3 meets 2.
func.func @main(%a: tensor<2x3xf32>, %b: tensor<2xf32>) {
  // expected-error @+1 {{'nn.add' op operands do not broadcast: 'tensor<2x3xf32>' 'tensor<2xf32>'}}
  %y = nn.add %a, %b : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%a: tensor<4xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{'nn.equal' op operands do not broadcast: 'tensor<4xf32>' 'tensor<3xf32>'}}
  %y = nn.equal %a, %b : (tensor<4xf32>, tensor<3xf32>) -> tensor<4xi1>
  return
}

// -----

// The condition broadcasts as the others do.
func.func @main(%c: tensor<3xi1>, %a: tensor<4xf32>) {
  // expected-error @+1 {{'nn.where' op operands do not broadcast: 'tensor<3xi1>' 'tensor<4xf32>' 'tensor<4xf32>'}}
  %y = nn.where %c, %a, %a : (tensor<3xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

// Each pair of two broadcasts, the three do not.
func.func @main(%a: tensor<2x1xf32>, %b: tensor<1x3xf32>, %c: tensor<4x3xf32>) {
  // expected-error @+1 {{'nn.max' op operands do not broadcast: 'tensor<2x1xf32>' 'tensor<1x3xf32>' 'tensor<4x3xf32>'}}
  %y = nn.max %a, %b, %c : (tensor<2x1xf32>, tensor<1x3xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// If takes one branch or the other, not elements of both.
func.func @main(%c: tensor<1xi1>, %a: tensor<4xf32>) {
  // expected-error @+1 {{'nn.select' op needs a scalar condition, got 'tensor<1xi1>'}}
  %y = nn.select %c, %a, %a : (tensor<1xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

// What only a run decides cannot decide a shape: the rank ...
func.func @main(%c: tensor<i1>, %a: tensor<4xf32>, %b: tensor<1x4xf32>) {
  // expected-error @+1 {{unsupported: (If): its branches give 'tensor<4xf32>' and 'tensor<1x4xf32>'; branches of different shapes need a constant condition}}
  %y = nn.select %c, %a, %b : (tensor<i1>, tensor<4xf32>, tensor<1x4xf32>) -> tensor<4xf32>
  return
}

// -----

// ... and a dimension.
func.func @main(%c: tensor<i1>, %a: tensor<2x4xf32>, %b: tensor<1x4xf32>) {
  // expected-error @+1 {{unsupported: (If): its branches give 'tensor<2x4xf32>' and 'tensor<1x4xf32>'; branches of different shapes need a constant condition}}
  %y = nn.select %c, %a, %b : (tensor<i1>, tensor<2x4xf32>, tensor<1x4xf32>) -> tensor<2x4xf32>
  return
}
