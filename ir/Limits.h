// Limits on what a model may ask of the compiler; beyond them it is an error, or work is left for run time
// (docs/limits.md). A file of a hundred bytes can ask for anything: whatever is sized by its numbers is
// checked against these.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Support/LogicalResult.h"
#include "runtime/Tensor.h"
#include "llvm/ADT/StringRef.h"
#include <map>
#include <string>

namespace mlir {
class ModuleOp;
class Operation;
} // namespace mlir

namespace sinter::nn {

/// By their names in `--limit NAME=N`.
struct Limits {
  int64_t value = 0;                ///< bytes of one value; 0: what the process may have
  int64_t ops = int64_t(1) << 15;   ///< of a model, with bodies and functions expanded
  int64_t parts = int64_t(1) << 11; ///< operands or results of one op
  int64_t foldWork =
      int64_t(1) << 32; ///< steps of constant folding in all: multiply-adds, comparisons, 64 for an element
  int64_t foldBytes = int64_t(1) << 28; ///< by which folded constants outgrow what they are computed from, in all
  int64_t table = int64_t(1) << 20;     ///< entries of a table, or bounds, along one axis
  int64_t stack = int64_t(1) << 20;     ///< bytes of stack that a run of the compiled model takes

  /// The limit of that name ("fold-work"); null where there is none.
  int64_t *find(llvm::StringRef name);
  /// The same, with what `given` says in place of defaults.
  static Limits with(const std::map<std::string, int64_t> &given);
  /// "value, ops, ...": for messages.
  static std::string names();
  /// `value`, with the process's memory in place of 0.
  int64_t valueBytes() const;
};

/// A DictionaryAttr of the module: the limits that are not the defaults.
inline constexpr llvm::StringLiteral limitsAttr = "nn.limits";
void setLimits(mlir::ModuleOp module, const std::map<std::string, int64_t> &given);
/// An i64 of the module: bytes of the constants that came with the file, where they are many. What is
/// computed from them may cost as much again.
inline constexpr llvm::StringLiteral givenBytesAttr = "nn.given_bytes";
void countGivenBytes(mlir::ModuleOp module);
/// The limits of the module that contains the op.
Limits limitsOf(mlir::Operation *op);

/// a*b, or nothing where it overflows or either is negative: how sizes of a model are multiplied.
std::optional<int64_t> product(int64_t a, int64_t b);

/// Bytes of a value; nothing where its shape is open. Saturates at INT64_MAX where they cannot be counted.
std::optional<int64_t> bytesOf(mlir::Type type);

/// Why nothing of these bytes can be ("a value of shape 3x4 takes 35.2 TB, more than ..."), or nothing. `what` is the
/// subject with its verb.
std::string checkBytes(const std::string &what, int64_t bytes, const Limits &limits);

/// Why no value of this type can be: it has more elements than can be counted, or more bytes than `limits`
/// allows. Empty where it can, or its shape is open.
std::string checkType(mlir::Type type, const Limits &limits);

/// Whether a dimension of an operand or result is longer than tables and bounds may be.
bool hasLongAxis(mlir::Operation *op);

} // namespace sinter::nn
