// RUN: sinter-opt %s -split-input-file -nn-lower-precision=block=8 | FileCheck %s
// RUN: sinter-opt %s -split-input-file -nn-lower-precision=block=8 --remarks-filter-missed='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK --implicit-check-not=remark:

// Operands of the product are rounded, the bias is added in f32; the ReLU's other reader reads what is stored.
// CHECK-LABEL: func @convolution
// CHECK: %[[R:.*]] = nn.relu %arg0
// CHECK: %[[X:.*]] = nn.cast %[[R]] {to = bf16}
// CHECK: %[[WIDE:.*]] = nn.cast %[[X]] {to = f32}
// CHECK: %[[Y:.*]] = nn.conv %[[X]], %{{.*}} : (tensor<1x4x4x4xbf16>, tensor<2x4x1x1xbf16>) -> tensor<1x2x4x4xbf16>
// CHECK: %[[F:.*]] = nn.cast %[[Y]] {to = f32}
// CHECK: nn.add %[[F]], %{{.*}} : (tensor<1x2x4x4xf32>, tensor<1x2x1x1xf32>)
// CHECK: nn.abs %[[WIDE]]
func.func @convolution(%x: tensor<1x4x4x4xf32>) -> (tensor<1x2x4x4xf32>, tensor<1x4x4x4xf32>) {
  %r = nn.relu %x : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %w = nn.constant dense<0.1> : tensor<2x4x1x1xf32>
  %b = nn.constant dense<[0.1, 0.2]> : tensor<2xf32>
  %y = nn.conv %r, %w, %b : (tensor<1x4x4x4xf32>, tensor<2x4x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  %a = nn.abs %r : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  return %y, %a : tensor<1x2x4x4xf32>, tensor<1x4x4x4xf32>
}

// -----

// A matrix product is a convolution over its rows.
// CHECK-LABEL: func @gemm
// CHECK: nn.transpose %{{.*}} -> tensor<8x3xbf16>
// CHECK: nn.conv %{{.*}} : (tensor<1x8x3xbf16>, tensor<2x8x1xbf16>) -> tensor<1x2x3xbf16>
// CHECK: nn.transpose %{{.*}} -> tensor<3x2xf32>
func.func @gemm(%x: tensor<3x8xf32>) -> tensor<3x2xf32> {
  %w = nn.constant dense<0.1> : tensor<2x8xf32>
  %b = nn.constant dense<[0.1, 0.2]> : tensor<2xf32>
  %y = nn.gemm %x, %w, %b {trans_b} : (tensor<3x8xf32>, tensor<2x8xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  return %y : tensor<3x2xf32>
}

// -----

// Few channels, channels by themselves, and operands that are both computed stay f32.
// CHECK-LABEL: func @kept
// CHECK-NOT: bf16
// CHECK: return
// REMARK: remark: [Missed] FEW_CHANNELS{{.*}}Reason="it reads 3 channels, which is faster in f32"
// REMARK: remark: [Missed] GROUPS_CUT_BLOCKS{{.*}}Reason="its groups share blocks of 8 channels"
// REMARK: remark: [Missed] NON_CONST_PARAM{{.*}}Reason="its weight is computed at run time"
func.func @kept(%x: tensor<1x3x4x4xf32>, %a: tensor<4x4xf32>) -> (tensor<1x2x4x4xf32>, tensor<1x3x4x4xf32>, tensor<4x4xf32>) {
  %w = nn.constant dense<0.1> : tensor<2x3x1x1xf32>
  %y = nn.conv %x, %w : (tensor<1x3x4x4xf32>, tensor<2x3x1x1xf32>) -> tensor<1x2x4x4xf32>
  %v = nn.constant dense<0.1> : tensor<3x1x1x1xf32>
  %z = nn.conv %x, %v {group = 3 : i64} : (tensor<1x3x4x4xf32>, tensor<3x1x1x1xf32>) -> tensor<1x3x4x4xf32>
  %m = nn.matmul %a, %a : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %y, %z, %m : tensor<1x2x4x4xf32>, tensor<1x3x4x4xf32>, tensor<4x4xf32>
}
