// The structs of runtime/Abi.h as LLVM IR sees them. The compiler of this program lays them out; no second copy of
// their order exists, so that a field that moves in the header moves in every model.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <map>
#include <string>

namespace sinter::codegen {

struct AbiField {
  llvm::StringRef name, type; ///< "inputs", "ptr"
  size_t offset, bytes;
};

struct AbiStruct {
  llvm::StringRef name; ///< "SinterModel"
  llvm::ArrayRef<AbiField> fields;

  /// "%SinterModel = type { i32, ... }", a line.
  std::string typeText() const;
  /// "{ i32 1, ptr null }", of values by the fields' names. Fields that none is given for are zero.
  std::string valueText(const std::map<llvm::StringRef, std::string> &values) const;
};

extern const AbiStruct abiCallbacks, abiCall, abiTensorInfo, abiKernelInfo, abiModel;

/// Their types, as lines.
std::string abiTypesText();

/// `text` with every "#SinterModel.weights#" replaced by the index of that field, for getelementptr.
std::string withFieldIndices(llvm::StringRef text);

} // namespace sinter::codegen
