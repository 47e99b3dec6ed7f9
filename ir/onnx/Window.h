// The attributes of sliding windows, as Conv, ConvTranspose and the pools spell them.
#pragma once

#include "ir/onnx/NodeImporter.h"

namespace sinter::nn {

/// An ints attribute; null where it is absent or empty, both of which mean the default.
inline mlir::DenseI64ArrayAttr arrayAttr(NodeImporter &n, llvm::StringRef name) {
  auto values = n.intsAttr(name);
  return values && !values->empty() ? n.builder.getDenseI64ArrayAttr(*values) : mlir::DenseI64ArrayAttr();
}

/// Empty means the default, too.
inline mlir::StringAttr autoPadAttr(NodeImporter &n) {
  bool isEmpty = n.stringAttr("auto_pad", "").empty();
  return n.builder.getStringAttr(stringifyEnum(isEmpty ? AutoPad::NotSet : n.wordAttr<AutoPad>("auto_pad")));
}

} // namespace sinter::nn
