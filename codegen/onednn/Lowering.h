// From the ops of a kernel to steps of a description. Each family of ops has its file, which adds a function
// per op to the table.
#pragma once

#include "ir/Ops.h"
#include "runtime/onednn/Description.h"

#include <functional>

namespace sinter::codegen {

/// Builds the description of one kernel.
class Lowering {
public:
  Lowering(nn::KernelOp kernel, bool assumeFinite) : kernel(kernel), assumeFinite(assumeFinite) {}

  /// Lowers all ops; the reason why that is not possible, or nothing.
  std::string run();

  const onednn::Description &result() const { return description; }
  /// The result with steps joined: an elementwise step becomes a post-op of the step that only it reads.
  onednn::Description fused() const;

  //===- For the functions of the table -----------------------------------===//

  /// The tensor of a value of the kernel, dense; a scalar has the shape [1].
  onednn::Argument argument(mlir::Value value);
  /// The value under another shape of as many elements.
  onednn::Argument argument(mlir::Value value, Shape shape);
  /// The value with leading ones in its shape, so that it broadcasts in `rank` dimensions.
  onednn::Argument broadcast(mlir::Value value, size_t rank);
  /// New memory for an intermediate result.
  onednn::Argument temporary(const Shape &shape);

  void add(onednn::Step step) { description.steps.push_back(std::move(step)); }
  void eltwise(onednn::Algorithm algorithm, const onednn::Argument &source, const onednn::Argument &destination,
               float alpha = 0, float beta = 0);
  void binary(onednn::Algorithm algorithm, const onednn::Argument &a, const onednn::Argument &b,
              const onednn::Argument &destination);

  /// The reason against a primitive that loses NaN; nothing where there is none to lose.
  std::string checkNan() const;
  /// The reason where oneDNN starts a maximum at the lowest finite number, which it then gives instead of -inf, or a
  /// minimum.
  std::string checkInfinity() const;

private:
  nn::KernelOp kernel;
  bool assumeFinite;
  onednn::Description description;
  llvm::DenseMap<mlir::Value, int64_t> buffers;
  std::vector<Shape> temporaryShapes;
};

/// Ops by name. A function adds the op's steps, or returns why it cannot.
class LoweringTable {
public:
  using Function = std::function<std::string(Lowering &, mlir::Operation *)>;

  template <typename Op> void add(std::string (*lower)(Lowering &, Op)) {
    functions[Op::getOperationName()] = [lower](Lowering &lowering, mlir::Operation *op) {
      return lower(lowering, mlir::cast<Op>(op));
    };
  }
  const Function *find(llvm::StringRef op) const {
    auto it = functions.find(op);
    return it == functions.end() ? nullptr : &it->second;
  }

private:
  llvm::StringMap<Function> functions;
};

void addContractions(LoweringTable &table);
void addElementwise(LoweringTable &table);
void addMovement(LoweringTable &table);
void addNormalisations(LoweringTable &table);
void addPools(LoweringTable &table);
void addReductions(LoweringTable &table);

inline Shape dimsOf(llvm::ArrayRef<int64_t> shape) { return {shape.begin(), shape.end()}; }
/// The static shape of a value.
Shape shapeOf(mlir::Value value);
int64_t product(llvm::ArrayRef<int64_t> dims);

} // namespace sinter::codegen
