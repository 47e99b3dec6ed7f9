// What an ONNX file says of its inputs and outputs, read before it is compiled: to bind recorded tensors to
// inputs, and to take from them the dimensions that the model leaves open.
#pragma once

#include "runtime/Status.h"
#include "runtime/Tensor.h"

#include <map>

namespace sinter {

struct OnnxValue {
  std::string name;
  std::string kind = "tensor"; ///< or "sequence", "optional", "map", "sparse tensor", "untyped value"
  bool hasShape = false;
  Shape shape;             ///< -1 where a dimension is open
  bool hasDefault = false; ///< an initialiser of the same name exists
  bool dynamic() const;
};

struct OnnxInterface {
  int64_t irVersion = 0;
  std::vector<OnnxValue> inputs, outputs;

  const OnnxValue *findInput(const std::string &name) const;
  const OnnxValue *findOutput(const std::string &name) const;
  /// The inputs that a caller must give: those without a default.
  std::vector<const OnnxValue *> requiredInputs() const;
};

Expected<OnnxInterface> readOnnxInterface(const std::string &path);

/// "x[2]": the name of an element of the sequence x.
std::string elementName(const std::string &sequence, size_t index);

/// Adds to `shapes` the shape of every given tensor whose input the model leaves open, or that is an element of an
/// input; what is there already stays.
void addOpenShapes(const OnnxInterface &interface, const std::map<std::string, Tensor> &tensors,
                   std::map<std::string, Shape> &shapes);

} // namespace sinter
