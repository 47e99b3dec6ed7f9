// RUN: sinter-opt %s --nn-assign-layout="block=8" | FileCheck %s
// RUN: sinter-opt %s --nn-assign-layout="block=8" --nn-form-kernels | FileCheck %s --check-prefix=NAME
// RUN: sinter-opt %s --nn-assign-layout="block=8" --remarks-filter-missed='.*' --remarks-filter-analyse='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK --implicit-check-not=remark:

// The image is read as it is; blocks last through the pool and the sum, and end at the output.
// CHECK-LABEL: func.func @main
// CHECK: %[[CONV:.*]] = nn.conv %{{.*}} -> tensor<1x16x8x8xf32, #nn.blocked<1, 8>>
// CHECK: %[[RELU:.*]] = nn.relu %[[CONV]]
// CHECK-SAME: -> tensor<1x16x8x8xf32, #nn.blocked<1, 8>>
// CHECK: %[[POOL:.*]] = nn.max_pool %[[RELU]]
// CHECK-SAME: -> tensor<1x16x4x4xf32, #nn.blocked<1, 8>>
// CHECK: %[[SCALED:.*]] = nn.mul %[[POOL]], %{{.*}} : (tensor<1x16x4x4xf32, #nn.blocked<1, 8>>, tensor<1x16x1x1xf32>)
// CHECK: %[[PLAIN:.*]] = nn.reorder %[[SCALED]] : (tensor<1x16x4x4xf32, #nn.blocked<1, 8>>) -> tensor<1x16x4x4xf32>
// CHECK: return %[[PLAIN]]
// A reorder has a name of its own.
// NAME: nn.kernel "reorder of scaled"
// REMARK: remark: {{.*}}[Analysis] REORDERED{{.*}}Function=scaled {{.*}}Reason="reordered into the plain layout, as the model's outputs lie plain"
func.func @main(%x: tensor<1x3x8x8xf32>) -> tensor<1x16x4x4xf32> {
  %w = nn.constant dense<1.0> : tensor<16x3x3x3xf32>
  %s = nn.constant dense<2.0> : tensor<1x16x1x1xf32>
  %a = nn.conv %x, %w {pads = array<i64: 1, 1, 1, 1>} : (tensor<1x3x8x8xf32>, tensor<16x3x3x3xf32>) -> tensor<1x16x8x8xf32>
  %r = nn.relu %a : (tensor<1x16x8x8xf32>) -> tensor<1x16x8x8xf32>
  %p = nn.max_pool %r {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x16x8x8xf32>) -> tensor<1x16x4x4xf32>
  %y = nn.mul %p, %s : (tensor<1x16x4x4xf32>, tensor<1x16x1x1xf32>) -> tensor<1x16x4x4xf32> loc("scaled")
  return %y : tensor<1x16x4x4xf32>
}

// A concatenation that would cut a block, an op that knows no blocks, weights that are not constant: plain.
// CHECK-LABEL: func.func @plain
// CHECK-DAG: %[[A:.*]] = nn.conv %{{.*}} -> tensor<1x12x4x4xf32, #nn.blocked<1, 8>>
// CHECK-DAG: %[[PA:.*]] = nn.reorder %[[A]]
// CHECK: %[[CAT:.*]] = nn.concat %[[PA]], %[[PA]] {axis = 1 : i64} : {{.*}} -> tensor<1x24x4x4xf32>{{$}}
// CHECK: %[[T:.*]] = nn.transpose %[[CAT]]
// CHECK: nn.conv %[[T]], %{{.*}} -> tensor<1x4x4x8xf32>{{$}}
// REMARK: remark: [Missed] BLOCKS_CUT{{.*}}Reason="its operand 0 has 12 channels, which end within a block of 8"
// REMARK: remark: [Analysis] REORDERED{{.*}}Reason="reordered into the plain layout, as (Concat) works on plain values: its operand 0 has 12 channels, which end within a block of 8"
// REMARK: remark: [Analysis] REORDERED{{.*}}Reason="reordered into the plain layout, as (Concat) works on plain values: its operand 0 has 12 channels, which end within a block of 8"
// REMARK: remark: [Missed] NON_CONST_PARAM{{.*}}Reason="its weight or bias is computed at run time"
func.func @plain(%x: tensor<1x8x4x4xf32>, %v: tensor<4x4x1x17xf32>) -> tensor<1x4x4x8xf32> {
  %w = nn.constant dense<1.0> : tensor<12x8x1x1xf32>
  %a = nn.conv %x, %w : (tensor<1x8x4x4xf32>, tensor<12x8x1x1xf32>) -> tensor<1x12x4x4xf32>
  %c = nn.concat %a, %a {axis = 1 : i64} : (tensor<1x12x4x4xf32>, tensor<1x12x4x4xf32>) -> tensor<1x24x4x4xf32>
  %t = nn.transpose %c {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x24x4x4xf32>) -> tensor<1x4x4x24xf32>
  %y = nn.conv %t, %v : (tensor<1x4x4x24xf32>, tensor<4x4x1x17xf32>) -> tensor<1x4x4x8xf32>
  return %y : tensor<1x4x4x8xf32>
}

// Groups must not cut a block: they are inside of one (depthwise ones too), or whole ones.
// CHECK-LABEL: func.func @groups
// CHECK: nn.conv %{{.*}} {group = 8 : i64} : {{.*}} -> tensor<1x16x4x4xf32, #nn.blocked<1, 8>>
// CHECK: nn.conv %{{.*}} {group = 16 : i64} : {{.*}} -> tensor<1x16x4x4xf32, #nn.blocked<1, 8>>
// CHECK: nn.conv %{{.*}} {group = 2 : i64} : {{.*}} -> tensor<1x32x4x4xf32, #nn.blocked<1, 8>>
// CHECK: nn.conv %{{.*}} {group = 8 : i64} : {{.*}} -> tensor<1x64x4x4xf32>{{$}}
// CHECK: nn.conv %{{.*}} {group = 4 : i64} : {{.*}} -> tensor<1x16x4x4xf32>{{$}}
// REMARK: remark: [Analysis] REORDERED{{.*}}Reason="reordered into blocks of channels, as (Conv) works in blocks"
// REMARK: remark: [Missed] GROUPS_CUT_BLOCKS{{.*}}Reason="its groups share blocks of 8 channels"
// REMARK: remark: [Analysis] REORDERED{{.*}}Reason="reordered into the plain layout, as (Conv) works on plain values: its groups share blocks of 8 channels"
// REMARK: remark: [Missed] GROUPS_CUT_BLOCKS{{.*}}Reason="its groups share blocks of 8 channels"
func.func @groups(%x: tensor<1x16x4x4xf32>) -> tensor<1x16x4x4xf32> {
  %w = nn.constant dense<1.0> : tensor<16x2x1x1xf32>
  %d = nn.constant dense<1.0> : tensor<16x1x1x1xf32>
  %v = nn.constant dense<1.0> : tensor<32x8x1x1xf32>
  %u = nn.constant dense<1.0> : tensor<64x4x1x1xf32>
  %t = nn.constant dense<1.0> : tensor<16x16x1x1xf32>
  %a = nn.conv %x, %w {group = 8 : i64} : (tensor<1x16x4x4xf32>, tensor<16x2x1x1xf32>) -> tensor<1x16x4x4xf32>
  %b = nn.conv %a, %d {group = 16 : i64} : (tensor<1x16x4x4xf32>, tensor<16x1x1x1xf32>) -> tensor<1x16x4x4xf32>
  %c = nn.conv %b, %v {group = 2 : i64} : (tensor<1x16x4x4xf32>, tensor<32x8x1x1xf32>) -> tensor<1x32x4x4xf32>
  %e = nn.conv %c, %u {group = 8 : i64} : (tensor<1x32x4x4xf32>, tensor<64x4x1x1xf32>) -> tensor<1x64x4x4xf32>
  %y = nn.conv %e, %t {group = 4 : i64} : (tensor<1x64x4x4xf32>, tensor<16x16x1x1xf32>) -> tensor<1x16x4x4xf32>
  return %y : tensor<1x16x4x4xf32>
}
