// A run picks the variant, checks and binds each tensor, checks that none overlap, runs, and copies results out.
#include "api/Runner.h"
#include "api/Errors.h"
#include "api/Plugin.h"
#include "api/Strided.h"
#include "api/TensorText.h"

using namespace sinter;
using namespace sinter::api;

namespace {

/// A block from the caller's allocator, or from ours; null where there is no memory. Fails where the caller's is not
/// aligned.
sinter_error_t *allocate(const std::optional<sinter_allocator_t> &allocator, size_t bytes,
                         std::shared_ptr<void> &made) {
  bytes = std::max<size_t>(bytes, 1);
  if (!allocator) {
    std::optional<Tensor> memory = Tensor::allocate(DType::U8, {static_cast<int64_t>(bytes)});
    if (!memory)
      return nullptr;
    auto owner = std::make_shared<Tensor>(std::move(*memory));
    made = {owner, owner->data()};
    return nullptr;
  }
  void *block = allocator->allocate(allocator->context, bytes, SINTER_ALIGNMENT);
  if (!block)
    return nullptr;
  std::shared_ptr<void> owner(block, [hook = *allocator, bytes](void *p) { hook.release(hook.context, p, bytes); });
  if (reinterpret_cast<uintptr_t>(block) % SINTER_ALIGNMENT != 0)
    return error(SINTER_INVALID_ARGUMENT,
                 fmt::format("the allocator's memory is not aligned to {} bytes, as was asked for", SINTER_ALIGNMENT));
  made = std::move(owner);
  return nullptr;
}

bool overlap(const void *a, size_t aBytes, const void *b, size_t bBytes) {
  auto first = reinterpret_cast<uintptr_t>(a), second = reinterpret_cast<uintptr_t>(b);
  return first < second + bBytes && second < first + aBytes;
}

} // namespace

std::vector<Runner::Port> Runner::portsOf(std::span<const SinterTensorInfo> infos, const char *role) {
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

sinter_error_t *Runner::create(std::shared_ptr<const Model> model, const RunnerSetup &setup,
                               std::unique_ptr<Runner> &runner) {
  auto made = std::make_unique<Runner>();
  made->compiled = std::move(model);
  made->allocator = setup.allocator;
  const Model &compiled = *made->compiled;
  if (made->allocator) {
    if (sinter_error_t *failed = allocate(made->allocator, static_cast<size_t>(compiled.arenaBytes()), made->arena))
      return failed;
    if (!made->arena)
      return error(SINTER_OUT_OF_MEMORY, "the allocator has no memory for the model's scratch space");
  }
  for (const std::shared_ptr<const Model> &variant : compiled.variants())
    made->variants.push_back({portsOf(variant->inputs(), "input"), portsOf(variant->outputs(), "output")});
  made->inputData.resize(made->inputs().size());
  made->outputData.resize(made->outputs().size());
  if (sinter_error_t *failed = made->start(setup.threads, setup.pool))
    return failed;
  runner = std::move(made);
  return nullptr;
}

sinter_error_t *Runner::setThreads(int threads) { return start(threads, nullptr); }

sinter_error_t *Runner::start(int threads, std::shared_ptr<ThreadPool> pool) {
  if (Status status = provideFallback(*compiled); !status.ok())
    return error(status);
  Expected<std::unique_ptr<Session>> started = Session::create(compiled, threads, arena, std::move(pool));
  if (!started)
    return error(started.failure());
  std::unique_ptr<Session> &made = *started; // becomes the old one, whose threads end outside the lock
  std::lock_guard lock(replacing);
  std::swap(session, made);
  return nullptr;
}

sinter_error_t *Runner::checkTensor(const Port &port, const sinter_tensor_t &tensor) {
  const SinterTensorInfo &info = *port.info;
  auto fail = [&](const std::string &what) {
    return error(SINTER_INVALID_ARGUMENT, fmt::format("{} '{}' {}", port.role, info.name, what));
  };
  if (tensor.type != info.type)
    return fail(wrongType(info.type, tensor.type));
  if (tensor.rank < 0 || (tensor.rank > 0 && !tensor.shape))
    return fail("has no valid shape");
  // The last run may have left a smaller true size than the largest.
  auto fits = [&](int32_t axis) {
    bool isBounded = info.countedBy > 0 && axis == info.boundedAxis;
    return isBounded ? tensor.shape[axis] <= info.shape[axis] : tensor.shape[axis] == info.shape[axis];
  };
  bool isRight = tensor.rank == info.rank;
  for (int32_t axis = 0; isRight && axis < info.rank; ++axis)
    isRight = fits(axis);
  if (!isRight)
    return fail(fmt::format("must have the shape {}, but was given {}", shapeText(info.shape, info.rank),
                            shapeText(tensor, info.rank)));
  if (!tensor.data && port.bytes > 0)
    return fail("has no data");
  return nullptr;
}

/// The variant for the shapes of the inputs; where there is one only, the message is about the tensor that does not
/// fit.
sinter_error_t *Runner::choose(std::span<const sinter_tensor_t> given) {
  if (variants.size() == 1)
    return nullptr;
  std::vector<Tensor> shapes;
  for (const sinter_tensor_t &tensor : given) {
    bool isAbsent = !tensor.data && tensor.rank == 0, isValid = shapes.size() < inputs().size() &&
                                                                tensor.rank == inputs()[shapes.size()].info->rank &&
                                                                (tensor.rank == 0 || tensor.shape);
    isValid = isValid || isAbsent;
    Shape shape = isValid && !isAbsent ? Shape(tensor.shape, tensor.shape + tensor.rank) : Shape();
    if (!isValid || !elementCount(shape))
      return error(SINTER_INVALID_ARGUMENT, "an input has no valid shape");
    shapes.push_back(isAbsent ? Tensor() : Tensor::view(DType::U8, std::move(shape), tensor.data));
  }
  Expected<size_t> found = compiled->variantFor(shapes);
  if (!found)
    return error(found.failure());
  chosen = *found;
  return nullptr;
}

/// Gives the port memory of the session's.
sinter_error_t *Runner::provide(Port &port) {
  if (!port.memory)
    if (sinter_error_t *failed = allocate(allocator, port.bytes, port.memory))
      return failed;
  if (port.memory)
    return nullptr;
  return error(SINTER_OUT_OF_MEMORY,
               fmt::format("not enough memory: {} '{}' takes {} bytes", port.role, port.info->name, port.bytes));
}

sinter_error_t *Runner::bindInput(size_t index, const sinter_tensor_t &tensor) {
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

sinter_error_t *Runner::bindOutput(size_t index, sinter_tensor_t &tensor) {
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

sinter_error_t *Runner::checkOverlaps() {
  std::span<const Port> inputs = this->inputs(), outputs = this->outputs();
  for (size_t i = 0; i < outputs.size(); ++i) {
    auto reject = [&](const Port &other) {
      return error(SINTER_INVALID_ARGUMENT, fmt::format("output '{}' overlaps {} '{}': give each memory of its own",
                                                        outputs[i].info->name, other.role, other.info->name));
    };
    for (size_t k = 0; k < inputs.size(); ++k)
      if (overlap(outputData[i], outputs[i].bytes, inputData[k], inputs[k].bytes))
        return reject(inputs[k]);
    for (size_t k = 0; k < i; ++k)
      if (overlap(outputData[i], outputs[i].bytes, outputData[k], outputs[k].bytes))
        return reject(outputs[k]);
  }
  return nullptr;
}

/// Where a run says how much there is.
void Runner::tellTrueSizes(std::span<sinter_tensor_t> results) {
  for (size_t i = 0; i < results.size(); ++i) {
    Port &port = outputs()[i];
    if (port.info->countedBy == 0)
      continue;
    port.shape = shapeOf(*port.info);
    port.shape[static_cast<size_t>(port.info->boundedAxis)] = session->trueSize(i);
    results[i].shape = port.shape.data();
    if (!results[i].strides)
      results[i].strides = port.strides.data();
  }
}

sinter_error_t *Runner::run(std::span<const sinter_tensor_t> given, std::span<sinter_tensor_t> results) {
  if (sinter_error_t *failed = choose(given))
    return failed;
  for (size_t i = 0; i < given.size(); ++i)
    if (sinter_error_t *failed = bindInput(i, given[i]))
      return failed;
  for (size_t i = 0; i < results.size(); ++i)
    if (sinter_error_t *failed = bindOutput(i, results[i]))
      return failed;
  if (sinter_error_t *failed = checkOverlaps())
    return failed;
  Status status = session->runBuffers(inputData.data(), outputData.data(), nullptr, chosen);
  if (!status.ok())
    return session->cancelled() ? error(SINTER_CANCELLED, "the run was cancelled") : error(status);
  for (size_t i = 0; i < results.size(); ++i)
    if (outputData[i] != results[i].data)
      copyFromDense(outputData[i], results[i]);
  tellTrueSizes(results);
  return nullptr;
}
