// RUN: sinter-opt %s -nn-specialise-shapes -split-input-file -verify-diagnostics

// A dynamic input needs the user: the message is the option to give.
// expected-error@+1 {{input 'x' has the dynamic dimension 0 ('batch'): give its shape, @{shape x=1x3@}, or the dimension, @{dim batch=1@}}}
func.func @main(%x: tensor<?x3xf32> {nn.name = "x", nn.dims = ["batch", ""]}) -> tensor<?x3xf32> {
  return %x : tensor<?x3xf32>
}

// -----

// A shape that is an input of the model is known only at run time.
func.func @main(%x: tensor<6xf32> {nn.name = "x"}, %s: tensor<2xi64> {nn.name = "s"}) -> tensor<?x?xf32> {
  // expected-error@+1 {{unsupported: (Reshape) has a result shape known only at run time}}
  %y = nn.reshape %x, %s : (tensor<6xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
