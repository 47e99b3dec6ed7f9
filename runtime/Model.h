// A compiled model, from a file or from the JIT, and what runs it. Sessions share a model and its weights; a
// session serves one thread at a time and allocates nothing while it runs.
#pragma once

#include "runtime/Abi.h"
#include "runtime/Fallback.h"
#include "runtime/Tensor.h"
#include "runtime/ThreadPool.h"

#include <atomic>
#include <chrono>

namespace sinter {

struct LoadOptions {
  bool checkWeights = false; ///< read all weights and compare their checksum, before any code of the file is mapped
};

/// A checked SinterModel and what keeps it alive.
class Model {
public:
  /// Opens a compiled .so. Fails, saying why, for a file that is no compiled model, is truncated or damaged, has
  /// another ABI, or needs CPU features that are missing here: all that is known before code of the file is mapped.
  static Expected<std::shared_ptr<Model>> load(const std::string &path, const LoadOptions &options = {});
  /// Loads the content of a .so, which is copied.
  static Expected<std::shared_ptr<Model>> loadBytes(std::span<const std::byte> bytes, const LoadOptions &options = {});
  /// The tables of a compiled .so of any machine, and nothing else of it: its code is not mapped, and no session runs
  /// it. Of several processor levels the one that load() would choose, or else the most demanding.
  static Expected<std::shared_ptr<Model>> read(const std::string &path, const LoadOptions &options = {});
  /// Wraps a model in memory.
  static Expected<std::shared_ptr<Model>> fromAbi(const SinterModel *abi, std::shared_ptr<void> keepAlive);

  const SinterModel &abi() const { return *abi_; }
  std::span<const SinterTensorInfo> inputs() const { return {abi_->inputs, static_cast<size_t>(abi_->inputCount)}; }
  std::span<const SinterTensorInfo> outputs() const {
    return {abi_->outputs + counts_, static_cast<size_t>(abi_->outputCount - counts_)};
  }
  std::span<const SinterKernelInfo> kernels() const { return {abi_->kernels, static_cast<size_t>(abi_->kernelCount)}; }
  /// The network for each set of shapes it was compiled for, this model's the first. One model's variants differ
  /// in shapes alone: names, types and order are those of this model.
  std::vector<std::shared_ptr<const Model>> variants() const;
  /// The place in variants() of the one for the shapes of these inputs, in order; fails with the shapes that there are.
  Expected<size_t> variantFor(std::span<const Tensor> inputs) const;
  /// Scratch memory that a session needs, whichever variant runs.
  int64_t arenaBytes() const;
  /// Stack that the compiled code needs, whichever variant runs; 0 where there is none.
  int64_t stackBytes() const;
  /// Floating-point operations of one run.
  double flops() const;
  /// Reads all weights and compares their checksum; not done on load, which is to take milliseconds.
  Status verifyWeights() const;

private:
  static Expected<std::shared_ptr<Model>> open(int descriptor, const std::string &name, const std::string &path,
                                               const LoadOptions &options);
  static std::shared_ptr<Model> wrap(std::vector<const SinterModel *> variants, std::shared_ptr<void> keepAlive);
  Model(std::vector<const SinterModel *> all, int32_t counts, std::shared_ptr<void> keepAlive)
      : abi_(all.front()), all_(std::move(all)), counts_(counts), keepAlive_(std::move(keepAlive)) {}
  const SinterModel *abi_;
  std::vector<const SinterModel *> all_;
  int32_t counts_; ///< leading outputs that hold sizes
  std::shared_ptr<void> keepAlive_;
};

inline DType typeOf(const SinterTensorInfo &info) { return static_cast<DType>(info.type); }
inline Shape shapeOf(const SinterTensorInfo &info) { return Shape(info.shape, info.shape + info.rank); }

/// Checks that `tensor` can be the input or output `info`; `role` ("input") starts the message.
Status checkTensor(const SinterTensorInfo &info, const Tensor &tensor, std::string_view role);

/// Told of each call of a kernel while a session runs; a kernel of several phases is called several times.
class RunObserver {
public:
  using TimePoint = std::chrono::steady_clock::time_point;
  virtual ~RunObserver() = default;
  /// It is told of kernels from `first` to before `last`: calls of others cost next to nothing.
  int32_t first = 0, last = INT32_MAX;
  /// `kernel`: index in Model::kernels().
  virtual void ran(int32_t kernel, TimePoint begin, TimePoint end) = 0;
};

class Session {
public:
  /// `threads` of 0 means defaultThreadCount(). `arena`: the caller's memory of Model::arenaBytes(), SINTER_ALIGNMENT
  /// aligned; null: the session allocates it. `pool`: threads to share with another session, which does not run
  /// meanwhile; null: its own.
  static Expected<std::unique_ptr<Session>> create(std::shared_ptr<const Model> model, int threads = 0,
                                                   std::shared_ptr<void> arena = {},
                                                   std::shared_ptr<ThreadPool> pool = {});

  /// One inference. The tensors are in the model's order and must match its types and the shapes of one of its
  /// variants; an input that has a default value may be a default-constructed Tensor. Outputs are written in place, but
  /// for one whose size a run says (`countedBy` in its table): it may have any shape and gets the true one, and memory
  /// of its own where that differs. `observer` is told the kernels of the variant, whose first run may allocate.
  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs, RunObserver *observer = nullptr);
  /// Runs on the buffers of tensors that have been checked: dense, aligned, one for each input and output of a
  /// variant. Allocates nothing once the variant has run.
  Status runBuffers(const void *const *inputs, void *const *outputs, RunObserver *observer = nullptr,
                    size_t variant = 0);
  /// After a run, of an output with `countedBy` in its table: its size along `boundedAxis`.
  int64_t trueSize(size_t output) const;
  /// Makes the run in progress fail before its next kernel; from any thread.
  void cancel() { cancelled_ = true; }
  /// Whether cancel() was called since the last run began.
  bool cancelled() const { return cancelled_; }
  /// Tensors to run into: of the first variant, or of that for `inputs`.
  Expected<std::vector<Tensor>> makeOutputs() const;
  Expected<std::vector<Tensor>> makeOutputs(std::span<const Tensor> inputs) const;

  const Model &model() const { return *model_; }
  int threads() const { return threads_; }
  /// Null while a fallback has the threads of all variants that ran.
  const std::shared_ptr<ThreadPool> &pool() const { return pool_; }

private:
  /// A shape that the model can run at. Its fallback, if it needs one, is created by its first run.
  struct Variant {
    std::shared_ptr<const Model> model;
    bool needsFallback = false;
    std::unique_ptr<Fallback> fallback;
    std::vector<Tensor> bounded; ///< where outputs with a true size are computed
  };
  Session() = default;
  Status prepare(Variant &variant);
  Status takeBounded(const Variant &variant, std::span<Tensor> outputs);

  std::shared_ptr<const Model> model_;
  std::vector<Variant> variants_;
  int threads_ = 1;
  std::atomic<bool> cancelled_ = false;
  std::shared_ptr<void> arena_;      ///< as large as the largest variant needs
  std::shared_ptr<ThreadPool> pool_; ///< for variants without a fallback
  std::vector<const void *> inputs_;
  std::vector<void *> outputs_;   ///< counts first
  std::vector<int64_t> counts_;   ///< true sizes of the last run
  const Variant *last_ = nullptr; ///< that of the last run
};

} // namespace sinter
