// The attributes of sliding windows, as Conv, ConvTranspose and the pools spell them.
#pragma once

#include "ir/onnx/NodeImporter.h"

namespace sinter::nn {

/// An ints attribute; null where it is absent or empty, both of which mean the default.
inline mlir::DenseI64ArrayAttr arrayAttr(NodeImporter &n, llvm::StringRef name) {
  auto values = n.intsAttr(name);
  return values && !values->empty() ? n.builder.getDenseI64ArrayAttr(*values) : mlir::DenseI64ArrayAttr();
}

inline mlir::StringAttr autoPadAttr(NodeImporter &n) {
  std::string value = n.stringAttr("auto_pad", "NOTSET");
  return n.builder.getStringAttr(value.empty() ? "NOTSET" : value);
}

} // namespace sinter::nn
