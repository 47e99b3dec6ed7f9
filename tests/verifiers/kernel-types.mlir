// RUN: not sinter compile %s -o %t.so 2>&1 | FileCheck %s
// RUN: not sinter verify %s 2>&1 | FileCheck %s
// Shape inference does not look into kernels: what a file says there is compared with it when it is read.
// CHECK: kernel-types.mlir:8{{.*}}makes 'tensor<100000xf32>' of the values of its operands, not 'tensor<1xf32>'
module {
  func.func @main(%x: tensor<100000xf32> {nn.name = "x"}) -> (tensor<1xf32> {nn.name = "y"}) {
    %y = nn.kernel "k" "llvm" {
      %r = nn.relu %x : (tensor<100000xf32>) -> tensor<1xf32>
      nn.yield %r : tensor<1xf32>
    } : tensor<1xf32>
    return %y : tensor<1xf32>
  }
}
