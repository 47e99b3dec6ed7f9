// RUN: sinter-opt %s --split-input-file --verify-diagnostics

// The constraints of the records: shapes are integers.
func.func @shape(%x: tensor<2x3xf32>, %s: tensor<2xf32>) {
  // expected-error @+1 {{'nn.reshape' op operand #1 must be tensor of 32-bit signless integer or 64-bit signless integer values, but got 'tensor<2xf32>'}}
  %y = nn.reshape %x, %s : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<?x?xf32>
  return
}
