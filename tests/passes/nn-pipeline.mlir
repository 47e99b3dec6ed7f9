// nn-pipeline is what `sinter compile` runs, for options and a target: the IR of either is the same, but for what the check of rewrites counts.
// RUN: sinter-opt %s -nn-pipeline=target-cpu=x86-64-v3 | FileCheck %s --check-prefixes=CHECK,V3
// RUN: sinter-opt %s -nn-pipeline=target-cpu=x86-64-v4 | FileCheck %s --check-prefixes=CHECK,V4
// RUN: sinter compile %s --target-cpu x86-64-v3 --emit mlir -o %t.compiled.mlir 2>/dev/null
// RUN: sinter-opt %t.compiled.mlir | sed 's/nn.rewrite_check = {[^}]*}, //; s/, nn.rewrite_check = {[^}]*}//' > %t.compiled
// RUN: sinter-opt %s -nn-pipeline=target-cpu=x86-64-v3 > %t.passes
// RUN: diff %t.compiled %t.passes

// RUN: sinter-opt %s -nn-pipeline="target-cpu=x86-64-v3 optimise=false" | FileCheck %s --check-prefix=PLAIN
// RUN: sinter-opt %s -nn-pipeline="target-cpu=x86-64-v3 math=strict" | FileCheck %s --check-prefix=STRICT
// RUN: sinter-opt %s -nn-pipeline="target-cpu=x86-64-v3 expose-kernels=true assume-finite=true" | FileCheck %s --check-prefix=EXPOSED
// RUN: sinter-opt %s -nn-pipeline="target-cpu=cooperlake precision=bf16" | FileCheck %s --check-prefix=BF16
// RUN: not sinter-opt %s -nn-pipeline="target-cpu=x86-64-v3 precision=bf16" 2>&1 | FileCheck %s --check-prefix=NO-BF16
// RUN: not sinter-opt %s -nn-pipeline="target-cpu=x86-64-v9" 2>&1 | FileCheck %s --check-prefix=NO-CPU
// RUN: not sinter-opt %s -nn-pipeline="math=loose" 2>&1 | FileCheck %s --check-prefix=NO-MATH

// The BatchNorm goes into the convolution, whose blocks of channels are as wide as the target's vectors.
// CHECK: nn.arena_bytes
// CHECK-NOT: nn.batch_norm
// V3: nn.kernel "conv+bn+relu" "llvm"
// V3: nn.conv {{.*}} -> tensor<1x16x4x4xf32, #nn.blocked<1, 8>>
// V4: nn.kernel "conv+bn+relu" "llvm"
// V4: nn.conv {{.*}} -> tensor<1x16x4x4xf32, #nn.blocked<1, 16>>
// CHECK: nn.kernel "reorder of relu" "llvm"

// PLAIN: nn.kernel "conv" "llvm"
// PLAIN: nn.kernel "bn" "llvm"
// PLAIN: nn.kernel "relu" "llvm"
// STRICT: nn.round_each_op
// STRICT: nn.batch_norm
// EXPOSED: nn.assume_finite
// EXPOSED: return %{{.*}}, %{{.*}} :
// BF16: nn.bfloat_products
// BF16: nn.conv {{.*}}bf16
// NO-BF16: bf16 needs AVX512-BF16
// NO-CPU: 'x86-64-v9' is not known
// NO-MATH: math 'loose' is none of strict, default, fast
func.func @main(%x: tensor<1x16x4x4xf32> {nn.name = "x"}) -> (tensor<1x16x4x4xf32> {nn.name = "y"}) {
  %w = nn.constant dense<0.5> : tensor<16x16x1x1xf32>
  %p = nn.constant dense<2.0> : tensor<16xf32>
  %a = nn.conv %x, %w : (tensor<1x16x4x4xf32>, tensor<16x16x1x1xf32>) -> tensor<1x16x4x4xf32> loc("conv")
  %b = nn.batch_norm %a, %p, %p, %p, %p
    : (tensor<1x16x4x4xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<1x16x4x4xf32> loc("bn")
  %y = nn.relu %b : (tensor<1x16x4x4xf32>) -> tensor<1x16x4x4xf32> loc("relu")
  return %y : tensor<1x16x4x4xf32>
}
