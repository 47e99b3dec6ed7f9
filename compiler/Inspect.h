// The report of `sinter inspect`: what goes into a model and out of it, what it consists of, and what of it each
// backend takes. No weights are read, and an operator that is not supported is an answer, not an error. No LLVM, no
// MLIR in this header.
#pragma once

#include "compiler/Compiler.h"
#include "compiler/ModelInterface.h"

namespace sinter {

/// All nodes of one operator. A node counts for a backend if that takes all it consists of.
struct InspectedOperator {
  std::string name; ///< "Conv", "com.microsoft.Gelu"; of a .mlir file "nn.conv"
  int64_t count = 0, supported = 0, reference = 0;
  std::map<std::string_view, int64_t> takenBy; ///< the backends of runtime/BackendChoice.h, by name
};

struct InspectedProblem {
  std::string node, op, reason;
};

/// A dimension that the model leaves open, or several of one name.
struct InspectedDimension {
  std::string name;                ///< by which options give it a size
  std::vector<std::string> places; ///< "x.0": axes of inputs
  std::optional<SizeRange> range;  ///< what the options declare
};

struct ModelInspection {
  std::string producer;
  std::vector<std::pair<std::string, int64_t>> opsets; ///< domain ("ai.onnx") and version
  ModelInterface interface;
  std::vector<InspectedDimension> openDimensions; ///< that the options give no size
  std::vector<InspectedOperator> operators;       ///< the most frequent first
  /// The reasons why the model cannot be compiled; nodes behind an unsupported one are not listed.
  std::vector<InspectedProblem> problems;
  int64_t parameters = 0, parameterBytes = 0;
  /// Twice the multiply-adds of convolutions and matrix products, and the scratch memory that one inference takes,
  /// without the optimisations that read weights. Nothing where `openShapes` says what has to be given.
  std::optional<double> flops;
  std::optional<int64_t> arenaBytes;
  std::string openShapes;
  /// The backends' answers are those for these shapes, which were assumed; empty where shapes are known.
  std::map<std::string, Shape> assumedShapes;
  /// Whether the backends were asked at all: without shapes they cannot answer.
  bool asked = false;
};

/// Fails for what is no model: unreadable, garbage, inconsistent.
Expected<ModelInspection> inspectModel(const std::string &path, const CompileOptions &options);

} // namespace sinter
