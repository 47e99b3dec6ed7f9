// Running a compiled model: checked tensors in, the callbacks it needs, the processor's mode set and
// restored.
#include "runtime/FlushSubnormals.h"
#include "runtime/Model.h"
#include "runtime/OptionMark.h"

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

/// The code that callbacks return to end a run.
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
    return {ErrorCode::InvalidArgument, fmt::format("{} '{}' must have the element type {}, but was given {}", role,
                                                    info.name, nameOf(typeOf(info)), nameOf(tensor.type()))};
  if (tensor.shape() != shapeOf(info))
    return {ErrorCode::InvalidArgument, fmt::format("{} '{}' must have the shape {}, but was given {}", role, info.name,
                                                    toString(shapeOf(info)), toString(tensor.shape()))};
  return {};
}

Expected<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model, int threads,
                                                   std::shared_ptr<void> arena, std::shared_ptr<ThreadPool> pool) {
  Expected<int> count = checkedThreadCount(threads);
  if (!count)
    return count.failure();
  if (!model->abi().run)
    return Failure{ErrorCode::InvalidArgument, "the model was opened to be read, not to run"};
  std::unique_ptr<Session> session(new Session);
  session->threads_ = *count;
  session->pool_ = std::move(pool);
  for (std::shared_ptr<const Model> &variant : model->variants()) {
    bool needsFallback = std::any_of(variant->kernels().begin(), variant->kernels().end(),
                                     [](auto &k) { return k.fallback != nullptr; });
    if (needsFallback && !registeredFactory)
      return Failure{ErrorCode::Incompatible, "the model has kernels that run in oneDNN, which this program does not "
                                              "include: recompile with " +
                                                  optionMark("backend", "llvm")};
    session->variants_.push_back({std::move(variant), needsFallback, nullptr});
  }
  if (!arena) {
    std::optional<Tensor> memory = Tensor::allocate(DType::U8, {model->arenaBytes()});
    if (!memory)
      return Failure{ErrorCode::OutOfMemory,
                     fmt::format("not enough memory: the model needs {} bytes of scratch memory", model->arenaBytes())};
    auto owner = std::make_shared<Tensor>(std::move(*memory));
    arena = {owner, owner->data()};
  }
  session->arena_ = std::move(arena);
  if (Status status = session->prepare(session->variants_.front()); !status.ok())
    return status.failure();
  session->inputs_.resize(model->inputs().size());
  session->outputs_.resize(static_cast<size_t>(model->abi().outputCount));
  session->counts_.resize(session->outputs_.size() - model->outputs().size());
  session->model_ = std::move(model);
  return session;
}

/// Creates what runs the kernels of a variant: once.
Status Session::prepare(Variant &variant) {
  if (variant.bounded.empty())
    for (const SinterTensorInfo &info : variant.model->outputs()) {
      std::optional<Tensor> tensor = info.countedBy ? Tensor::allocate(typeOf(info), shapeOf(info)) : Tensor();
      if (!tensor)
        return {ErrorCode::OutOfMemory, fmt::format("not enough memory for output '{}'", info.name)};
      variant.bounded.push_back(std::move(*tensor));
    }
  if (variant.needsFallback && !variant.fallback) {
    Expected<std::unique_ptr<Fallback>> fallback = registeredFactory(variant.model->abi(), threads_);
    if (!fallback)
      return fallback.failure();
    variant.fallback = std::move(*fallback);
  } else if (!variant.needsFallback && !pool_) {
    Expected<std::unique_ptr<ThreadPool>> pool = ThreadPool::create(threads_);
    if (!pool)
      return pool.failure();
    pool_ = std::move(*pool);
  }
  return {};
}

static Expected<std::vector<Tensor>> outputsOf(const Model &model) {
  std::vector<Tensor> outputs;
  for (const SinterTensorInfo &info : model.outputs()) {
    std::optional<Tensor> tensor = Tensor::allocate(typeOf(info), shapeOf(info));
    if (!tensor)
      return Failure{ErrorCode::OutOfMemory, fmt::format("not enough memory for output '{}'", info.name)};
    outputs.push_back(std::move(*tensor));
  }
  return outputs;
}

int64_t Session::trueSize(size_t output) const {
  const SinterTensorInfo &info = last_->model->outputs()[output];
  return std::clamp<int64_t>(counts_[static_cast<size_t>(info.countedBy) - 1], 0, info.shape[info.boundedAxis]);
}

/// Copies the outputs whose size the run counted into tensors of that size.
Status Session::takeBounded(const Variant &variant, std::span<Tensor> outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    const SinterTensorInfo &info = variant.model->outputs()[i];
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
                  variant.bounded[i].data() + static_cast<size_t>(o * most) * slice, static_cast<size_t>(size) * slice);
  }
  return {};
}

Expected<std::vector<Tensor>> Session::makeOutputs() const { return outputsOf(*model_); }

Expected<std::vector<Tensor>> Session::makeOutputs(std::span<const Tensor> inputs) const {
  Expected<size_t> found = variants_.size() == 1 ? Expected<size_t>(size_t(0)) : model_->variantFor(inputs);
  if (!found)
    return found.failure();
  return outputsOf(*variants_[*found].model);
}

Status Session::run(std::span<const Tensor> inputs, std::span<Tensor> outputs, RunObserver *observer) {
  if (inputs.size() != inputs_.size() || outputs.size() != model_->outputs().size())
    return {ErrorCode::InvalidArgument,
            fmt::format("the model has {} inputs and {} outputs, but was given {} and {} tensors", inputs_.size(),
                        model_->outputs().size(), inputs.size(), outputs.size())};
  // Where there is one variant only, the message is about the tensor that does not fit.
  Expected<size_t> found = variants_.size() == 1 ? Expected<size_t>(size_t(0)) : model_->variantFor(inputs);
  if (!found)
    return found.failure();
  Variant &variant = variants_[*found];
  if (Status status = prepare(variant); !status.ok())
    return status;
  const Model &model = *variant.model;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const SinterTensorInfo &info = model.inputs()[i];
    bool absent = !inputs[i].data() && inputs[i].rank() == 0;
    if (absent && !info.defaultValue)
      return {ErrorCode::InvalidArgument, fmt::format("input '{}' is missing: it must be {} of shape {}", info.name,
                                                      nameOf(typeOf(info)), toString(shapeOf(info)))};
    if (Status status = absent ? Status() : checkTensor(info, inputs[i], "input"); !status.ok())
      return status;
    inputs_[i] = absent ? info.defaultValue : inputs[i].data();
  }
  void **memory = outputs_.data() + counts_.size();
  for (size_t i = 0; i < outputs.size(); ++i) {
    bool isBounded = model.outputs()[i].countedBy != 0;
    if (Status status = isBounded ? Status() : checkTensor(model.outputs()[i], outputs[i], "output"); !status.ok())
      return status;
    memory[i] = isBounded ? variant.bounded[i].data() : outputs[i].data();
  }

  Status status = runBuffers(inputs_.data(), memory, observer, *found);
  return status.ok() ? takeBounded(variant, outputs) : status;
}

Status Session::runBuffers(const void *const *inputs, void *const *outputs, RunObserver *observer, size_t number) {
  Variant &variant = variants_[number];
  if (Status status = prepare(variant); !status.ok())
    return status;
  last_ = &variant;
  for (size_t i = 0; i < counts_.size(); ++i)
    outputs_[i] = &counts_[i];
  if (void **own = outputs_.data() + counts_.size(); outputs != own)
    std::copy_n(outputs, model_->outputs().size(), own);
  cancelled_ = false;
  const SinterModel &abi = variant.model->abi();
  Fallback *fallback = variant.fallback.get();
  Run context{fallback ? nullptr : pool_.get(), fallback, observer, cancelled_};
  SinterCallbacks callbacks{&context, callParallelFor, fallback ? callFallback : nullptr, nullptr};
  bool flush = abi.flags & 1;
  FlushSubnormals mode(flush);
  if (fallback)
    fallback->begin(flush);
  SinterCall call{abi.self, &callbacks, arena_.get(), inputs, outputs_.data(), nullptr, {}};
  int32_t code = abi.run(&call);
  if (fallback)
    fallback->end();
  if (code == 0)
    return {};
  if (code == cancelledCode)
    return {ErrorCode::Internal, "the run was cancelled"};
  if (int32_t row = code - SINTER_INDEX_ERROR; row >= 0 && row < abi.kernelCount)
    return {ErrorCode::InvalidArgument,
            fmt::format(
                "'{}' ({}) was given an index that lies outside its dimension: check the inputs, or compile with {}",
                abi.kernels[row].name, abi.kernels[row].ops, optionMark("check-indices", "false"))};
  std::string reason = fallback ? fallback->lastError() : "";
  return {ErrorCode::Internal, reason.empty() ? fmt::format("the model failed with error code {}", code) : reason};
}

} // namespace sinter
