// Checks of a graph as a whole, before any node is imported: names, order, operators.
#pragma once

#include "onnx/onnx_pb.h"
#include "runtime/Status.h"
#include <vector>

namespace sinter::nn {

/// The display name of every node: its own, else `<OpType>:<first output>`; a repeated name gets `#2`, `#3`,
/// ...
std::vector<std::string> nodeNames(const onnx::GraphProto &graph);

/// An order in which every node comes after those it reads. Errors name the culprit: a value defined twice,
/// read but never produced, or a cycle. `names` as of nodeNames.
Expected<std::vector<int>> evaluationOrder(const onnx::GraphProto &graph,
                                           const std::vector<std::string> &names);

/// Success, or one error that lists every operator without an importer, with counts and node names.
Status checkOperators(const onnx::GraphProto &graph, const std::vector<std::string> &names);

} // namespace sinter::nn
