// Builds small models and runs the program `sinter` on them, as a user would.
#pragma once

#include "runtime/Tensor.h"

#include <onnx/onnx_pb.h>
#include <string>

namespace sinter::cli {

struct Outcome {
  int status = -1; ///< exit status; -1 if a signal ended it
  std::string out, err;
};

/// Runs `sinter` with `arguments`, which the shell splits; @ stands for the test's own folder.
Outcome run(const std::string &arguments);

/// Runs any command of the shell in the same way.
Outcome runShell(const std::string &command);

/// Expects exit status 1 and one message that starts with "sinter: error: " and contains each of `parts`.
void expectError(const std::string &arguments, std::initializer_list<std::string_view> parts);

/// Expects each of `parts` in a text.
void expectContains(const std::string &text, std::initializer_list<std::string_view> parts);

/// The test's own folder, empty at its start.
const std::string &folder();
std::string pathOf(const std::string &name);
void writeText(const std::string &name, std::string_view text);
std::string readText(const std::string &name);

/// A model of opset 13 with an f32 input x and output y of the given shape, without nodes.
onnx::ModelProto makeModel(const Shape &shape);
onnx::NodeProto *addNode(onnx::ModelProto &model, const std::string &op, std::initializer_list<const char *> inputs,
                         const std::string &output, const std::string &name);
/// An f32 initialiser filled with `value`.
onnx::TensorProto *addWeight(onnx::ModelProto &model, const std::string &name, const Shape &shape, float value);
/// Lets the elements lie in another file, `location` as the model names it.
void setExternal(onnx::TensorProto *tensor, const std::string &location);
void save(const onnx::ModelProto &model, const std::string &name);
/// y = Relu(x) of shape 2x3.
onnx::ModelProto reluModel();
/// Writes x or y for a test: f32, values start, start + 1, ...
void saveTensor(const std::string &name, DType type, const Shape &shape, double start);

} // namespace sinter::cli
