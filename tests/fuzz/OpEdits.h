// Every change of one place of a model, numbered: each dimension, attribute, operand and number of a
// constant, each with the values that sizes are wrong at. A run through all numbers leaves nothing to chance;
// model-fuzz joins several by chance.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace onnx {
class ModelProto;
}

namespace sinter::fuzz {

/// How many changes the model has.
size_t editCount(const onnx::ModelProto &model);
/// Carries out change `number`.
void applyEdit(onnx::ModelProto &model, size_t number);

/// A model file; small inputs whose values lie in test_data_set_0 beside it become initializers, since what
/// says sizes and axes, the other operands of an operator's example, is to be changed, too. Empty where it is
/// no model or larger than 1 MiB.
std::string readModelSeed(const std::string &path);

} // namespace sinter::fuzz
