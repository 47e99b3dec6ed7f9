// Checks of a graph as a whole, before any node is imported: names, order, operators.
#pragma once

#include "onnx/onnx_pb.h"
#include "runtime/Status.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include <vector>

namespace sinter::nn {

/// The display name of every node: its own, else `<OpType>:<first output>`; a name that `seen` has gets `#2`, `#3`,
/// ...
std::vector<std::string> nodeNames(const onnx::GraphProto &graph, llvm::StringMap<int> &seen);

/// "Conv", "ai.onnx.ml.Scaler": the operator of a node as the table of importers has it.
std::string operatorOf(const onnx::NodeProto &node);

/// An order in which every node comes after those it reads, in its subgraphs too. Errors name the culprit: a value
/// defined twice, read but never produced, or a cycle. `names` as of nodeNames; `isOuter` knows the names of the
/// graphs around this one.
Expected<std::vector<int>> evaluationOrder(const onnx::GraphProto &graph, const std::vector<std::string> &names,
                                           llvm::function_ref<bool(const std::string &)> isOuter);

/// Success, or one error that lists every operator that is not `isKnown`, with counts and node names. Subgraphs are
/// checked when they are imported: a branch that is never taken may hold anything.
Status checkOperators(const onnx::GraphProto &graph, const std::vector<std::string> &names,
                      llvm::function_ref<bool(const onnx::NodeProto &)> isKnown);

} // namespace sinter::nn
