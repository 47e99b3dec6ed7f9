// RUN: sinter-opt %s -nn-form-kernels=fuse=false -nn-plan-memory | FileCheck %s

// %a dies where %b is made by an elementwise op: %b is written over it. %c must not overlap %b, which is read later.
// The result is the caller's: no place in the arena. A kernel's workspace begins behind what is alive while it runs.
// CHECK: nn.arena_bytes = 128
// CHECK: nn.kernel {{.*}} attributes {arena_offsets = array<i64: 0>, workspace_offset = 64 : i64}
// CHECK: nn.kernel {{.*}} attributes {arena_offsets = array<i64: 0>, workspace_offset = 64 : i64}
// CHECK: nn.kernel {{.*}} attributes {arena_offsets = array<i64: 64>, workspace_offset = 128 : i64}
// CHECK: nn.kernel {{.*}} attributes {arena_offsets = array<i64: -1>, workspace_offset = 128 : i64}
func.func @main(%x: tensor<16xf32>) -> tensor<16xf32> {
  %a = nn.relu %x : (tensor<16xf32>) -> tensor<16xf32>
  %b = nn.relu %a : (tensor<16xf32>) -> tensor<16xf32>
  %c = nn.relu %b : (tensor<16xf32>) -> tensor<16xf32>
  %d = nn.add %b, %c : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
  return %d : tensor<16xf32>
}
