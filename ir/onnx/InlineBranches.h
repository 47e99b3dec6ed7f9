// If without control flow: both branches become part of the graph around it. ONNX nodes have no side effects,
// so computing both and taking one is exact.
#pragma once

#include "onnx/onnx_pb.h"
#include "runtime/Status.h"

namespace sinter::nn {

/// Replaces every If, nested ones too, by the nodes of its branches and, for each output, a node
/// If(condition, then value, else value). Values that a branch defines get names that no other value has;
/// node names stay.
Status inlineBranches(onnx::GraphProto &graph);

} // namespace sinter::nn
