// RUN: sinter-opt %s -nn-move-dequantize --split-input-file --verify-diagnostics

// Specialisation refuses such a tensor before. Passes that read IR must not count with its size: twice it is no int64.
func.func @main(%x: tensor<1x1x4611686018427387905xi8>) {
  // expected-error @+1 {{'nn.max_pool' op has an input dimension of size 4611686018427387905}}
  %y = nn.max_pool %x {kernel_shape = array<i64: 1>} : (tensor<1x1x4611686018427387905xi8>) -> tensor<1x1x4611686018427387905xi8>
  return
}
