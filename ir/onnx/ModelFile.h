// An ONNX model file as protobuf classes, but for large tensors: their data stays where it lies in the file, as if it
// were external. So models are not held twice in memory, and can be looked at without reading their weights.
#pragma once

#include "runtime/MappedFile.h"

namespace onnx {
class ModelProto;
}

namespace sinter::nn {

struct ModelFile {
  std::string path;
  std::shared_ptr<const onnx::ModelProto> proto;
  /// Where tensorFromProto finds the data of the model's tensors.
  ModelFolder folder;
};

/// Reads and parses; fails for what is no ONNX model with a graph. `readsData` false: tensors of more than a page hold
/// zeros, and neither they nor external data are looked at. `content`, if not null, is copied and stands for the file,
/// whose path then only names it and its folder.
Expected<ModelFile> readModelFile(const std::string &path, bool readsData = true,
                                  std::span<const std::byte> content = {});

} // namespace sinter::nn
