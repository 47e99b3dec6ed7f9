// The inputs and outputs of a model, as its file says before it is compiled: the one description of them, read from
// ONNX's protobuf or from a module. No LLVM, no MLIR in this header.
#pragma once

#include "runtime/Status.h"
#include "runtime/Tensor.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mlir {
class ModuleOp;
}
namespace onnx {
class ModelProto;
}

namespace sinter {

/// An input or output of the graph.
struct InterfaceValue {
  std::string name;
  std::string kind = "tensor"; ///< or "sequence", "optional", "map", "sparse tensor", "unknown"
  std::string typeName;        ///< "f32"; ONNX's name of a type that Sinter lacks; of what is no tensor, its kind
  std::optional<DType> type;   ///< of a tensor's elements; nothing for one that Sinter lacks
  std::optional<Shape> shape;  ///< of a tensor: -1 where it leaves a size open; nothing where it leaves the rank open
  std::vector<std::string> dimNames; ///< of the shape's dimensions: that of a symbolic one, or empty
  bool hasDefault = false;           ///< of an input: it may be left out
  bool holdsTensor = true; ///< a tensor, or an optional one; else its elements are inputs, NAME[0], NAME[1], ...

  /// Whether a run says more than the file: the rank, a size, or whether there is a tensor.
  bool isOpen() const;
};

struct ModelInterface {
  std::string name;      ///< the graph's
  int64_t irVersion = 0; ///< of an ONNX file; 0 for a module
  std::vector<InterfaceValue> inputs, outputs;

  /// Null where there is none.
  const InterfaceValue *findInput(const std::string &name) const;
  /// Whether there is such an input, or a sequence of which it is an element ("x[2]").
  bool takes(const std::string &name) const;
  /// Null where there is none.
  const InterfaceValue *findOutput(const std::string &name) const;
  /// The inputs without a default, in order.
  std::vector<const InterfaceValue *> requiredInputs() const;
};

ModelInterface interfaceOf(const onnx::ModelProto &model);
/// Unnamed inputs and outputs get the names input0, output0, ...
ModelInterface interfaceOf(mlir::ModuleOp module);
/// Reads the interface of an .onnx file.
Expected<ModelInterface> readInterface(const std::string &path);

/// "x[2]": the name of an element of the sequence x.
std::string elementName(const std::string &sequence, size_t index);

/// Adds to `shapes` the shape of every given tensor whose input the model leaves open, or that is an element of an
/// input; what is there already stays.
void addOpenShapes(const ModelInterface &interface, const std::map<std::string, Tensor> &tensors,
                   std::map<std::string, Shape> &shapes);

} // namespace sinter
