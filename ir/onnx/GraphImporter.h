// The state of one import: the function that is built, the scopes of names, and what the model as a whole says.
#pragma once

#include "ir/onnx/Importer.h"
#include "ir/onnx/NodeImporter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <map>

namespace sinter::nn {

class GraphImporter : public ModelImporter {
public:
  GraphImporter(const onnx::ModelProto &model, const ModelFolder &folder, mlir::MLIRContext &context,
                const ImportOptions &options);

  Expected<mlir::OwningOpRef<mlir::ModuleOp>> run();

  Expected<std::vector<Imported>> importBody(const onnx::GraphProto &body, llvm::ArrayRef<Imported> inputs,
                                             bool mayNotRun) override;
  mlir::Value ints(llvm::ArrayRef<int64_t> values, bool isScalar) override;
  mlir::Value counting(int64_t size) override;
  bool mayNotRun() const override { return speculations > 0; }
  const Limits &limits() const override { return options.limits; }
  std::optional<Failure> spendOps(int64_t count) override;

private:
  /// Versions by domain; the default domain is "".
  using Opsets = llvm::StringMap<int64_t>;

  /// The names that nodes of one graph see: its own, then those of the graphs around it.
  struct Scope {
    Scope *outer;
    const Opsets &opsets;
    llvm::StringMap<Imported> values;
    llvm::StringMap<mlir::ElementsAttr> initializers;
    llvm::StringSet<> failed; ///< outputs of nodes that could not be imported
    llvm::StringSet<> absent; ///< inputs that the caller leaves out
  };

  Expected<Opsets> readOpsets(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto> &imports);
  Status addInitializers(const onnx::GraphProto &graph, Scope &scope);
  Status addInputs(Scope &scope);
  Expected<Imported> addInput(const onnx::ValueInfoProto &info, const onnx::TypeProto &type, Scope &scope);
  Expected<mlir::RankedTensorType> declaredType(const std::string &name, const onnx::TypeProto &type,
                                                llvm::SmallVectorImpl<mlir::Attribute> &dimNames);
  Imported addArgument(const std::string &name, mlir::Type type, mlir::NamedAttrList named);
  Status addNodes(const onnx::GraphProto &graph, Scope &scope);
  void addReported(const onnx::GraphProto &graph, const std::vector<std::string> &names, const std::vector<int> &order,
                   Scope &scope);
  bool goesOn(const Failure &failure, const std::string &name, const std::string &op, Scope *scope = nullptr);
  Status addNode(const onnx::NodeProto &node, const std::string &name, Scope &scope);
  Status addOutputs(Scope &scope);
  Status checkDeclared(const onnx::ValueInfoProto &info, mlir::Value value);
  void freezeInputs();
  Expected<std::vector<Imported>> importFunction(const onnx::FunctionProto &function, const onnx::NodeProto &call,
                                                 llvm::ArrayRef<Imported> inputs);
  Expected<std::vector<Imported>> importIn(const onnx::GraphProto &body, llvm::ArrayRef<Imported> inputs, Scope &scope);
  /// The value of a name; `Missing` where nothing has it. An initializer becomes a constant.
  Imported lookUp(const std::string &name, Scope *scope);
  static bool knows(const std::string &name, const Scope *scope);
  /// Whether a name stands for an input that the function's caller leaves out.
  static bool isAbsent(const std::string &name, const Scope *scope);
  const onnx::FunctionProto *functionOf(const onnx::NodeProto &node) const;
  bool isKnown(const onnx::NodeProto &node) const;
  mlir::Location nameLoc(llvm::StringRef name) { return mlir::NameLoc::get(builder.getStringAttr(name)); }

  const onnx::ModelProto &model;
  const onnx::GraphProto &graph;
  const ModelFolder &folder;
  const ImportOptions &options;
  mlir::OpBuilder builder;
  llvm::StringMap<int> nodeNamesSeen;
  llvm::StringMap<const onnx::FunctionProto *> functions;
  mlir::func::FuncOp function;
  llvm::SmallVector<mlir::DictionaryAttr> argumentAttributes;
  std::map<std::pair<bool, std::vector<int64_t>>, mlir::Value> intConstants;
  std::map<int64_t, mlir::Value> countings;
  Scope *current = nullptr; ///< of the node that is being imported
  int depth = 0;            ///< of functions and bodies
  int speculations = 0;     ///< bodies that may be computed for nothing
  int64_t spentOps = 0;
};

} // namespace sinter::nn
