// RUN: sinter-opt %s --split-input-file --verify-diagnostics

// A rank is at most 64.
// expected-error @+1 {{a layout blocks a dimension from 0 to 63, not 64}}
func.func @axis(%x: tensor<1x8xf32, #nn.blocked<64, 8>>) { return }

// -----

// expected-error @+1 {{a layout blocks a dimension from 0 to 63, not -1}}
func.func @negative(%x: tensor<1x8xf32, #nn.blocked<-1, 8>>) { return }

// -----

// Blocks of one element are the plain layout.
// expected-error @+1 {{a block has 2 to 64 elements, not 1}}
func.func @small(%x: tensor<1x8xf32, #nn.blocked<1, 1>>) { return }

// -----

// expected-error @+1 {{a block has 2 to 64 elements, not 65}}
func.func @large(%x: tensor<1x8xf32, #nn.blocked<1, 65>>) { return }

// -----

// expected-error @+1 {{a layout blocks dimension 9 of a tensor of rank 2}}
func.func @rank(%x: tensor<1x8xf32, #nn.blocked<9, 8>>) { return }
