// sinter_session_t: the caller's tensors are checked, copied only where they must be, and run.
#include "api/Errors.h"
#include "api/ModelHandle.h"
#include "api/Plugin.h"
#include "api/Strided.h"

#include <algorithm>
#include <fmt/format.h>

using namespace sinter;
using namespace sinter::api;

namespace {

/// A block from the caller's allocator, or from ours.
std::shared_ptr<void> allocate(const std::optional<sinter_allocator_t> &allocator, size_t bytes) {
  bytes = std::max<size_t>(bytes, 1);
  if (!allocator) {
    std::optional<Tensor> memory = Tensor::allocate(DType::U8, {static_cast<int64_t>(bytes)});
    if (!memory)
      return nullptr;
    auto owner = std::make_shared<Tensor>(std::move(*memory));
    return {owner, owner->data()};
  }
  void *block = allocator->allocate(allocator->context, bytes, SINTER_ALIGNMENT);
  if (!block)
    return nullptr;
  return {block, [hook = *allocator, bytes](void *p) { hook.release(hook.context, p, bytes); }};
}

/// An input or output of the model, and the memory that stands in for the caller's where a kernel cannot use that.
struct Port {
  const SinterTensorInfo *info;
  const char *role;
  size_t bytes;
  std::shared_ptr<void> memory;
  std::vector<int64_t> strides; ///< dense ones, for memory that is handed out
  std::vector<int64_t> shape;   ///< the true one after a run, where a run says it
};

std::string shapeText(const int64_t *shape, int32_t rank) {
  return toString({shape, static_cast<size_t>(std::max(rank, 0))});
}

sinter_error_t *checkTensor(const Port &port, const sinter_tensor_t &tensor) {
  const SinterTensorInfo &info = *port.info;
  auto fail = [&](const std::string &what) {
    return error(SINTER_INVALID_ARGUMENT, fmt::format("{} '{}' {}", port.role, info.name, what));
  };
  if (tensor.type != info.type) {
    const char *given = sinter_type_name(tensor.type);
    return fail(fmt::format("must have the element type {}, but was given {}", sinter_type_name(info.type),
                            given ? given : fmt::format("the unknown type {}", tensor.type)));
  }
  if (tensor.rank < 0 || (tensor.rank > 0 && !tensor.shape))
    return fail("has no valid shape");
  // What was there in the last run may be less than can be.
  auto fits = [&](int32_t axis) {
    bool isBounded = info.countedBy > 0 && axis == info.boundedAxis;
    return isBounded ? tensor.shape[axis] <= info.shape[axis] : tensor.shape[axis] == info.shape[axis];
  };
  bool isRight = tensor.rank == info.rank;
  for (int32_t axis = 0; isRight && axis < info.rank; ++axis)
    isRight = fits(axis);
  if (!isRight)
    return fail(fmt::format("must have the shape {}, but was given {}", shapeText(info.shape, info.rank),
                            shapeText(tensor.shape, tensor.rank)));
  if (!tensor.data && port.bytes > 0)
    return fail("has no data");
  return nullptr;
}

bool overlap(const void *a, size_t aBytes, const void *b, size_t bBytes) {
  auto first = reinterpret_cast<uintptr_t>(a), second = reinterpret_cast<uintptr_t>(b);
  return first < second + bBytes && second < first + aBytes;
}

} // namespace

struct sinter_session {
  std::shared_ptr<const Model> model;
  std::optional<sinter_allocator_t> allocator;
  std::shared_ptr<void> arena;
  std::unique_ptr<Session> session;
  struct Ports {
    std::vector<Port> inputs, outputs;
  };
  std::vector<Ports> variants; ///< of the model
  size_t chosen = 0;           ///< the variant of the run
  std::vector<const void *> inputData;
  std::vector<void *> outputData;

  std::vector<Port> &inputs() { return variants[chosen].inputs; }
  std::vector<Port> &outputs() { return variants[chosen].outputs; }
  sinter_error_t *start(int threads);
  sinter_error_t *choose(std::span<const sinter_tensor_t> given);
  sinter_error_t *bindInput(size_t index, const sinter_tensor_t &tensor);
  sinter_error_t *bindOutput(size_t index, sinter_tensor_t &tensor);
  sinter_error_t *checkOverlaps();
  sinter_error_t *provide(Port &port);
};

sinter_error_t *sinter_session::start(int threads) {
  if (Status status = provideFallback(*model); !status.ok())
    return error(status);
  Expected<std::unique_ptr<Session>> started = Session::create(model, threads, arena);
  if (!started)
    return error(started.failure());
  session = std::move(*started);
  return nullptr;
}

/// The variant for the shapes of the inputs; where there is one only, the message is about the tensor that does not fit.
sinter_error_t *sinter_session::choose(std::span<const sinter_tensor_t> given) {
  if (variants.size() == 1)
    return nullptr;
  std::vector<Tensor> shapes;
  for (const sinter_tensor_t &tensor : given) {
    bool isAbsent = !tensor.data && tensor.rank == 0, isValid = tensor.rank >= 0 && (tensor.rank == 0 || tensor.shape);
    Shape shape = isValid && !isAbsent ? Shape(tensor.shape, tensor.shape + tensor.rank) : Shape();
    if (!elementCount(shape))
      return error(SINTER_INVALID_ARGUMENT, "an input has no valid shape");
    shapes.push_back(isAbsent ? Tensor() : Tensor::view(DType::U8, std::move(shape), tensor.data));
  }
  Expected<size_t> found = model->variantFor(shapes);
  if (!found)
    return error(found.failure());
  chosen = *found;
  return nullptr;
}

/// Gives the port memory of the session's.
sinter_error_t *sinter_session::provide(Port &port) {
  if (!port.memory)
    port.memory = allocate(allocator, port.bytes);
  if (port.memory)
    return nullptr;
  return error(SINTER_OUT_OF_MEMORY,
               fmt::format("not enough memory: {} '{}' takes {} bytes", port.role, port.info->name, port.bytes));
}

sinter_error_t *sinter_session::bindInput(size_t index, const sinter_tensor_t &tensor) {
  Port &port = inputs()[index];
  if (!tensor.data && tensor.rank == 0) {
    inputData[index] = port.info->defaultValue;
    if (port.info->defaultValue)
      return nullptr;
    return error(SINTER_INVALID_ARGUMENT,
                 fmt::format("input '{}' is missing: it must be {} of shape {}", port.info->name,
                             sinter_type_name(port.info->type), shapeText(port.info->shape, port.info->rank)));
  }
  if (sinter_error_t *failed = checkTensor(port, tensor))
    return failed;
  inputData[index] = tensor.data;
  if (isInPlace(tensor))
    return nullptr;
  if (sinter_error_t *failed = provide(port))
    return failed;
  copyToDense(tensor, port.memory.get());
  inputData[index] = port.memory.get();
  return nullptr;
}

sinter_error_t *sinter_session::bindOutput(size_t index, sinter_tensor_t &tensor) {
  Port &port = outputs()[index];
  if (!tensor.data) {
    if (sinter_error_t *failed = provide(port))
      return failed;
    const SinterTensorInfo &info = *port.info;
    tensor = {port.memory.get(), info.shape, port.strides.data(), info.rank, info.type};
  } else if (sinter_error_t *failed = checkTensor(port, tensor)) {
    return failed;
  }
  if (port.info->countedBy > 0)
    tensor.shape = port.info->shape; // memory for the most that can be
  outputData[index] = tensor.data;
  if (isInPlace(tensor))
    return nullptr;
  if (sinter_error_t *failed = provide(port))
    return failed;
  outputData[index] = port.memory.get();
  return nullptr;
}

sinter_error_t *sinter_session::checkOverlaps() {
  std::span<const Port> inputs = this->inputs(), outputs = this->outputs();
  for (size_t i = 0; i < outputs.size(); ++i) {
    auto refuse = [&](const Port &other) {
      return error(SINTER_INVALID_ARGUMENT, fmt::format("output '{}' overlaps {} '{}': give each memory of its own",
                                                        outputs[i].info->name, other.role, other.info->name));
    };
    for (size_t k = 0; k < inputs.size(); ++k)
      if (overlap(outputData[i], outputs[i].bytes, inputData[k], inputs[k].bytes))
        return refuse(inputs[k]);
    for (size_t k = 0; k < i; ++k)
      if (overlap(outputData[i], outputs[i].bytes, outputData[k], outputs[k].bytes))
        return refuse(outputs[k]);
  }
  return nullptr;
}

static std::vector<Port> portsOf(std::span<const SinterTensorInfo> infos, const char *role) {
  std::vector<Port> ports;
  for (const SinterTensorInfo &info : infos) {
    Shape shape = shapeOf(info);
    auto bytes = static_cast<int64_t>(sizeOf(typeOf(info)));
    std::vector<int64_t> strides(shape.size());
    for (size_t i = shape.size(); i-- > 0; bytes *= shape[i])
      strides[i] = bytes;
    ports.push_back({&info, role, static_cast<size_t>(bytes), nullptr, std::move(strides), {}});
  }
  return ports;
}

static sinter_error_t *readConfig(const sinter_session_config_t *config, sinter_session &session, int &threads) {
  if (!config)
    return nullptr;
  // A smaller struct would be from before the first version.
  if (config->struct_size < sizeof(sinter_session_config_t))
    return error(SINTER_INVALID_ARGUMENT, "set struct_size of the configuration to sizeof(sinter_session_config_t)");
  threads = config->threads;
  if (!config->allocator)
    return nullptr;
  if (!config->allocator->allocate || !config->allocator->release)
    return error(SINTER_INVALID_ARGUMENT, "an allocator needs both functions, allocate and release");
  session.allocator = *config->allocator;
  return nullptr;
}

sinter_error_t *sinter_session_create(const sinter_model_t *model, const sinter_session_config_t *config,
                                      sinter_session_t **session) {
  if (!model || !session)
    return nullArgument(model ? "session" : "model");
  return guarded([&]() -> sinter_error_t * {
    auto made = std::make_unique<sinter_session>();
    made->model = model->model;
    int threads = 0;
    if (sinter_error_t *failed = readConfig(config, *made, threads))
      return failed;
    if (made->allocator) {
      made->arena = allocate(made->allocator, static_cast<size_t>(model->model->arenaBytes()));
      if (!made->arena || reinterpret_cast<uintptr_t>(made->arena.get()) % SINTER_ALIGNMENT != 0)
        return made->arena ? error(SINTER_INVALID_ARGUMENT, "the allocator's memory is not aligned as was asked for")
                           : error(SINTER_OUT_OF_MEMORY, "the allocator has no memory for the model's scratch space");
    }
    for (const std::shared_ptr<const Model> &variant : model->model->variants())
      made->variants.push_back({portsOf(variant->inputs(), "input"), portsOf(variant->outputs(), "output")});
    made->inputData.resize(made->inputs().size());
    made->outputData.resize(made->outputs().size());
    if (sinter_error_t *failed = made->start(threads))
      return failed;
    *session = made.release();
    return nullptr;
  });
}

void sinter_session_free(sinter_session_t *session) { delete session; }
int32_t sinter_session_threads(const sinter_session_t *session) { return session ? session->session->threads() : 0; }

sinter_error_t *sinter_session_set_threads(sinter_session_t *session, int32_t threads) {
  if (!session)
    return nullArgument("session");
  return guarded([&] { return session->start(threads); });
}

sinter_error_t *sinter_session_run(sinter_session_t *session, const sinter_tensor_t *inputs, size_t input_count,
                                   sinter_tensor_t *outputs, size_t output_count) {
  if (!session || (!inputs && input_count > 0) || (!outputs && output_count > 0))
    return nullArgument(!session ? "session" : inputs || input_count == 0 ? "outputs" : "inputs");
  return guarded([&]() -> sinter_error_t * {
    if (input_count != session->inputs().size() || output_count != session->outputs().size())
      return error(SINTER_INVALID_ARGUMENT,
                   fmt::format("the model has {} inputs and {} outputs, but was given {} and {} tensors",
                               session->inputs().size(), session->outputs().size(), input_count, output_count));
    if (sinter_error_t *failed = session->choose({inputs, input_count}))
      return failed;
    for (size_t i = 0; i < input_count; ++i)
      if (sinter_error_t *failed = session->bindInput(i, inputs[i]))
        return failed;
    for (size_t i = 0; i < output_count; ++i)
      if (sinter_error_t *failed = session->bindOutput(i, outputs[i]))
        return failed;
    if (sinter_error_t *failed = session->checkOverlaps())
      return failed;
    Status status = session->session->runBuffers(session->inputData.data(), session->outputData.data(), nullptr, session->chosen);
    if (!status.ok())
      return session->session->cancelled() ? error(SINTER_CANCELLED, "the run was cancelled") : error(status);
    for (size_t i = 0; i < output_count; ++i)
      if (session->outputData[i] != outputs[i].data)
        copyFromDense(session->outputData[i], outputs[i]);
    for (size_t i = 0; i < output_count; ++i) {
      Port &port = session->outputs()[i];
      if (port.info->countedBy == 0)
        continue;
      port.shape = shapeOf(*port.info);
      port.shape[static_cast<size_t>(port.info->boundedAxis)] = session->session->trueSize(i);
      outputs[i].shape = port.shape.data();
      if (!outputs[i].strides)
        outputs[i].strides = port.strides.data();
    }
    return nullptr;
  });
}

void sinter_session_cancel(sinter_session_t *session) {
  if (session)
    session->session->cancel();
}
