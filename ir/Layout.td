// How tensors lie in memory: encodings of their types.
#ifndef SINTER_IR_LAYOUT_TD
#define SINTER_IR_LAYOUT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/TensorEncoding.td"
include "ir/NN.td"

def NN_BlockedAttr : AttrDef<NN_Dialect, "Blocked", [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let mnemonic = "blocked";
  let summary = "channels in blocks";
  let description = [{
    The encoding of a tensor whose dimension `axis` is cut into blocks of `size`: `tensor<1x20x7x7xf32, #nn.blocked<1, 8>>` lies in
    memory as 1x3x7x7x8, row-major; shapes and ops stay logical. What fills up the last block is some number, never read as part of
    the tensor. Only `nn.reorder` changes layouts.
  }];
  let parameters = (ins "int64_t":$axis, "int64_t":$size);
  let assemblyFormat = "`<` $axis `,` $size `>`";
  let genVerifyDecl = 1;
}

#endif
