// The compiler's part of `sinter explain` and `sinter verify`: its report, and values by the reference. No LLVM, no
// MLIR in this header.
#pragma once

#include "compiler/Compiler.h"

#include <functional>

namespace sinter {

/// The explain JSON (docs/explain.md) of a .onnx or .mlir model, with the remarks of all passes where they are asked
/// for. Runs the passes and generates no code.
Expected<std::string> explainModel(const std::string &modelPath, const CompileOptions &options,
                                   bool withRemarks = false);

/// Writes the rows of an explain JSON, and its remarks, as LLVM optimisation remarks in YAML; "-" is the standard
/// output. Remedies name options by `words`.
Status writeRemarks(const std::string &explanation, const std::string &path, const OptionWords &words);

/// One node while the reference evaluates the model as imported.
struct NodeValues {
  std::string name;
  std::string kind;               ///< as in the explain JSON: "Relu", "BatchNormalization", ...; empty for other nodes
  const Tensor *operand, *result; ///< the first ones; operand is null for a node without any
};

/// Evaluates the model as imported, in double, calling `visit` after every node; the model's outputs.
Expected<std::vector<Tensor>> evaluateByReference(const std::string &modelPath, const CompileOptions &options,
                                                  const InputTensors &inputs,
                                                  const std::function<void(const NodeValues &)> &visit = {});

/// A node that makes steps of last bits, and what comes of it.
struct RoundingStep {
  std::string node;                  ///< the first whose result changes; empty: none does
  int64_t changed = 0, elements = 0; ///< of its result
  std::vector<double> moved;         ///< by output, the largest difference
  /// The first node that adds up products which overflow, where the reference shows an infinity that was there before:
  /// which infinities and NaN come of it is open. Empty: there is none.
  std::string overflow;
};

/// Evaluates the model as imported with last bits of every operation at random, four times, beside `outputs`.
Expected<RoundingStep> findRoundingStep(const std::string &modelPath, const CompileOptions &options,
                                        const InputTensors &inputs, const std::vector<Tensor> &outputs);

/// Where values part from what they should be: a pass, and which of its rewrites ("move-affine-up at 'bn1'
/// (nn.batch_norm)"); empty where no single one did it, both empty where all is well.
struct FirstFault {
  std::string pass, rewrite;
};

/// Runs the passes and evaluates the module after each by the reference: visit(pass, outputs). The first
/// outputs that are not good are searched for the rewrite that made them so.
Expected<FirstFault>
evaluateAfterPasses(const std::string &modelPath, const CompileOptions &options, const InputTensors &inputs,
                    const std::function<bool(const std::vector<Tensor> &outputs)> &isGood,
                    const std::function<void(const std::string &pass, const std::vector<Tensor> &outputs)> &visit);

} // namespace sinter
