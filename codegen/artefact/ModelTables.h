// The tables of a SinterModel that say what goes in and out, with the memory they point to.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "runtime/Abi.h"
#include "runtime/Tensor.h"

#include <deque>
#include <optional>

namespace sinter::codegen {

/// One graph input or output.
struct TensorEntry {
  std::string name;
  DType type;
  Shape shape;
  std::optional<Tensor> defaultValue;
  int32_t countedBy = 0, boundedAxis = 0; ///< as in runtime/Abi.h
};

struct TensorTables {
  std::vector<TensorEntry> inputs, outputs;
  /// The tables as the ABI has them; they point into this object.
  std::vector<SinterTensorInfo> inputInfos() const { return infos(inputs); }
  std::vector<SinterTensorInfo> outputInfos() const { return infos(outputs); }

private:
  static std::vector<SinterTensorInfo> infos(const std::vector<TensorEntry> &entries);
};

/// Reads names, types and defaults off @main, whose types are static.
TensorTables tensorTables(mlir::func::FuncOp main);

} // namespace sinter::codegen
