// Reads an ONNX model file into a module of the nn dialect.
#pragma once

#include "ir/Limits.h"
#include "ir/onnx/ModelFile.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "runtime/Status.h"
#include "runtime/Tensor.h"
#include <functional>
#include <map>
#include <set>
#include <span>

namespace sinter::nn {

/// The outcome for a node, or for an input, an initializer or the opset, when it was imported.
struct NodeReport {
  std::string name, op; ///< of the node; its operator with the domain if that is not ONNX's own
  enum { Imported, Refused, Unreached } outcome = Imported;
  std::string reason; ///< where it was not imported
};

struct ImportOptions {
  /// Overridable initialisers (IR version 4 and up) become constants instead of inputs with a default.
  bool freezeInputs = false;
  /// The values that inputs will have, by name: where a shape follows from one, it becomes a constant.
  std::map<std::string, Tensor> values;
  /// Shapes of inputs and sizes of symbolic dimensions. What does not fit the model is left to nn-specialise-shapes to
  /// report. Element I of an input NAME that is a sequence is called NAME[I].
  std::map<std::string, Shape> shapes;
  std::map<std::string, int64_t> dims;
  /// Inputs that are sequences of no element, or optionals without one.
  std::set<std::string> empty;
  /// Where given: every node is listed here, and so is what else cannot be imported; the module holds what can. Values
  /// that nothing computes then are no outputs.
  std::vector<NodeReport> *report = nullptr;
  /// Bounds on the memory, ops and work of the model.
  Limits limits;
  /// Told of nodes that are odd but no error. May be null.
  std::function<void(const std::string &)> warn = {};
};

/// A module with one function @main: arguments are the graph's inputs, results its outputs, each with its
/// ONNX name as attribute `nn.name`; inputs also carry `nn.dims` (the names of symbolic dimensions) and,
/// where an initialiser gives a default, `nn.default`, or where what it will hold is known, `nn.value`. Ops carry their
/// node's name as location. Control flow is carried out here: loops are unrolled, branches chosen or computed both.
/// Sequences at the graph's edges are inputs and outputs NAME[0], NAME[1], .... An unsupported model gets one error
/// that lists all that is missing.
Expected<mlir::OwningOpRef<mlir::ModuleOp>> importOnnx(const ModelFile &file, mlir::MLIRContext &context,
                                                       const ImportOptions &options = {});

} // namespace sinter::nn
