// RUN: sinter-opt %s -nn-specialise-shapes --split-input-file --verify-diagnostics

func.func @main(%b: tensor<4x4xf32>, %s: tensor<1x2x4xf32>) {
  // expected-error @+1 {{'nn.non_max_suppression' op needs boxes [images, boxes, 4] and scores [images, classes, boxes]}}
  %y, %n = nn.non_max_suppression %b, %s {max_output = 2 : i64} : (tensor<4x4xf32>, tensor<1x2x4xf32>) -> (tensor<4x3xi64>, tensor<i64>)
  return
}

// -----

func.func @main(%b: tensor<1x4x4xf32>, %s: tensor<2x4xf32>) {
  // expected-error @+1 {{'nn.non_max_suppression' op needs boxes [images, boxes, 4] and scores [images, classes, boxes]}}
  %y, %n = nn.non_max_suppression %b, %s {max_output = 2 : i64} : (tensor<1x4x4xf32>, tensor<2x4xf32>) -> (tensor<4x3xi64>, tensor<i64>)
  return
}

// -----

// Two corners have four coordinates.
func.func @main(%b: tensor<1x4x5xf32>, %s: tensor<1x2x4xf32>) {
  // expected-error @+1 {{'nn.non_max_suppression' op has boxes 'tensor<1x4x5xf32>' and scores 'tensor<1x2x4xf32>', which do not fit}}
  %y, %n = nn.non_max_suppression %b, %s {max_output = 2 : i64} : (tensor<1x4x5xf32>, tensor<1x2x4xf32>) -> (tensor<4x3xi64>, tensor<i64>)
  return
}

// -----

func.func @main(%b: tensor<2x4x4xf32>, %s: tensor<1x2x4xf32>) {
  // expected-error @+1 {{'nn.non_max_suppression' op has boxes 'tensor<2x4x4xf32>' and scores 'tensor<1x2x4xf32>', which do not fit}}
  %y, %n = nn.non_max_suppression %b, %s {max_output = 2 : i64} : (tensor<2x4x4xf32>, tensor<1x2x4xf32>) -> (tensor<4x3xi64>, tensor<i64>)
  return
}

// -----

// A score for each box.
func.func @main(%b: tensor<1x4x4xf32>, %s: tensor<1x2x5xf32>) {
  // expected-error @+1 {{'nn.non_max_suppression' op has boxes 'tensor<1x4x4xf32>' and scores 'tensor<1x2x5xf32>', which do not fit}}
  %y, %n = nn.non_max_suppression %b, %s {max_output = 2 : i64} : (tensor<1x4x4xf32>, tensor<1x2x5xf32>) -> (tensor<4x3xi64>, tensor<i64>)
  return
}

// -----

// 2^16 boxes of each of 2^15 classes are 2^31.
func.func @main(%b: tensor<1x65536x4xf32>, %s: tensor<1x32768x65536xf32>) {
  // expected-error @+1 {{'nn.non_max_suppression' op may select more boxes than can be counted; lower max_output}}
  %y, %n = nn.non_max_suppression %b, %s {max_output = 65536 : i64} : (tensor<1x65536x4xf32>, tensor<1x32768x65536xf32>) -> (tensor<4x3xi64>, tensor<i64>)
  return
}
