// RUN: sinter-opt %s -nn-specialise-shapes --split-input-file --verify-diagnostics

// In a Reshape -1 stands for a size, here it stands for none.
func.func @main() {
  %shape = nn.constant dense<[2, -1]> : tensor<2xi64>
  // expected-error @+1 {{'nn.constant_of_shape' op cannot make a negative dimension}}
  %y = nn.constant_of_shape %shape {value = dense<1.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

// 2^62 * 4 is no int64.
func.func @main() {
  %shape = nn.constant dense<[4611686018427387904, 4]> : tensor<2xi64>
  // expected-error @+1 {{'nn.constant_of_shape' op makes a tensor of more elements than can be counted}}
  %y = nn.constant_of_shape %shape {value = dense<1.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

// Strides of an empty tensor must be counted as well.
func.func @main() {
  %shape = nn.constant dense<[4611686018427387904, 0, 4]> : tensor<3xi64>
  // expected-error @+1 {{'nn.constant_of_shape' op makes a tensor of more elements than can be counted}}
  %y = nn.constant_of_shape %shape {value = dense<1.0> : tensor<1xf32>} : (tensor<3xi64>) -> tensor<?x?x?xf32>
  return
}

// -----

// Loops over the dimensions of a tensor take stack.
func.func @main() {
  %shape = nn.constant dense<1> : tensor<65xi64>
  // expected-error @+1 {{'nn.constant_of_shape' op makes a tensor of rank 65; the limit is 64}}
  %y = nn.constant_of_shape %shape {value = dense<1.0> : tensor<1xf32>} : (tensor<65xi64>) -> tensor<*xf32>
  return
}

// -----

// Steps of 0 never end.
func.func @main() {
  %s = nn.constant dense<0> : tensor<i64>
  %l = nn.constant dense<7> : tensor<i64>
  %d = nn.constant dense<0> : tensor<i64>
  // expected-error @+1 {{'nn.range' op needs a start, a limit and a delta, one finite number each, and a delta other than 0}}
  %y = nn.range %s, %l, %d : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  return
}

// -----

// Nor do finite steps to an infinite limit.
func.func @main() {
  %s = nn.constant dense<0.0> : tensor<f32>
  %l = nn.constant dense<0x7F800000> : tensor<f32>
  %d = nn.constant dense<1.0> : tensor<f32>
  // expected-error @+1 {{'nn.range' op needs a start, a limit and a delta, one finite number each, and a delta other than 0}}
  %y = nn.range %s, %l, %d : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<?xf32>
  return
}

// -----

// NaN is no number of elements.
func.func @main() {
  %s = nn.constant dense<0.0> : tensor<f32>
  %l = nn.constant dense<0x7FC00000> : tensor<f32>
  %d = nn.constant dense<1.0> : tensor<f32>
  // expected-error @+1 {{'nn.range' op needs a start, a limit and a delta, one finite number each, and a delta other than 0}}
  %y = nn.range %s, %l, %d : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<?xf32>
  return
}

// -----

// From one end of the integers to the other there are 2^64 - 1 steps.
func.func @main() {
  %s = nn.constant dense<-9223372036854775808> : tensor<i64>
  %l = nn.constant dense<9223372036854775807> : tensor<i64>
  %d = nn.constant dense<1> : tensor<i64>
  // expected-error @+1 {{'nn.range' op needs a start, a limit and a delta, one finite number each, and a delta other than 0}}
  %y = nn.range %s, %l, %d : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  return
}

// -----

// Each is one number.
func.func @main() {
  %s = nn.constant dense<[0, 1]> : tensor<2xi64>
  %l = nn.constant dense<7> : tensor<i64>
  // expected-error @+1 {{'nn.range' op needs a start, a limit and a delta, one finite number each, and a delta other than 0}}
  %y = nn.range %s, %l, %l : (tensor<2xi64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  return
}

// -----

func.func @main(%x: tensor<3x3x3xf32>) {
  // expected-error @+1 {{'nn.eye_like' op needs a matrix, not 'tensor<3x3x3xf32>'}}
  %y = nn.eye_like %x : (tensor<3x3x3xf32>) -> tensor<3x3x3xf32>
  return
}
