// RUN: sinter-opt %s -nn-specialise-shapes --split-input-file --verify-diagnostics

func.func @main(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.transpose' op permutes 3 dimensions of an operand of rank 2}}
  %y = nn.transpose %x {perm = array<i64: 0, 2, 1>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'nn.concat' op axis 2 is outside a tensor of rank 2}}
  %y = nn.concat %x, %x {axis = 2 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{'nn.concat' op joins tensors of different ranks: 'tensor<3xf32>' is not of rank 2}}
  %y = nn.concat %x, %b {axis = 0 : i64} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{'nn.concat' op joins tensors that differ in dimension 1: 3 and 4}}
  %y = nn.concat %x, %b {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return
}

// -----

// 2^56 elements, 128 times. The tensor has none of them, as its rows are empty.
!empty = tensor<0x72057594037927936xf32>
func.func @main(%x: !empty) {
  // expected-error @+1 {{'nn.concat' op makes a tensor of more elements than can be counted}}
  %y = nn.concat %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x,
                 %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x,
                 %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x,
                 %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x
      {axis = 1 : i64} :
      (!empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty,
       !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty,
       !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty,
       !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty,
       !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty,
       !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty,
       !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty,
       !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty, !empty) -> tensor<0x?xf32>
  return
}

// -----

func.func @main(%x: tensor<4x4x4xf32>) {
  // expected-error @+1 {{'nn.depth_to_space' op needs an operand of rank 4 (NCHW), not 'tensor<4x4x4xf32>'}}
  %y = nn.depth_to_space %x {blocksize = 2 : i64} : (tensor<4x4x4xf32>) -> tensor<1x8x8xf32>
  return
}

// -----

func.func @main(%x: tensor<1x6x4x4xf32>) {
  // expected-error @+1 {{'nn.depth_to_space' op channel count 6 does not divide by 4}}
  %y = nn.depth_to_space %x {blocksize = 2 : i64} : (tensor<1x6x4x4xf32>) -> tensor<1x1x8x8xf32>
  return
}

// -----

// 2^44 rows become 2^64. The tensor has none of them, as it has no channels.
func.func @main(%x: tensor<1x0x17592186044416x1xf32>) {
  // expected-error @+1 {{'nn.depth_to_space' op makes a tensor of more elements than can be counted}}
  %y = nn.depth_to_space %x {blocksize = 1048576 : i64} : (tensor<1x0x17592186044416x1xf32>) -> tensor<1x0x1x1xf32>
  return
}

// -----

func.func @main(%x: tensor<1x1x5x4xf32>) {
  // expected-error @+1 {{'nn.space_to_depth' op height 5 does not divide by 2}}
  %y = nn.space_to_depth %x {blocksize = 2 : i64} : (tensor<1x1x5x4xf32>) -> tensor<1x4x2x2xf32>
  return
}

// -----

func.func @main(%x: tensor<1x1x4x5xf32>) {
  // expected-error @+1 {{'nn.space_to_depth' op width 5 does not divide by 2}}
  %y = nn.space_to_depth %x {blocksize = 2 : i64} : (tensor<1x1x4x5xf32>) -> tensor<1x4x2x2xf32>
  return
}

// -----

// 2^24 channels become 2^64.
func.func @main(%x: tensor<1x16777216x0x0xf32>) {
  // expected-error @+1 {{'nn.space_to_depth' op makes a tensor of more elements than can be counted}}
  %y = nn.space_to_depth %x {blocksize = 1048576 : i64} : (tensor<1x16777216x0x0xf32>) -> tensor<1x1x0x0xf32>
  return
}

// -----

func.func @main(%x: tensor<5xf32>) {
  %b = nn.constant dense<[2, 3]> : tensor<2xi64>
  // expected-error @+1 {{'nn.split' op has 2 sizes for 3 parts}}
  %y, %z, %w = nn.split %x, %b : (tensor<5xf32>, tensor<2xi64>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
  return
}

// -----

func.func @main(%x: tensor<5xf32>) {
  %b = nn.constant dense<[6, -1]> : tensor<2xi64>
  // expected-error @+1 {{'nn.split' op cannot make a part of size -1}}
  %y, %z = nn.split %x, %b : (tensor<5xf32>, tensor<2xi64>) -> (tensor<?xf32>, tensor<?xf32>)
  return
}

// -----

// The sum of sizes is no int64.
func.func @main(%x: tensor<5xf32>) {
  %b = nn.constant dense<[9223372036854775807, 1]> : tensor<2xi64>
  // expected-error @+1 {{'nn.split' op cannot make a part of size 1}}
  %y, %z = nn.split %x, %b : (tensor<5xf32>, tensor<2xi64>) -> (tensor<?xf32>, tensor<?xf32>)
  return
}

// -----

func.func @main(%x: tensor<5xf32>) {
  %b = nn.constant dense<[2, 2]> : tensor<2xi64>
  // expected-error @+1 {{'nn.split' op has parts of 4 elements in sum for a dimension of size 5}}
  %y, %z = nn.split %x, %b : (tensor<5xf32>, tensor<2xi64>) -> (tensor<?xf32>, tensor<?xf32>)
  return
}

// -----

// Parts of ceil(5 / 4) = 2: three of them are more than there is.
func.func @main(%x: tensor<5xf32>) {
  // expected-error @+1 {{'nn.split' op cannot cut a dimension of size 5 into 4 parts of 2}}
  %y:4 = nn.split %x : (tensor<5xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
  return
}

// -----

func.func @main(%x: tensor<5xf32>) {
  // expected-error @+1 {{'nn.split' op axis 1 is outside a tensor of rank 1}}
  %y, %z = nn.split %x {axis = 1 : i64} : (tensor<5xf32>) -> (tensor<?xf32>, tensor<?xf32>)
  return
}

// -----

func.func @main(%x: tensor<5xf32>) {
  // expected-error @+1 {{'nn.split' op has no results; it needs at least one}}
  nn.split %x : (tensor<5xf32>) -> ()
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[0, 0]> : tensor<2xi64>
  %c = nn.constant dense<[1]> : tensor<1xi64>
  // expected-error @+1 {{'nn.slice' op needs as many starts as ends, axes and steps, and at most 2 of each}}
  %y = nn.slice %x, %b, %c {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>} : (tensor<2x3xf32>, tensor<2xi64>, tensor<1xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[0, 0, 0]> : tensor<3xi64>
  %c = nn.constant dense<[1, 1, 1]> : tensor<3xi64>
  // expected-error @+1 {{'nn.slice' op needs as many starts as ends, axes and steps, and at most 2 of each}}
  %y = nn.slice %x, %b, %c {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>} : (tensor<2x3xf32>, tensor<3xi64>, tensor<3xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[0]> : tensor<1xi64>
  %c = nn.constant dense<[1]> : tensor<1xi64>
  %d = nn.constant dense<[0]> : tensor<1xi64>
  %e = nn.constant dense<[1, 1]> : tensor<2xi64>
  // expected-error @+1 {{'nn.slice' op needs as many starts as ends, axes and steps, and at most 2 of each}}
  %y = nn.slice %x, %b, %c, %d, %e {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1>} : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

// One axis is sliced once.
func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[0, 0]> : tensor<2xi64>
  %c = nn.constant dense<[1, 1]> : tensor<2xi64>
  %d = nn.constant dense<[1, -1]> : tensor<2xi64>
  // expected-error @+1 {{'nn.slice' op names axis 1 twice}}
  %y = nn.slice %x, %b, %c, %d {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0>} : (tensor<2x3xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[0]> : tensor<1xi64>
  %c = nn.constant dense<[1]> : tensor<1xi64>
  %d = nn.constant dense<[2]> : tensor<1xi64>
  // expected-error @+1 {{'nn.slice' op axis 2 is outside a tensor of rank 2}}
  %y = nn.slice %x, %b, %c, %d {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0>} : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xf32>
  return
}

// -----

// Steps of 0 never end.
func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[0]> : tensor<1xi64>
  %c = nn.constant dense<[1]> : tensor<1xi64>
  %d = nn.constant dense<[1]> : tensor<1xi64>
  %e = nn.constant dense<[0]> : tensor<1xi64>
  // expected-error @+1 {{'nn.slice' op has step 0 along axis 1; it must be positive or negative}}
  %y = nn.slice %x, %b, %c, %d, %e {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1>} : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[-1, 3]> : tensor<2xi64>
  // expected-error @+1 {{'nn.expand' op cannot expand to a negative dimension}}
  %y = nn.expand %x, %b : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[2, 4]> : tensor<2xi64>
  // expected-error @+1 {{'nn.expand' op cannot expand 'tensor<2x3xf32>' to the shape 2x4}}
  %y = nn.expand %x, %b : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x4xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<2> : tensor<1xi64>
  // expected-error @+1 {{'nn.tile' op has 1 repeats for an operand of rank 2}}
  %y = nn.tile %x, %b : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[1, -1]> : tensor<2xi64>
  // expected-error @+1 {{'nn.tile' op cannot repeat -1 times}}
  %y = nn.tile %x, %b : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[1, 4611686018427387904]> : tensor<2xi64>
  // expected-error @+1 {{'nn.tile' op makes a tensor of more elements than can be counted}}
  %y = nn.tile %x, %b : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[1, 1, 1]> : tensor<3xi64>
  // expected-error @+1 {{'nn.pad' op needs a begin and an end for each of 2 axes, and has 3 pads}}
  %y = nn.pad %x, %b {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<2x3xf32>, tensor<3xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<1> : tensor<4xi64>
  %c = nn.constant dense<[0, -2]> : tensor<2xi64>
  // expected-error @+1 {{'nn.pad' op names axis 0 twice}}
  %y = nn.pad %x, %b, %c {operandSegmentSizes = array<i32: 1, 1, 0, 1>} : (tensor<2x3xf32>, tensor<4xi64>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[0, 9223372036854775807, 0, 0]> : tensor<4xi64>
  // expected-error @+1 {{'nn.pad' op makes a tensor of more elements than can be counted}}
  %y = nn.pad %x, %b {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @main(%x: tensor<2x3xf32>) {
  %b = nn.constant dense<[0, -2, 0, -2]> : tensor<4xi64>
  // expected-error @+1 {{'nn.pad' op removes more than the 3 elements of dimension 1}}
  %y = nn.pad %x, %b {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<?x?xf32>
  return
}

// -----

// There is no nearest element.
func.func @main(%x: tensor<2x0xf32>) {
  %b = nn.constant dense<[0, 1, 0, 0]> : tensor<4xi64>
  // expected-error @+1 {{'nn.pad' op cannot fill dimension 1 from an empty tensor; mode constant could}}
  %y = nn.pad %x, %b {mode = "edge", operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<2x0xf32>, tensor<4xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @main(%x: tensor<3x4xf32>, %k: tensor<2xi64>) {
  // expected-error @+1 {{'nn.trilu' op needs one k, not 2}}
  %y = nn.trilu %x, %k : (tensor<3x4xf32>, tensor<2xi64>) -> tensor<3x4xf32>
  return
}
