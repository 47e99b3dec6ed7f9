// NumPy's .npy files: the plain way to bring data to a model and take it away.
#pragma once

#include "runtime/Status.h"
#include "runtime/Tensor.h"

namespace sinter {

class OutputSet;

/// Parses the bytes of a .npy file of version 1 to 3, of either byte order and either memory order. `name` is
/// for messages. bf16, which NumPy lacks, is stored as V2, as the ml_dtypes package does.
Expected<Tensor> parseNpy(std::span<const std::byte> bytes, const std::string &name);
Expected<Tensor> readNpy(const std::string &path);
/// Version 1, little endian, row-major, written atomically.
Status writeNpy(const std::string &path, const Tensor &tensor);
/// Writes the tensor as one of several outputs.
Status addNpy(OutputSet &outputs, const std::string &path, const Tensor &tensor);

} // namespace sinter
