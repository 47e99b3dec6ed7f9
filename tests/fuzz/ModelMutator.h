// ONNX models that are almost right: one to four changes of what a seed says, most of them to its structure.
#pragma once

#include "tests/fuzz/Fuzz.h"

namespace onnx {
class ModelProto;
}

namespace sinter::fuzz {

class ModelMutator {
public:
  /// Reads the seeds; those that are no models or larger than 1 MiB are left out.
  explicit ModelMutator(const std::vector<std::string> &paths);
  bool hasSeeds() const { return !seeds.empty(); }
  /// A changed seed as a file.
  std::string mutate(Choices &choices) const;

private:
  void mutateOnce(onnx::ModelProto &model, Choices &choices) const;
  onnx::ModelProto seedOf(Choices &choices) const;

  std::vector<std::string> seeds; ///< whole files
  std::vector<std::string> opTypes;
};

} // namespace sinter::fuzz
