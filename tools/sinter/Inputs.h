// The input tensors of a command: named on its command line, or random.
#pragma once

#include "runtime/Model.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sinter {

/// Tensors by input name; "" stands for the only input.
using GivenTensors = std::map<std::string, Tensor>;

/// Reads "NAME=FILE" or "FILE"; `option` ("--input") names the culprit in errors.
Expected<GivenTensors> readTensors(const std::vector<std::string> &assignments, std::string_view option);

/// A tensor without a name gets that of the only input that must be given.
void nameOnlyTensor(GivenTensors &given, const std::vector<std::string> &required);

/// Open dimensions of an .onnx model take their size from the given tensors; gives "" its name where the
/// model has one input.
Status takeOpenShapes(const std::string &modelPath, GivenTensors &given, std::map<std::string, Shape> &shapes);

/// The tensors in the model's order, which fit one of its variants; an input with a default value may be absent (a
/// default-constructed Tensor).
Expected<std::vector<Tensor>> bindTensors(const Model &model, GivenTensors given, std::string_view option);

/// The input for which a value is drawn.
struct DrawContext {
  DType type;
  double low, high; ///< of its range
  bool isDeclared;  ///< by the caller's ranges
};

/// A value by as many numbers in [0, 1) as it takes.
using DrawValue = std::function<double(const DrawContext &at, const std::function<double()> &next)>;

/// Values of a generator with a fixed seed, the same on every machine: by `draw`, else uniform in [low, high)
/// or in the declared range of an input; truncated for integers. Inputs with a default value keep it.
Expected<std::vector<Tensor>> randomInputs(const Model &model, double low, double high,
                                           const std::map<std::string, std::pair<double, double>> &ranges = {},
                                           unsigned seed = 1, const DrawValue &draw = {});

} // namespace sinter
