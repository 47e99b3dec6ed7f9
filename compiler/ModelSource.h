// From a model file to a module: what is read once, and loaded as often as it is compiled.
#pragma once

#include "compiler/Compiler.h"
#include "compiler/ModelInterface.h"
#include "ir/onnx/Importer.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "runtime/FileWatch.h"
#include <map>

namespace sinter::codegen {

/// A module and the context it lives in.
struct LoadedModel {
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;

  LoadedModel() = default;
  LoadedModel(LoadedModel &&) = default;
  /// The module goes before its context.
  LoadedModel &operator=(LoadedModel &&other) noexcept {
    module = std::move(other.module);
    context = std::move(other.context);
    return *this;
  }
};

/// A model file read once, to be loaded as often as it is compiled.
class ModelSource {
public:
  /// .onnx, or .mlir of the nn stage, once the options are checked (checkOptions); `options.content` stands for the
  /// file where it is given. `readsData` as of nn::readModelFile.
  static Expected<ModelSource> open(const std::string &path, const CompileOptions &options, bool readsData = true);
  /// The same, and the model loaded with `options`.
  static Expected<ModelSource> openAndLoad(const std::string &path, const CompileOptions &options, LoadedModel &model);

  /// `report` as of nn::ImportOptions.
  Expected<LoadedModel> load(const CompileOptions &options, std::vector<nn::NodeReport> *report = nullptr) const;
  /// Null for .mlir.
  const nn::ModelFile *onnx() const { return onnx_ ? &*onnx_ : nullptr; }
  /// Whether the graph has such an input, or a sequence of which it is an element; those without a default value, in
  /// order.
  bool hasInput(const std::string &name) const { return interface_.takes(name); }
  const std::vector<std::string> &requiredInputs() const { return required_; }
  /// What the file says of inputs and outputs.
  const ModelInterface &interface() const { return interface_; }

  /// For a source that is loaded again later: notes what its files are, once they are mapped. Fails where one changed
  /// meanwhile.
  Status watch();
  /// Fails where a file that watch() noted is no longer what it was: what is mapped cannot be loaded then. IR is kept
  /// in memory.
  Status check() const;

  /// The options for one of several sets of shapes. What names no input is taken for a dimension.
  CompileOptions withShapes(const CompileOptions &options, const ShapeSet &shapes) const;
  /// The options for these inputs: the shapes of those that the model leaves open, and what is known of their values. A
  /// tensor without data tells its shape.
  CompileOptions withInputs(const CompileOptions &options, const InputTensors &inputs) const;

private:
  void describe(ModelInterface interface);

  std::string path_;
  std::optional<nn::ModelFile> onnx_;
  std::vector<std::byte> text_; ///< of an .mlir
  std::vector<std::unique_ptr<FileWatch>> watches_;
  ModelInterface interface_;
  std::vector<std::string> required_; ///< names of inputs
};

/// Opens and loads.
Expected<LoadedModel> loadModel(const std::string &path, const CompileOptions &options);

} // namespace sinter::codegen
