// RUN: sinter-opt %s -nn-form-kernels -nn-assign-backend | FileCheck %s --check-prefixes=ANY,LLVM
// RUN: sinter-opt %s -nn-form-kernels -nn-assign-backend=backend=reference | FileCheck %s --check-prefixes=ANY,REFERENCE
// RUN: not sinter-opt %s -nn-assign-backend=backend=gpu 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not sinter-opt %s -nn-pipeline=backend=gpu 2>&1 | FileCheck %s --check-prefix=CHOICE
// RUN: sinter-opt %s -nn-pipeline=target-cpu=x86-64-v3 | FileCheck %s --check-prefix=OURS
// RUN: sinter-opt %s -nn-pipeline="target-cpu=x86-64-v3 backend=onednn" | FileCheck %s --check-prefix=ONEDNN

// Every kernel of a function gets the backend that is asked for.
// ANY-LABEL: func.func @main
// LLVM: nn.kernel "conv" "llvm"
// LLVM: nn.kernel "indices" "llvm"
// REFERENCE: nn.kernel "conv" "reference"
// REFERENCE: nn.kernel "indices" "reference"
// UNKNOWN: error: unknown backend 'gpu': use auto, llvm, onednn or reference
// CHOICE: backend 'gpu' is none of auto, llvm, onednn, reference

// In the pipeline, backends say themselves what they take: `auto` prefers generated code, and `onednn` leaves it what oneDNN cannot do, integers
// of 64 bits.
// OURS: nn.kernel "conv" "llvm"
// OURS: nn.kernel "indices" "llvm"
// ONEDNN: nn.kernel "conv" "onednn"
// ONEDNN: nn.kernel "indices" "llvm"
func.func @main(%x: tensor<1x2x4x4xf32> {nn.name = "x"}, %i: tensor<4xi64> {nn.name = "i"})
    -> (tensor<1x2x4x4xf32> {nn.name = "y"}, tensor<4xi64> {nn.name = "j"}) {
  %w = nn.constant dense<[[[[1.0]], [[0.5]]], [[[-1.0]], [[2.0]]]]> : tensor<2x2x1x1xf32>
  %y = nn.conv %x, %w : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32> loc("conv")
  %j = nn.add %i, %i : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64> loc("indices")
  return %y, %j : tensor<1x2x4x4xf32>, tensor<4xi64>
}
