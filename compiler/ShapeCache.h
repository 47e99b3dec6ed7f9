// A model that runs whatever shapes it meets: it is compiled for the shapes of the inputs, and for the values of those
// inputs that shapes follow from, and what was compiled is kept for the next time. No LLVM, no MLIR in this header.
#pragma once

#include "compiler/Compiler.h"
#include "compiler/ModelInterface.h"
#include "runtime/Model.h"

#include <atomic>
#include <list>
#include <mutex>

namespace sinter {

namespace codegen {
class ModelSource;
class WeightPool;
} // namespace codegen

/// How many shapes a shape cache keeps compiled unless it is told otherwise. Each takes its code, what it packs in
/// another way than the others, and the arenas of its sessions.
inline constexpr size_t defaultShapeCache = 16;

struct ShapeCacheOptions {
  CompileOptions compile;                ///< `shapes` and `dims` hold for all
  int threads = 0;                       ///< of a session; 0: as many as this process may use
  size_t shapeCache = defaultShapeCache; ///< 1 or more; what was used least recently goes first
};

/// Thread-safe. Compiles one shape at a time; runs take place side by side, each in a session of its own.
class ShapeCache {
public:
  /// Reads a .onnx, or .mlir of the nn stage, once.
  static Expected<std::unique_ptr<ShapeCache>> open(const std::string &path, ShapeCacheOptions options);
  /// Opens a model whose inputs leave shapes open or, with `always`, any. Others are compiled into `compiled`, and the
  /// result is null. Shapes that the options give count as known.
  static Expected<std::unique_ptr<ShapeCache>> openOrCompile(const std::string &path, const ShapeCacheOptions &options,
                                                             bool always, std::shared_ptr<CompiledModel> &compiled);
  ~ShapeCache();

  /// The model compiled for such inputs. Those that shapes follow from are constants in it and none of its inputs. It
  /// stays valid when the cache drops it. Names that are no inputs, and tensors that do not fit, are for whoever binds
  /// the tensors to find; fails where the model cannot be compiled. `empty` are sequences and optionals that hold
  /// nothing. A tensor without data tells its shape only.
  Expected<std::shared_ptr<const Model>> modelFor(const InputTensors &inputs, const std::set<std::string> &empty = {});
  /// The compiled model behind modelFor(), to be saved.
  Expected<std::shared_ptr<CompiledModel>> compiledFor(const InputTensors &inputs);
  /// Like modelFor(), where only the shapes are known: warms the cache.
  Expected<std::shared_ptr<const Model>> modelForShapes(const ShapeSet &shapes);

  /// Whether the graph has such an input; and those without a default value, in order.
  bool hasInput(const std::string &name) const;
  const std::vector<std::string> &requiredInputs() const;
  /// The graph's inputs and outputs; only for a shape cache that openOrCompile() made.
  const ModelInterface &interface() const { return interface_; }

  /// One inference: the outputs in the order of modelFor(inputs)->outputs().
  Expected<std::vector<Tensor>> run(const InputTensors &inputs, const std::set<std::string> &empty = {});

  /// How many shapes are held now, and how many were compiled so far.
  size_t cachedShapes() const;
  size_t compilations() const { return compilations_; }

private:
  struct Entry;
  ShapeCache(codegen::ModelSource source, ShapeCacheOptions options);
  using Names = std::set<std::string>;
  bool serves(const Entry &entry, const InputTensors &inputs, const Names &empty) const;
  std::shared_ptr<Entry> find(const InputTensors &inputs, const Names &empty);
  void keep(const std::shared_ptr<Entry> &entry);
  Expected<std::shared_ptr<Entry>> entryFor(const InputTensors &inputs, const Names &empty);
  Expected<std::shared_ptr<Entry>> compile(const CompileOptions &options, const InputTensors &inputs);

  const std::unique_ptr<codegen::ModelSource> source_;
  const std::unique_ptr<codegen::WeightPool> pool_; ///< used while compiling_ is held
  ModelInterface interface_;
  const ShapeCacheOptions options_;
  std::mutex compiling_;                      ///< held while a shape is compiled
  mutable std::mutex mutex_;                  ///< guards entries_ and what they hold
  std::list<std::shared_ptr<Entry>> entries_; ///< the last used first
  std::atomic<size_t> compilations_ = 0;
};

/// A tensor from a file in the form that the model declares. Some writers record a scalar as one element of
/// rank 1, and ONNX up to 1.12 recorded bf16 as uint16 of the same bits.
Tensor asDeclared(const SinterTensorInfo &info, const Tensor &recorded);

} // namespace sinter
