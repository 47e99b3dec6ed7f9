// RUN: sinter-opt %s -nn-specialise-shapes --split-input-file --verify-diagnostics

func.func @main(%a: tensor<5x2x3xf32>, %b: tensor<3x4xf32>) {
  // expected-error @+1 {{'nn.gemm' op expects matrices, got 'tensor<5x2x3xf32>'; use MatMul for other ranks}}
  %y = nn.gemm %a, %b : (tensor<5x2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @main(%a: tensor<2x3xf32>, %b: tensor<4x3xf32>) {
  // expected-error @+1 {{'nn.gemm' op the inner dimensions of 'tensor<2x3xf32>' and 'tensor<4x3xf32>' differ}}
  %y = nn.gemm %a, %b : (tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// What would do without the transpositions.
func.func @main(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) {
  // expected-error @+1 {{'nn.gemm' op the inner dimensions of 'tensor<2x3xf32>' (transposed) and 'tensor<3x4xf32>' (transposed) differ}}
  %y = nn.gemm %a, %b {trans_a, trans_b} : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<3x3xf32>
  return
}

// -----

func.func @main(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>, %c: tensor<3xf32>) {
  // expected-error @+1 {{'nn.gemm' op C 'tensor<3xf32>' does not broadcast to the product of 'tensor<2x3xf32>' and 'tensor<3x4xf32>'}}
  %y = nn.gemm %a, %b, %c : (tensor<2x3xf32>, tensor<3x4xf32>, tensor<3xf32>) -> tensor<2x4xf32>
  return
}

// -----

// The product has the shape of a product.
func.func @main(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>, %c: tensor<1x2x4xf32>) {
  // expected-error @+1 {{'nn.gemm' op C 'tensor<1x2x4xf32>' does not broadcast to the product of 'tensor<2x3xf32>' and 'tensor<3x4xf32>'}}
  %y = nn.gemm %a, %b, %c : (tensor<2x3xf32>, tensor<3x4xf32>, tensor<1x2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @main(%a: tensor<f32>, %b: tensor<3x4xf32>) {
  // expected-error @+1 {{'nn.matmul' op expects tensors of rank 1 or more, got 'tensor<f32>' and 'tensor<3x4xf32>'; use Mul for scalars}}
  %y = nn.matmul %a, %b : (tensor<f32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return
}

// -----

// A vector on the left is a row.
func.func @main(%a: tensor<4xf32>, %b: tensor<3x4xf32>) {
  // expected-error @+1 {{'nn.matmul' op the inner dimensions of 'tensor<4xf32>' and 'tensor<3x4xf32>' differ}}
  %y = nn.matmul %a, %b : (tensor<4xf32>, tensor<3x4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @main(%a: tensor<5x2x3xf32>, %b: tensor<6x3x4xf32>) {
  // expected-error @+1 {{'nn.matmul' op the leading dimensions of 'tensor<5x2x3xf32>' and 'tensor<6x3x4xf32>' do not broadcast}}
  %y = nn.matmul %a, %b : (tensor<5x2x3xf32>, tensor<6x3x4xf32>) -> tensor<5x2x4xf32>
  return
}
