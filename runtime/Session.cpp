// Running a compiled model: checked tensors in, the callbacks it needs, the processor's mode set and
// restored.
#include "runtime/Model.h"
#include "runtime/FlushSubnormals.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace sinter {
namespace {

FallbackFactory registeredFactory = nullptr;

/// The context of the callbacks during one run.
struct Run {
  ThreadPool *pool; ///< null where the fallback has the threads
  Fallback *fallback;
  RunObserver *observer;
  const std::atomic<bool> &cancelled;

  template <typename Call> void observe(int32_t kernel, Call call) {
    if (!observer || kernel < observer->first || kernel >= observer->last)
      return call();
    auto begin = std::chrono::steady_clock::now();
    call();
    observer->ran(kernel, begin, std::chrono::steady_clock::now());
  }
};

/// What callbacks return to end a run.
constexpr int32_t cancelledCode = -1;

int32_t callParallelFor(void *context, int32_t kernel, SinterKernelFn fn, void *const *buffers, int64_t total,
                        int64_t grain) {
  auto *run = static_cast<Run *>(context);
  if (run->cancelled)
    return cancelledCode;
  run->observe(kernel, [&] {
    if (run->pool)
      run->pool->parallelFor(fn, buffers, total, grain);
    else
      run->fallback->parallelFor(fn, buffers, total, grain);
  });
  return 0;
}

int32_t callFallback(void *context, int32_t kernel, void *const *buffers) {
  auto *run = static_cast<Run *>(context);
  if (run->cancelled)
    return cancelledCode;
  int32_t code = 0;
  run->observe(kernel, [&] { code = run->fallback->call(kernel, buffers); });
  return code;
}

} // namespace

void setFallbackFactory(FallbackFactory factory) { registeredFactory = factory; }
FallbackFactory fallbackFactory() { return registeredFactory; }

Status checkTensor(const SinterTensorInfo &info, const Tensor &tensor, std::string_view role) {
  if (tensor.type() != typeOf(info))
    return {ErrorCode::InvalidArgument,
            fmt::format("{} '{}' must have the element type {}, but was given {}", role, info.name,
                        nameOf(typeOf(info)), nameOf(tensor.type()))};
  if (tensor.shape() != shapeOf(info))
    return {ErrorCode::InvalidArgument,
            fmt::format("{} '{}' must have the shape {}, but was given {}", role, info.name,
                        toString(shapeOf(info)), toString(tensor.shape()))};
  return {};
}

Expected<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model, int threads,
                                                   std::shared_ptr<void> arena) {
  if (threads < 0 || threads > maxThreads)
    return Failure{ErrorCode::InvalidArgument,
                   fmt::format("the number of threads must be 1 to {}, not {}", maxThreads, threads)};
  std::unique_ptr<Session> session(new Session);
  session->threads_ = threads == 0 ? defaultThreadCount() : threads;
  const SinterModel &abi = model->abi();
  if (!arena) {
    std::optional<Tensor> memory = Tensor::allocate(DType::U8, {abi.arenaBytes});
    if (!memory)
      return Failure{
          ErrorCode::OutOfMemory,
          fmt::format("not enough memory: the model needs {} bytes of scratch memory", abi.arenaBytes)};
    auto owner = std::make_shared<Tensor>(std::move(*memory));
    arena = {owner, owner->data()};
  }
  session->arena_ = std::move(arena);
  bool needsFallback = std::any_of(model->kernels().begin(), model->kernels().end(),
                                   [](auto &k) { return k.fallback != nullptr; });
  if (needsFallback && !registeredFactory)
    return Failure{ErrorCode::Incompatible,
                   "the model has kernels that run in oneDNN, which this program does not "
                   "include: recompile with --backend llvm"};
  if (needsFallback) {
    Expected<std::unique_ptr<Fallback>> fallback = registeredFactory(abi, session->threads_);
    if (!fallback)
      return fallback.failure();
    session->fallback_ = std::move(*fallback);
  } else {
    Expected<std::unique_ptr<ThreadPool>> pool = ThreadPool::create(session->threads_);
    if (!pool)
      return pool.failure();
    session->pool_ = std::move(*pool);
  }
  session->inputs_.resize(model->inputs().size());
  for (const SinterTensorInfo &info : model->outputs()) {
    std::optional<Tensor> tensor = info.countedBy ? Tensor::allocate(typeOf(info), shapeOf(info)) : Tensor();
    if (!tensor)
      return Failure{ErrorCode::OutOfMemory, fmt::format("not enough memory for output '{}'", info.name)};
    session->bounded_.push_back(std::move(*tensor));
  }
  session->counts_.resize(static_cast<size_t>(abi.outputCount) - model->outputs().size());
  session->outputs_.resize(static_cast<size_t>(abi.outputCount));
  session->model_ = std::move(model);
  return session;
}

Expected<std::vector<Tensor>> Session::makeOutputs() const {
  std::vector<Tensor> outputs;
  for (const SinterTensorInfo &info : model_->outputs()) {
    std::optional<Tensor> tensor = Tensor::allocate(typeOf(info), shapeOf(info));
    if (!tensor)
      return Failure{ErrorCode::OutOfMemory, fmt::format("not enough memory for output '{}'", info.name)};
    outputs.push_back(std::move(*tensor));
  }
  return outputs;
}

int64_t Session::trueSize(size_t output) const {
  const SinterTensorInfo &info = model_->outputs()[output];
  return std::clamp<int64_t>(counts_[static_cast<size_t>(info.countedBy) - 1], 0, info.shape[info.boundedAxis]);
}

/// What is there of the outputs whose size the run said, as tensors of that size.
Status Session::takeBounded(std::span<Tensor> outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    const SinterTensorInfo &info = model_->outputs()[i];
    if (!info.countedBy)
      continue;
    Shape shape = shapeOf(info);
    auto axis = static_cast<size_t>(info.boundedAxis);
    int64_t most = shape[axis], size = trueSize(i);
    shape[axis] = size;
    if (outputs[i].type() != typeOf(info) || outputs[i].shape() != shape || !outputs[i].data()) {
      std::optional<Tensor> tensor = Tensor::allocate(typeOf(info), shape);
      if (!tensor)
        return {ErrorCode::OutOfMemory, fmt::format("not enough memory for output '{}'", info.name)};
      outputs[i] = std::move(*tensor);
    }
    size_t slice = sizeOf(typeOf(info)) * static_cast<size_t>(*elementCount(std::span(shape).subspan(axis + 1)));
    int64_t outer = *elementCount(std::span(shape).first(axis));
    for (int64_t o = 0; o < outer; ++o)
      std::memcpy(outputs[i].data() + static_cast<size_t>(o * size) * slice,
                  bounded_[i].data() + static_cast<size_t>(o * most) * slice, static_cast<size_t>(size) * slice);
  }
  return {};
}

Status Session::run(std::span<const Tensor> inputs, std::span<Tensor> outputs, RunObserver *observer) {
  if (inputs.size() != inputs_.size() || outputs.size() != bounded_.size())
    return {ErrorCode::InvalidArgument,
            fmt::format("the model has {} inputs and {} outputs, but was given {} and {} tensors",
                        inputs_.size(), bounded_.size(), inputs.size(), outputs.size())};
  for (size_t i = 0; i < inputs.size(); ++i) {
    const SinterTensorInfo &info = model_->inputs()[i];
    bool absent = !inputs[i].data() && inputs[i].rank() == 0;
    if (absent && !info.defaultValue)
      return {ErrorCode::InvalidArgument,
              fmt::format("input '{}' is missing: it must be {} of shape {}", info.name, nameOf(typeOf(info)),
                          toString(shapeOf(info)))};
    if (Status status = absent ? Status() : checkTensor(info, inputs[i], "input"); !status.ok())
      return status;
    inputs_[i] = absent ? info.defaultValue : inputs[i].data();
  }
  void **memory = outputs_.data() + counts_.size();
  for (size_t i = 0; i < outputs.size(); ++i) {
    bool isBounded = model_->outputs()[i].countedBy != 0;
    if (Status status = isBounded ? Status() : checkTensor(model_->outputs()[i], outputs[i], "output"); !status.ok())
      return status;
    memory[i] = isBounded ? bounded_[i].data() : outputs[i].data();
  }

  Status status = runBuffers(inputs_.data(), memory, observer);
  return status.ok() ? takeBounded(outputs) : status;
}

Status Session::runBuffers(const void *const *inputs, void *const *outputs, RunObserver *observer) {
  for (size_t i = 0; i < counts_.size(); ++i)
    outputs_[i] = &counts_[i];
  if (void **own = outputs_.data() + counts_.size(); outputs != own)
    std::copy_n(outputs, bounded_.size(), own);
  cancelled_ = false;
  Run context{pool_.get(), fallback_.get(), observer, cancelled_};
  SinterCallbacks callbacks{&context, callParallelFor, fallback_ ? callFallback : nullptr};
  bool flush = model_->abi().flags & 1;
  FlushSubnormals mode(flush);
  if (fallback_)
    fallback_->begin(flush);
  int32_t code = model_->abi().run(&callbacks, arena_.get(), inputs, outputs_.data());
  if (fallback_)
    fallback_->end();
  if (code == 0)
    return {};
  if (code == cancelledCode)
    return {ErrorCode::Internal, "the run was cancelled"};
  std::string reason = fallback_ ? fallback_->lastError() : "";
  return {ErrorCode::Internal,
          reason.empty() ? fmt::format("the model failed with error code {}", code) : reason};
}

} // namespace sinter
