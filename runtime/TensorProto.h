// ONNX tensors (TensorProto, in .pb files and in models) to host tensors and back. Apart from the rest of the runtime,
// which needs no protobuf: link SinterTensorProto for it.
#pragma once

#include "runtime/MappedFile.h"
#include "runtime/Status.h"
#include "runtime/Tensor.h"

namespace onnx {
class TensorProto;
}

namespace sinter {

class OutputSet;

/// A tensor and the name its file gives it (may be empty).
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// The element type of an ONNX data type number. Unsupported (string, complex, 8-bit floats, 4-bit integers) by name.
Expected<DType> typeFromOnnx(int32_t dataType);
/// "FLOAT", "STRING", "FLOAT8E4M3FN", ...
std::string onnxTypeName(int32_t dataType);
int32_t typeToOnnx(DType type);

/// Reads raw or typed data; external data where `folder` allows it. Messages name the tensor. The result owns its
/// bytes, or is a view of a file in `folder` that it keeps mapped, read-only.
Expected<Tensor> tensorFromProto(const onnx::TensorProto &proto, const ModelFolder &folder = {});

Expected<NamedTensor> readTensorProto(const std::string &path);
/// The content of a file of an ONNX sequence (SequenceProto) or optional (OptionalProto). An optional of a tensor is
/// a sequence of one.
struct TensorList {
  std::vector<Tensor> tensors;
  bool isSequence = false;
};
/// Messages name the file. `isOptional` says which of both it is: they look alike in a file.
Expected<TensorList> readTensorList(const std::string &path, bool isOptional);

/// .npy by its magic, anything else as a TensorProto.
Expected<NamedTensor> readTensor(const std::string &path);
/// .pb by its ending, else .npy.
Status writeTensor(const std::string &path, const NamedTensor &tensor);
/// Writes the tensor as one of several outputs.
Status addTensor(OutputSet &outputs, const std::string &path, const NamedTensor &tensor);

} // namespace sinter
