// Compiles functions on scalars, to run in tests what buildElement builds.
#pragma once

#include "ir/ops/Element.h"
#include "mlir/IR/MLIRContext.h"
#include <memory>
#include <string>

namespace sinter::test {

class ScalarJit {
public:
  ScalarJit();
  ~ScalarJit();

  mlir::MLIRContext &context();
  /// Adds a function that `body` builds from its arguments; nothing is added where it returns a null value.
  /// i1 goes in and out as a byte.
  void add(const std::string &name, llvm::ArrayRef<mlir::Type> arguments, mlir::Type result,
           llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::ValueRange)> body);
  /// Compiles what was added; false on failure.
  bool compile();
  /// The code of a function void(const void *const *arguments, void *result); null if there is none of the
  /// name.
  void (*find(const std::string &name))(const void *const *, void *);

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace sinter::test
