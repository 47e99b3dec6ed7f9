// Reads an ONNX model file into a module of the nn dialect.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "runtime/Status.h"

namespace sinter::nn {

struct ImportOptions {
  /// Overridable initialisers (IR version 4 and up) become constants instead of inputs with a default.
  bool freezeInputs = false;
};

/// A module with one function @main: arguments are the graph's inputs, results its outputs, each with its
/// ONNX name as attribute `nn.name`; inputs also carry `nn.dims` (the names of symbolic dimensions) and,
/// where an initialiser gives a default, `nn.default`. Ops carry their node's name as location. An
/// unsupported model gets one error that lists all that is missing.
Expected<mlir::OwningOpRef<mlir::ModuleOp>> importOnnx(const std::string &path, mlir::MLIRContext &context,
                                                       const ImportOptions &options = {});

} // namespace sinter::nn
