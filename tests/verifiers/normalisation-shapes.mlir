// RUN: sinter-opt %s -nn-specialise-shapes --split-input-file --verify-diagnostics

func.func @main(%x: tensor<1x8x4xf32>, %a: tensor<8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'nn.channel_affine' op operands do not broadcast: 'tensor<1x8x4xf32>' 'tensor<8xf32>' 'tensor<8xf32>'}}
  %y = nn.channel_affine %x, %a, %b : (tensor<1x8x4xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<1x8x4xf32>
  return
}

// -----

// A scalar has no channels.
func.func @main(%x: tensor<f32>, %a: tensor<1xf32>, %b: tensor<1xf32>, %c: tensor<1xf32>, %d: tensor<1xf32>) {
  // expected-error @+1 {{'nn.batch_norm' op expects [N, C, ...], got 'tensor<f32>'}}
  %y = nn.batch_norm %x, %a, %b, %c, %d : (tensor<f32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<f32>
  return
}

// -----

func.func @main(%x: tensor<1x8x4xf32>, %a: tensor<8xf32>, %b: tensor<8xf32>, %c: tensor<8xf32>, %d: tensor<4xf32>) {
  // expected-error @+1 {{'nn.batch_norm' op a parameter is 'tensor<4xf32>', but x 'tensor<1x8x4xf32>' needs one value per channel}}
  %y = nn.batch_norm %x, %a, %b, %c, %d : (tensor<1x8x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<4xf32>) -> tensor<1x8x4xf32>
  return
}

// -----

// Parameters are no tensors that broadcast.
func.func @main(%x: tensor<1x8x4xf32>, %a: tensor<8x1xf32>, %b: tensor<8xf32>, %c: tensor<8xf32>, %d: tensor<8xf32>) {
  // expected-error @+1 {{'nn.batch_norm' op a parameter is 'tensor<8x1xf32>', but x 'tensor<1x8x4xf32>' needs one value per channel}}
  %y = nn.batch_norm %x, %a, %b, %c, %d : (tensor<1x8x4xf32>, tensor<8x1xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<1x8x4xf32>
  return
}

// -----

// A tensor of rank 1 has one channel.
func.func @main(%x: tensor<8xf32>, %a: tensor<8xf32>, %b: tensor<8xf32>, %c: tensor<8xf32>, %d: tensor<8xf32>) {
  // expected-error @+1 {{'nn.batch_norm_training' op a parameter is 'tensor<8xf32>', but x 'tensor<8xf32>' needs one value per channel}}
  %y, %z, %w = nn.batch_norm_training %x, %a, %b, %c, %d : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @main(%x: tensor<8xf32>, %a: tensor<1xf32>, %b: tensor<1xf32>) {
  // expected-error @+1 {{'nn.instance_norm' op expects [N, C, ...], got 'tensor<8xf32>'}}
  %y = nn.instance_norm %x, %a, %b : (tensor<8xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @main(%x: tensor<2x8x4xf32>, %a: tensor<8xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{'nn.instance_norm' op a parameter is 'tensor<4xf32>', but x 'tensor<2x8x4xf32>' needs one value per channel}}
  %y = nn.instance_norm %x, %a, %b : (tensor<2x8x4xf32>, tensor<8xf32>, tensor<4xf32>) -> tensor<2x8x4xf32>
  return
}

// -----

func.func @main(%x: tensor<2x8x4xf32>, %a: tensor<8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'nn.group_norm' op the channels of 'tensor<2x8x4xf32>' do not divide into 3 groups}}
  %y = nn.group_norm %x, %a, %b {num_groups = 3 : i64} : (tensor<2x8x4xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x8x4xf32>
  return
}

// -----

func.func @main(%x: tensor<2x8xf32>, %a: tensor<4xf32>) {
  // expected-error @+1 {{'nn.layer_norm' op a parameter is 'tensor<4xf32>', which does not broadcast to x 'tensor<2x8xf32>'}}
  %y = nn.layer_norm %x, %a : (tensor<2x8xf32>, tensor<4xf32>) -> tensor<2x8xf32>
  return
}

// -----

// The result has the shape of x.
func.func @main(%x: tensor<2x8xf32>, %a: tensor<1x2x8xf32>) {
  // expected-error @+1 {{'nn.rms_norm' op a parameter is 'tensor<1x2x8xf32>', which does not broadcast to x 'tensor<2x8xf32>'}}
  %y = nn.rms_norm %x, %a : (tensor<2x8xf32>, tensor<1x2x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @main(%x: tensor<2x8xf32>, %a: tensor<8xf32>) {
  // expected-error @+1 {{'nn.layer_norm_stats' op has axis 2, but x is 'tensor<2x8xf32>'}}
  %y, %z, %w = nn.layer_norm_stats %x, %a {axis = 2 : i64, stats_type = f32} : (tensor<2x8xf32>, tensor<8xf32>) -> (tensor<2x8xf32>, tensor<2x1xf32>, tensor<2x1xf32>)
  return
}

// -----

func.func @main(%x: tensor<2x8xf32>) {
  // expected-error @+1 {{'nn.softmax' op has axis -3, but x is 'tensor<2x8xf32>'}}
  %y = nn.softmax %x {axis = -3 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @main(%x: tensor<2x8xf32>) {
  // expected-error @+1 {{'nn.lp_norm' op has axis 2, but x is 'tensor<2x8xf32>'}}
  %y = nn.lp_norm %x {axis = 2 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @main(%x: tensor<2x8xf32>) {
  // expected-error @+1 {{'nn.mean_variance_norm' op axes must be axes of 'tensor<2x8xf32>', each listed once}}
  %y = nn.mean_variance_norm %x {axes = array<i64: 0, 2>} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

// -1 is 1.
func.func @main(%x: tensor<2x8xf32>) {
  // expected-error @+1 {{'nn.mean_variance_norm' op axes must be axes of 'tensor<2x8xf32>', each listed once}}
  %y = nn.mean_variance_norm %x {axes = array<i64: 1, -1>} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @main(%x: tensor<8xf32>) {
  // expected-error @+1 {{'nn.lrn' op expects [N, C, ...], got 'tensor<8xf32>'}}
  %y = nn.lrn %x {size = 5 : i64} : (tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @main(%x: tensor<2x8xf32>, %a: tensor<8xf32>) {
  // expected-error @+1 {{'nn.layer_norm_stats' op has statistics of 'i32', which is no float type}}
  %y, %z, %w = nn.layer_norm_stats %x, %a {axis = 1 : i64, stats_type = i32} : (tensor<2x8xf32>, tensor<8xf32>) -> (tensor<2x8xf32>, tensor<2x1xf32>, tensor<2x1xf32>)
  return
}

// -----

// Kernels compute in one type.
func.func @main(%x: tensor<2x8xf32>, %a: tensor<8xf64>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'nn.channel_affine' op has a scale or shift of 'f64' for an x of 'f32'}}
  %y = nn.channel_affine %x, %a, %b : (tensor<2x8xf32>, tensor<8xf64>, tensor<8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @main(%x: tensor<8xf32>, %a: tensor<2x8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'nn.channel_affine' op has a scale or shift that does not broadcast to x: 'tensor<8xf32>' became 'tensor<2x8xf32>'}}
  %y = nn.channel_affine %x, %a, %b : (tensor<8xf32>, tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  return
}
