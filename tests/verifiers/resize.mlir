// RUN: sinter-opt %s --split-input-file --verify-diagnostics

func.func @mode(%x: tensor<1x1x4x4xf32>, %s: tensor<4xf32>) {
  // expected-error @+1 {{'nn.resize' op attribute 'mode' failed to satisfy constraint: one of nearest, linear, cubic}}
  %y = nn.resize %x, %s {mode = "bilinear", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x1x4x4xf32>, tensor<4xf32>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @coordinates(%x: tensor<1x1x4x4xf32>, %s: tensor<4xf32>) {
  // expected-error @+1 {{'nn.resize' op attribute 'coordinate_transformation_mode' failed to satisfy constraint: one of half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners, asymmetric, tf_crop_and_resize, tf_half_pixel_for_nn}}
  %y = nn.resize %x, %s {coordinate_transformation_mode = "half", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x1x4x4xf32>, tensor<4xf32>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @nearest(%x: tensor<1x1x4x4xf32>, %s: tensor<4xf32>) {
  // expected-error @+1 {{'nn.resize' op attribute 'nearest_mode' failed to satisfy constraint: one of round_prefer_floor, round_prefer_ceil, floor, ceil}}
  %y = nn.resize %x, %s {nearest_mode = "round", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x1x4x4xf32>, tensor<4xf32>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @policy(%x: tensor<1x1x4x4xf32>, %s: tensor<4xf32>) {
  // expected-error @+1 {{'nn.resize' op attribute 'keep_aspect_ratio_policy' failed to satisfy constraint: one of stretch, not_larger, not_smaller}}
  %y = nn.resize %x, %s {keep_aspect_ratio_policy = "keep", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x1x4x4xf32>, tensor<4xf32>) -> tensor<?x?x?x?xf32>
  return
}

// -----

// Between true and false there is nothing.
func.func @bools(%x: tensor<1x1x4x4xi1>, %s: tensor<4xf32>) {
  // expected-error @+1 {{'nn.resize' op cannot interpolate bools; mode nearest can resize them}}
  %y = nn.resize %x, %s {mode = "linear", operandSegmentSizes = array<i32: 1, 0, 1, 0>} : (tensor<1x1x4x4xi1>, tensor<4xf32>) -> tensor<?x?x?x?xi1>
  return
}

// -----

func.func @neither(%x: tensor<1x1x4x4xf32>) {
  // expected-error @+1 {{'nn.resize' op has neither scales nor sizes}}
  %y = nn.resize %x {operandSegmentSizes = array<i32: 1, 0, 0, 0>} : (tensor<1x1x4x4xf32>) -> tensor<?x?x?x?xf32>
  return
}
