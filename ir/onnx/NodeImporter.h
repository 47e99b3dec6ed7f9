// One ONNX node on its way into the nn dialect: its inputs as values, its attributes checked for type, ops
// created with inferred result types. An importer function reads from it and ends with finish(),
// unsupported() or invalid().
#pragma once

#include "ir/Limits.h"
#include "ir/NN.h"
#include "ir/onnx/Imported.h"
#include "ir/onnx/Registry.h"
#include "mlir/IR/Builders.h"
#include "onnx/onnx_pb.h"
#include "runtime/MappedFile.h"
#include "runtime/Status.h"
#include "llvm/ADT/StringSet.h"

namespace sinter::nn {

/// The services of the whole model's importer for a node.
class ModelImporter {
public:
  virtual ~ModelImporter() = default;
  /// Adds the nodes of a subgraph where the node stands, its inputs bound in order; gives its outputs. `mayNotRun`:
  /// they may be computed for nothing.
  virtual Expected<std::vector<Imported>> importBody(const onnx::GraphProto &body, llvm::ArrayRef<Imported> inputs,
                                                     bool mayNotRun) = 0;
  /// A 1-D constant of i64 (a scalar where `isScalar`); equal ones are one op.
  virtual mlir::Value ints(llvm::ArrayRef<int64_t> values, bool isScalar) = 0;
  /// 0, 1, ... below `size`, as a 1-D constant of i64; one of each size.
  virtual mlir::Value counting(int64_t size) = 0;
  /// Whether the node stands in a branch or an iteration that is computed whether a run takes it or not.
  virtual bool mayNotRun() const = 0;
  virtual const Limits &limits() const = 0;
  /// Counts ops that are about to be made: why there may not be so many more, or nothing.
  virtual std::optional<Failure> spendOps(int64_t count) = 0;
};

/// Ends the import of a node whose error is set. Whoever runs an importer function catches it: an importer never goes
/// on with values that could not be made, however deep in an expression it is.
struct ImportStopped {};

class NodeImporter {
public:
  /// `inputs` has `Missing` where an optional input is absent.
  NodeImporter(ModelImporter &model, mlir::OpBuilder &builder, mlir::Location loc, const onnx::NodeProto &node,
               int64_t opset, llvm::ArrayRef<Imported> inputs, const ModelFolder &folder)
      : builder(builder), loc(loc), node(node), opset(opset), given(inputs), model(model), folder(folder) {
    for (const Imported &value : inputs)
      this->inputs.push_back(value.tensor);
  }

  mlir::OpBuilder &builder;
  const mlir::Location loc;
  const onnx::NodeProto &node;
  const int64_t opset; ///< version of the node's domain that the model imports

  /// Input i, or null where it is absent or no tensor.
  mlir::Value input(int i) const { return i < static_cast<int>(inputs.size()) ? inputs[i] : mlir::Value(); }
  int inputCount() const { return static_cast<int>(inputs.size()); }
  int outputCount() const { return node.output_size(); }
  /// Whether the model reads output i (it has a name).
  bool hasOutput(int i) const { return i < node.output_size() && !node.output(i).empty(); }
  llvm::ArrayRef<mlir::Value> allInputs() const { return inputs; }
  /// Input i whatever it is.
  Imported anyInput(int i) const { return i < inputCount() ? given[i] : Imported(); }
  /// Fails with a message unless the number of inputs is within [least, most], the first `least` are present, and those
  /// present are tensors.
  mlir::LogicalResult expectInputs(int least, int most);
  /// Checks the number of inputs that may be of any kind.
  mlir::LogicalResult expectAnyInputs(int least, int most);

  /// Attributes. A value of another type than asked for is an error that finish() reports; attributes never
  /// asked for are reported as unsupported.
  bool hasAttr(llvm::StringRef name);
  int64_t intAttr(llvm::StringRef name, int64_t fallback);
  float floatAttr(llvm::StringRef name, float fallback);
  std::string stringAttr(llvm::StringRef name, llvm::StringRef fallback);
  /// A string of a closed set (ir/Enums.td). Throws ImportStopped, after an error with the set's words, where it is
  /// none of them, or absent and has no fallback.
  template <typename Enum> Enum wordAttr(llvm::StringRef name, Enum fallback) {
    return hasAttr(name) ? wordAttr<Enum>(name) : fallback;
  }
  template <typename Enum> Enum wordAttr(llvm::StringRef name) {
    std::string word = stringAttr(name, "");
    std::optional<Enum> found = symbolizeEnum<Enum>(word);
    if (!found)
      rejectWord(name, word, wordsOf<Enum>());
    return *found;
  }
  std::optional<llvm::SmallVector<int64_t>> intsAttr(llvm::StringRef name);
  std::optional<llvm::SmallVector<float>> floatsAttr(llvm::StringRef name);
  std::optional<Tensor> tensorAttr(llvm::StringRef name);
  std::optional<llvm::SmallVector<std::string>> stringsAttr(llvm::StringRef name);
  /// Null, and an error, where it is absent.
  const onnx::GraphProto *graphAttr(llvm::StringRef name);
  /// Names an attribute that has no effect on inference.
  void ignoreAttr(llvm::StringRef name) { asked.insert(name); }

  /// Creates an op with `results` results (all of them tensors); their types are inferred. Throws ImportStopped, after
  /// an error that finish() would report, where they cannot be.
  template <typename Op, typename... Args> Op createN(unsigned results, Args &&...args) {
    checkLimits(results, (0 + ... + countOf(args)));
    // Any tensor type will do until inference replaces it.
    llvm::SmallVector<mlir::Type> placeholders(results, mlir::UnrankedTensorType::get(builder.getF32Type()));
    Op op = Op::create(builder, loc, mlir::TypeRange(placeholders), std::forward<Args>(args)...);
    inferTypes(op);
    if (mayNotRun())
      markSpeculative(op);
    return op;
  }
  template <typename Op, typename... Args> Op create(Args &&...args) {
    return createN<Op>(1, std::forward<Args>(args)...);
  }
  /// The value of a small tensor that is known while importing: a constant, what follows from constants and static
  /// shapes and, where `freezes`, an input that becomes a constant by being asked for (it has a default, or its value
  /// was given).
  std::optional<Tensor> known(mlir::Value value, bool freezes = true);
  /// A known tensor of one element as a bool.
  std::optional<bool> knownBool(mlir::Value value, bool freezes);
  /// A known input as integers or doubles; an error that names the operand and the remedy where it is not known.
  std::optional<llvm::SmallVector<int64_t>> knownInts(int input, llvm::StringRef name);
  std::optional<std::vector<double>> knownDoubles(int input, llvm::StringRef name);
  bool mayNotRun() const { return model.mayNotRun(); }
  mlir::Value constant(const Tensor &tensor);
  /// A 1-D constant of i64.
  mlir::Value ints(llvm::ArrayRef<int64_t> values) { return model.ints(values, false); }
  /// 0, 1, ... below `size` as i64, for sizes that a table may have.
  mlir::Value counting(int64_t size) { return model.counting(size); }
  /// A scalar constant of i64.
  mlir::Value intScalar(int64_t value) { return model.ints(value, true); }
  /// A scalar constant of the given element type.
  mlir::Value scalar(double value, DType type);

  /// Fails, with an error, where a node is to become `count` pieces, each of `opsEach` ops, and that is more than the
  /// limits allow. Asked before anything is sized by a number of the model.
  mlir::LogicalResult expectPieces(int64_t count, int64_t opsEach = 1);
  const Limits &limits() const { return model.limits(); }

  /// Declares the node's outputs, in order; the model may name fewer. Fails if anything before failed.
  mlir::LogicalResult finish(mlir::ValueRange values);
  mlir::LogicalResult finishAny(llvm::ArrayRef<Imported> values);
  /// Adds the nodes of a subgraph here. After an error the ops that it made are gone again.
  Expected<std::vector<Imported>> importBody(const onnx::GraphProto &body, llvm::ArrayRef<Imported> inputs,
                                             bool mayNotRun = false);
  /// Fails with another's failure.
  mlir::LogicalResult fail(Failure failure);
  /// The node is well-formed but beyond what Sinter implements.
  mlir::LogicalResult unsupported(const llvm::Twine &reason);
  /// The node contradicts ONNX.
  mlir::LogicalResult invalid(const llvm::Twine &reason);
  /// The node is what ONNX allows, and hardly what its author meant.
  void warn(const llvm::Twine &reason) { warned.push_back(reason.str()); }

  // For the importer that drives it.
  llvm::ArrayRef<Imported> outputs() const { return results; }
  const std::optional<Failure> &problem() const { return error; }
  llvm::ArrayRef<std::string> warnings() const { return warned; }
  mlir::LogicalResult checkAttributes();

private:
  using Found = llvm::DenseMap<mlir::Value, std::optional<Tensor>>;

  const onnx::AttributeProto *find(llvm::StringRef name, int type, llvm::StringRef typeName);
  void inferTypes(mlir::Operation *op);
  void markSpeculative(mlir::Operation *op);
  /// The number of operands in an argument that is a list of them.
  template <typename T> static unsigned countOf(const T &argument) {
    if constexpr (std::is_convertible_v<const T &, mlir::ValueRange> && !std::is_convertible_v<const T &, mlir::Value>)
      return mlir::ValueRange(argument).size();
    return 0;
  }
  /// Stops after an error, and where an op would be one too many, or has too many operands or results.
  void checkLimits(unsigned results, unsigned operands);
  [[noreturn]] void stop();
  [[noreturn]] void rejectWord(llvm::StringRef name, llvm::StringRef word, llvm::StringRef words);
  std::optional<Tensor> evaluate(mlir::Value value, bool freezes, int depth, Found &found,
                                 llvm::SmallVectorImpl<mlir::BlockArgument> &read);

  llvm::ArrayRef<Imported> given;
  llvm::SmallVector<mlir::Value> inputs;
  ModelImporter &model;
  const ModelFolder &folder;
  llvm::StringSet<> asked;
  llvm::SmallVector<Imported> results;
  std::vector<std::string> warned;
  std::optional<Failure> error;
};

} // namespace sinter::nn
