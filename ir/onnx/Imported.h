// What an ONNX name stands for while a model is imported: a tensor, or a sequence or optional of tensors, which exist
// only here. Their lengths are known, so ops see nothing but tensors.
#pragma once

#include "mlir/IR/Value.h"
#include <memory>
#include <vector>

namespace sinter::nn {

struct Imported {
  enum Kind { Missing, Tensor, Sequence, Empty };

  Imported() = default;
  Imported(mlir::Value value) : kind(value ? Tensor : Missing), tensor(value) {}
  static Imported sequence(std::vector<Imported> elements) {
    Imported result;
    result.kind = Sequence;
    result.elements = std::make_shared<const std::vector<Imported>>(std::move(elements));
    return result;
  }
  /// An optional that holds nothing. One that holds something is that thing.
  static Imported empty() {
    Imported result;
    result.kind = Empty;
    return result;
  }
  bool isSequence() const { return kind == Sequence; }
  /// "a tensor", ...: for messages.
  const char *describe() const {
    constexpr const char *names[] = {"nothing", "a tensor", "a sequence", "an empty optional"};
    return names[kind];
  }

  Kind kind = Missing; ///< of an absent input
  mlir::Value tensor;
  std::shared_ptr<const std::vector<Imported>> elements; ///< of a sequence
};

} // namespace sinter::nn
