// The runtime's handle owns its compiled model or shape cache through a release callback, which also tells its kind.
#include "api/Specialise.h"
#include "api/Errors.h"
#include "api/Strided.h"

using namespace sinter;
using namespace sinter::api;

namespace {

/// The owner of a compiled model, as the runtime's handle keeps it.
using Owner = std::shared_ptr<CompiledModel>;
void releaseOwner(void *owner) { delete static_cast<Owner *>(owner); }
void releaseShapeCache(void *cache) { delete static_cast<ShapeCache *>(cache); }

/// The caller's tensor as the shape cache looks at it: dense, or without data.
std::optional<Tensor> viewOf(const sinter_tensor_t &given) {
  auto type = static_cast<DType>(given.type);
  Shape shape(given.shape, given.shape + given.rank);
  if (!given.data || isInPlace(given))
    return Tensor::view(type, std::move(shape), given.data);
  std::optional<Tensor> dense = Tensor::allocate(type, std::move(shape));
  if (dense)
    copyToDense(given, dense->data());
  return dense;
}

/// The runtime has checked types and shapes.
sinter_error_t *specialise(void *context, const sinter_tensor_t *inputs, size_t count, sinter_model_t **model) {
  return guarded([&]() -> sinter_error_t * {
    auto &cache = *static_cast<ShapeCache *>(context);
    InputTensors tensors;
    for (size_t i = 0; i < count; ++i) {
      const InterfaceValue &input = cache.interface().inputs[i];
      if (!inputs[i].data && inputs[i].rank == 0 && input.hasDefault)
        continue;
      std::optional<Tensor> tensor = viewOf(inputs[i]);
      if (!tensor)
        return error(SINTER_OUT_OF_MEMORY, "not enough memory for a dense copy of input '" + input.name + "'");
      tensors.emplace(input.name, std::move(*tensor));
    }
    Expected<std::shared_ptr<CompiledModel>> compiled = cache.compiledFor(tensors);
    return compiled ? handOutCompiled(std::move(*compiled), model) : error(compiled.failure());
  });
}

std::vector<sinter_tensor_info_t> infosOf(const std::vector<InterfaceValue> &tensors) {
  std::vector<sinter_tensor_info_t> infos;
  for (const InterfaceValue &tensor : tensors)
    infos.push_back({tensor.name.c_str(), tensor.shape ? tensor.shape->data() : nullptr,
                     tensor.shape ? static_cast<int32_t>(tensor.shape->size()) : -1, static_cast<int32_t>(*tensor.type),
                     tensor.hasDefault});
  return infos;
}

} // namespace

sinter_error_t *api::handOutCompiled(std::shared_ptr<CompiledModel> compiled, sinter_model_t **model) {
  const SinterModel *table = compiled->abi();
  auto owner = std::make_unique<Owner>(std::move(compiled));
  if (sinter_error_t *failed = sinter_model_from_table(table, releaseOwner, owner.get(), model))
    return failed;
  static_cast<void>(owner.release());
  return nullptr;
}

const CompiledModel *api::compiledOf(const sinter_model_t *model) {
  auto *owner = static_cast<Owner *>(sinter_model_context(model, releaseOwner));
  return owner ? owner->get() : nullptr;
}

sinter_error_t *api::handOutOpen(std::unique_ptr<ShapeCache> cache, const std::string &target, sinter_model_t **model) {
  std::vector<sinter_tensor_info_t> inputs = infosOf(cache->interface().inputs),
                                    outputs = infosOf(cache->interface().outputs);
  sinter_open_model_t open = {};
  open.struct_size = sizeof open;
  open.name = cache->interface().name.c_str();
  open.target = target.c_str();
  open.inputs = inputs.data();
  open.input_count = inputs.size();
  open.outputs = outputs.data();
  open.output_count = outputs.size();
  open.specialise = specialise;
  open.release = releaseShapeCache;
  open.context = cache.get();
  if (sinter_error_t *failed = sinter_model_create_open(&open, model))
    return failed;
  static_cast<void>(cache.release());
  return nullptr;
}
