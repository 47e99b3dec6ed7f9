// Tensors whose size along an axis only a run says, as nodes pass them on.
#pragma once

#include "ir/onnx/Imported.h"
#include "onnx/onnx_pb.h"
#include "runtime/Status.h"
#include "llvm/ADT/ArrayRef.h"

namespace sinter::nn {

/// Success if no input of the node is such a tensor, or its results are right in what is there of them, where only that
/// is there of its inputs: then `outputs` say how much. Else an error that names the input.
Status passBounds(const onnx::NodeProto &node, llvm::ArrayRef<Imported> inputs,
                  llvm::MutableArrayRef<Imported> outputs);

} // namespace sinter::nn
