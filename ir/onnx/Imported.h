// The value of an ONNX name while a model is imported: a tensor, or a sequence or optional of tensors, which exist
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
  /// A tensor of which only the first `count` slices along an axis, an i64 scalar, are there when the model runs.
  static Imported bounded(mlir::Value value, int64_t axis, mlir::Value count) {
    Imported result(value);
    result.axis = axis;
    result.count = count;
    return result;
  }
  bool isSequence() const { return kind == Sequence; }
  bool isBounded() const { return static_cast<bool>(count); }
  /// "a tensor", ...: for messages.
  const char *describe() const {
    constexpr const char *names[] = {"nothing", "a tensor", "a sequence", "an empty optional"};
    return names[kind];
  }

  Kind kind = Missing; ///< of an absent input
  mlir::Value tensor;
  int64_t axis = 0;                                      ///< of a bounded tensor
  mlir::Value count;                                     ///< null where all of the tensor is there
  std::shared_ptr<const std::vector<Imported>> elements; ///< of a sequence
};

} // namespace sinter::nn
